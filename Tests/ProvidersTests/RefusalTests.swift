import Admission
import Testing

@testable import Providers

@Suite("A refusal")
struct RefusalTests {
    private static let account = RefusedLimit(name: "account", bound: .rate(Limit.Rate(500, per: .seconds(60))))
    private static let slots = RefusedLimit(
        name: "slots", bound: .inFlight(4), holders: [RefusedLimit.Holder("tenant", "acme")])
    private static let tokens = RefusedLimit(
        name: "tpm", bound: .rate(Limit.Rate(200_000, per: .seconds(30), of: .tokens)))
    private static let jobs = RefusedLimit(
        name: "jobs", bound: .distinct(8, of: "job"),
        holders: [RefusedLimit.Holder("tenant", "acme"), RefusedLimit.Holder("job", "nightly")])

    @Test(
        "says in one sentence which limit, for whom and when to come back",
        arguments: [
            (
                Refusal.limitReached(slots, wait: .milliseconds(350)),
                "Penstock refused this request: limit \"slots\" (4 requests in flight) for tenant \"acme\" is reached; "
                    + "come back in 350 milliseconds"
            ),
            (
                .limitReached(account, wait: .milliseconds(11_500)),
                "Penstock refused this request: limit \"account\" (500 requests per minute) is reached; "
                    + "come back in 12 seconds"
            ),
            (
                .limitReached(tokens, wait: nil),
                "Penstock refused this request: limit \"tpm\" (200000 tokens per 30 seconds) is reached"
            ),
            (
                .queueFull(waiting: 1000, limit: account, wait: .seconds(300)),
                "Penstock refused this request: 1000 requests wait already, held back by limit \"account\" "
                    + "(500 requests per minute); come back in 5 minutes"
            ),
            (
                .queueFull(waiting: 1, tenant: "acme", limit: nil, wait: nil),
                "Penstock refused this request: 1 request of tenant \"acme\" waits already"
            ),
            (
                .queueFull(waiting: 0, tenant: "acme", limit: slots, wait: .seconds(2)),
                "Penstock refused this request: no request of tenant \"acme\" may wait here, held back by limit "
                    + "\"slots\" (4 requests in flight) for tenant \"acme\"; come back in 2 seconds"
            ),
            (
                .waitTooLong(allowed: .seconds(60), limit: jobs, wait: .seconds(1)),
                "Penstock refused this request: the wait would be longer than 1 minute, held back by limit \"jobs\" "
                    + "(8 jobs under way) for tenant \"acme\", job \"nightly\"; come back in 1 second"
            ),
            (
                .waitedInVain(for: .seconds(5), limit: nil, wait: .seconds(7201)),
                "Penstock refused this request: no turn came within 5 seconds; come back in 3 hours"
            ),
            (
                .neverFits(tokens: 250_000, limit: tokens),
                "Penstock refused this request: 250000 tokens can never fit limit \"tpm\" "
                    + "(200000 tokens per 30 seconds)"
            ),
            (
                .connectFailed(.refused, upstream: "openai"),
                "Penstock could not reach openai: the connection was refused"
            ),
            (
                .firstByteTimeout(after: .seconds(300), upstream: "openai"),
                "openai did not begin to answer Penstock within 5 minutes"
            ),
        ])
    func sentences(refusal: Refusal, message: String) {
        #expect(refusal.message == message)
    }

    @Test(
        "has the status and the RFC 9209 error of its row",
        arguments: [
            (Refusal.limitReached(account, wait: nil), 429, "http_request_denied"),
            (.limitReached(slots, wait: nil), 429, "connection_limit_reached"),
            (.limitReached(jobs, wait: nil), 429, "http_request_denied"),
            (.queueFull(waiting: 9, limit: account, wait: nil), 429, "http_request_denied"),
            (.queueFull(waiting: 9, limit: slots, wait: nil), 429, "connection_limit_reached"),
            (.waitTooLong(allowed: .seconds(1), limit: nil, wait: nil), 429, "http_request_denied"),
            (.waitedInVain(for: .seconds(1), limit: nil, wait: nil), 429, "http_request_denied"),
            (.neverFits(tokens: 9, limit: tokens), 413, "http_request_denied"),
            (.draining, 503, "proxy_internal_response"),
            (.overloaded("memory in use"), 503, "proxy_internal_response"),
            (.breakerOpen(upstream: "openai", wait: .seconds(30)), 503, "destination_unavailable"),
            (.noRoute("/x"), 404, "http_request_denied"),
            (.destinationDenied("example.com:443"), 403, "http_request_denied"),
            (.badRequest("no Host"), 400, "http_request_error"),
            (.requestTimeout(after: .seconds(10)), 408, "http_request_error"),
            (.headTooLarge(limit: 65536), 431, "http_request_error"),
            (.bodyTooLarge(limit: 65536), 413, "http_request_error"),
            (.loop, 508, "proxy_loop_detected"),
            (.internalError, 502, "proxy_internal_error"),
            (.connectFailed(.refused, upstream: "x"), 502, "connection_refused"),
            (.connectFailed(.timeout, upstream: "x"), 502, "connection_timeout"),
            (.connectFailed(.terminated, upstream: "x"), 502, "connection_terminated"),
            (.connectFailed(.dns, upstream: "x"), 502, "dns_error"),
            (.connectFailed(.dnsTimeout, upstream: "x"), 502, "dns_timeout"),
            (.connectFailed(.tlsCertificate, upstream: "x"), 502, "tls_certificate_error"),
            (.connectFailed(.tlsProtocol, upstream: "x"), 502, "tls_protocol_error"),
            (.connectFailed(.tlsAlert, upstream: "x"), 502, "tls_alert_received"),
            (.connectFailed(.unroutable, upstream: "x"), 502, "destination_ip_unroutable"),
            (.connectFailed(.prohibited, upstream: "x"), 502, "destination_ip_prohibited"),
            (.firstByteTimeout(after: .seconds(1), upstream: "x"), 504, "http_response_timeout"),
            (.idleTimeout(after: .seconds(1), upstream: "x"), 504, "connection_read_timeout"),
            (.totalTimeout(after: .seconds(1), upstream: "x"), 504, "http_response_timeout"),
            (.responseIncomplete(upstream: "x"), 502, "http_response_incomplete"),
            (.badResponse("no status line", upstream: "x"), 502, "http_protocol_error"),
        ])
    func rows(refusal: Refusal, status: Int, error: String) {
        #expect(refusal.status == status)
        #expect(refusal.error.rawValue == error)
        #expect(refusal.message.contains("Penstock"))
        #expect(!refusal.message.hasSuffix("."))
    }

    @Test(
        "advises to repeat only what makes sense and within a minute",
        arguments: [
            (Refusal.limitReached(account, wait: .seconds(60)), true),
            (.limitReached(account, wait: .milliseconds(60_001)), false),
            (.limitReached(account, wait: .zero), true),
            (.limitReached(account, wait: nil), false),
            (.neverFits(tokens: 9, limit: tokens), false),
            (.draining, true),
            (.breakerOpen(upstream: "x", wait: .seconds(30)), true),
            (.breakerOpen(upstream: "x", wait: .minutes(5)), false),
            (.noRoute("/x"), false),
            (.destinationDenied("x"), false),
            (.badRequest("x"), false),
            (.requestTimeout(after: .seconds(1)), true),
            (.headTooLarge(limit: 1), false),
            (.loop, false),
            (.connectFailed(.refused, upstream: "x"), false),
            (.connectFailed(.refused, upstream: "x", spent: false), true),
            (.connectFailed(.prohibited, upstream: "x", spent: false), false),
            (.firstByteTimeout(after: .seconds(1), upstream: "x", spent: false), true),
        ])
    func advice(refusal: Refusal, advised: Bool) {
        #expect(refusal.advisesRetry == advised)
    }

    @Test("cuts names that a request made long and drops a query, which may hold a key")
    func bounded() {
        let long = String(repeating: "é", count: 50_000)
        let limit = RefusedLimit(name: long, bound: .inFlight(1), holders: [RefusedLimit.Holder("tenant", long)])
        for refusal in [
            Refusal.limitReached(limit, wait: nil), .noRoute(long), .destinationDenied(long),
            .queueFull(waiting: 1, tenant: long, limit: limit, wait: nil),
        ] {
            #expect(refusal.message.unicodeScalars.count < 500)
            #expect(refusal.message.contains("..."))
        }
        #expect(Refusal.noRoute("/v1/x?key=secret").message == "Penstock has no upstream for /v1/x")
    }

    @Test(
        "names a wait in a unit that fits, never too short",
        arguments: [
            (Interval.zero, "now"), (.milliseconds(-5), "now"), (Interval(nanoseconds: 1), "in 1 millisecond"),
            (.milliseconds(999), "in 999 milliseconds"), (.seconds(1), "in 1 second"),
            (.milliseconds(1001), "in 2 seconds"), (.seconds(120), "in 120 seconds"), (.seconds(121), "in 3 minutes"),
            (.hours(2), "in 120 minutes"), (.seconds(7201), "in 3 hours"), (.days(2), "in 48 hours"),
            (.seconds(172_801), "in 3 days"),
        ])
    func waits(wait: Interval, words: String) {
        #expect(Words.wait(wait) == words)
    }
}
