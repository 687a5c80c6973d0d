import Foundation
import Testing

@testable import Proxy

@Suite("What the provider says of its limits", .timeLimit(.minutes(2)))
struct LimitHeadersTests {
    private static let json = "Content-Type: application/json"

    private static func rate(_ proxy: Proxied) throws -> [String: Any] {
        let limits = try #require(proxy.status()["limits"] as? [[String: Any]])
        let cell = try #require((limits[0]["in_use"] as? [[String: Any]])?.first)
        return try #require(cell["requests/60s"] as? [String: Any])
    }

    @Test(
        "is kept to and shown, while other answers change nothing",
        arguments: [(500, 499, nil), (9000, 8000, nil), (300, 290, 300)] as [(limit: Int, remaining: Int, allows: Int?)]
    )
    func lowers(told: (limit: Int, remaining: Int, allows: Int?)) async throws {
        try await Proxied.withUpstream("provider: openai", limits: "[{requests: 500/min}]") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(
                200, "X-RateLimit-Limit-Requests: \(told.limit)\r\nx-ratelimit-remaining-requests: \(told.remaining)")
            _ = try await caller.message()
            #expect(try Self.rate(proxy)["provider_allows"] as? Int == told.allows)
            #expect(try Self.rate(proxy)["value"] as? Int == 500)
        }
    }

    @Test("holds everybody back where nothing is left of a window")
    func spent() async throws {
        try await Proxied.withUpstream("provider: mistral", limits: "[{requests: 60/min}]") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(
                200,
                "x-ratelimit-limit-req-minute: 60\r\nx-ratelimit-remaining-req-minute: 0\r\n"
                    + "x-ratelimit-reset-req-minute: 40")
            _ = try await caller.message()
            try await caller.request("GET", "/v1", "Prefer: wait=1")
            let refusal = try await caller.message()
            let wait = try #require(refusal["retry-after"].flatMap { Int($0) })
            #expect(refusal.status == 429 && (38...41).contains(wait), "\(wait)")
            #expect(proxy.metric("penstock_paused") == 1)
        }
    }

    @Test("is not heeded where the file says so")
    func ignored() async throws {
        try await Proxied.withUpstream(
            "provider: openai\nanswers: {limit_headers: false}", limits: "[{requests: 500/min}]"
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(200, "X-RateLimit-Limit-Requests: 3\r\nx-ratelimit-remaining-requests: 0")
            _ = try await caller.message()
            #expect(try Self.rate(proxy)["provider_allows"] == nil)
        }
    }

    @Test("A 429 that names tokens lets what has none go on")
    func named() async throws {
        try await Proxied.withUpstream(
            "provider: openai\nretry: {attempts: 1}", limits: "[{requests: 500/min, tokens: 100000/min}]"
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1/chat/completions", Self.json, body: #"{"model":"m","max_tokens":9}"#)
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(
                429, "Retry-After: 30",
                body: #"{"error":{"message":"on tokens per min (TPM): Limit 9, Used 9, Requested 1","type":"tokens"}}"#)
            #expect(try await caller.message().status == 429)
            try await caller.request("GET", "/v1/models")
            _ = try await wire.message()
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            try await caller.request(
                "POST", "/v1/chat/completions", "\(Self.json)\r\nPrefer: wait=1", body: #"{"model":"m","max_tokens":9}"#
            )
            let refusal = try await caller.message()
            #expect(refusal.status == 429 && refusal["proxy-status"] != nil)
        }
    }

    @Test("Statuses, hints and models are read as the file says")
    func overrides() async throws {
        try await Proxied.withUpstream(
            "provider: openai\nanswers: {rate: 420, retry_after_ms: X-Wait}\nmodel_header: X-Model",
            limits: "[{match: {model: big}, in_flight: 1}]"
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", "X-Model: big", body: "{}")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(420, "X-Wait: 20")
            _ = try await wire.message()
            let (second, other) = (try await proxy.connect(), try await proxy.connect())
            try await second.request("POST", "/v1", "X-Model: big", body: "{}")
            try await proxy.reaches(inFlight: 1, queued: 1)
            try await other.request("POST", "/v1", "X-Model: small", body: "{}")
            let aside = try await upstream.accept()
            #expect(try await aside.message()["x-model"] == "small")
            try await aside.answer()
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            _ = try await wire.message()
            try await wire.answer()
            _ = try await second.message()
        }
    }
}
