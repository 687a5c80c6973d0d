import NIOCore
import Testing

@testable import Proxy

@Suite("Another attempt", .timeLimit(.minutes(2)))
struct RepetitionTests {
    private static let quick = "retry: {backoff: {base: 1ms, max: 1ms}}"

    @Test(
        "A hint of the provider is waited for, and the caller sees the answer that follows",
        arguments: ["Retry-After: 1", "retry-after-ms: 30", "x-ms-retry-after-ms: 20", "Retry-After: 0"])
    func hint(field: String) async throws {
        try await Proxied.withUpstream(Self.quick) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "question")
            let first = try await upstream.accept()
            #expect(try await first.message().text == "question")
            try await first.answer(429, field)
            #expect(try await first.message().text == "question")
            try await first.answer()
            #expect(try await caller.message().status == 200)
            #expect(proxy.metric("penstock_throttled_total", #"status="429""#) == 1)
            #expect(proxy.metric("penstock_attempts_total") == 2)
        }
    }

    @Test("A hint that is a date is waited for")
    func date() async throws {
        try await Proxied.withUpstream(Self.quick) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let first = try await upstream.accept()
            _ = try await first.message()
            try await first.answer(
                429, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:38 GMT")
            _ = try await first.message()
            try await first.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("What the provider has no capacity for is sent again", arguments: [503, 529, 500, 504])
    func overload(status: Int) async throws {
        try await Proxied.withUpstream(Self.quick) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let first = try await upstream.accept()
            _ = try await first.message()
            try await first.answer(status)
            _ = try await first.message()
            try await first.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test(
        "Where the wait for another attempt would be too long, the provider's answer is passed on",
        arguments: [
            ("x-stainless-timeout: 1", "", 30), ("Prefer: wait=1", "", 30), ("", "queue: {timeout: 1s}", 30),
            ("", "retry: {max_retry_after: 1s}", 2),
        ])
    func tooLong(field: String, policy: String, seconds: Int) async throws {
        try await Proxied.withUpstream(policy) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/v1", field)
            let first = try await upstream.accept()
            _ = try await first.message()
            try await first.answer(429, "Retry-After: \(seconds)", body: "slow down")
            let answer = try await caller.message()
            #expect(answer.status == 429)
            #expect(answer.text == "slow down")
            #expect(answer["retry-after"] == "\(seconds)")
            #expect(answer["x-should-retry"] == "false")
        }
    }

    @Test("An error answer longer than what is held, whose repetition is refused, becomes Penstock's own refusal")
    func longErrorRefused() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/v1", "x-stainless-timeout: 1")
            let first = try await upstream.accept()
            _ = try await first.message()
            try await first.send("HTTP/1.1 429 X\r\nRetry-After: 30\r\nContent-Length: 100000\r\n\r\n")
            try await first.send(Array(repeating: 120, count: 20_000))
            let answer = try await caller.message()
            #expect(answer.status == 429)
            #expect(answer["proxy-status"]?.contains("penstock") == true)
            _ = try await first.untilClosed()
        }
    }

    @Test("While draining nothing is sent again")
    func draining() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let (caller, idle) = (try await proxy.connect(), try await proxy.connect())
            try await caller.request()
            let first = try await upstream.accept()
            _ = try await first.message()
            async let drained = proxy.server.drain(timeout: .seconds(20))
            _ = try await idle.untilClosed()
            try await first.answer(429, "Retry-After: 1")
            let answer = try await caller.message()
            #expect(answer.status == 429)
            #expect(answer["connection"] == "close")
            #expect(await drained)
        }
    }

    @Test(
        "A quota that is used up, and what asks too much, is passed on at once",
        arguments: [
            (429, #"{"error":{"code":"insufficient_quota","type":"insufficient_quota","message":"x"}}"#, "false"),
            (400, #"{"error":{"message":"bad"}}"#, nil),
            (404, "not here", nil),
        ] as [(Int, String, String?)])
    func final(status: Int, body: String, advice: String?) async throws {
        try await Proxied.withUpstream("provider: openai") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let first = try await upstream.accept()
            _ = try await first.message()
            try await first.answer(status, body: body)
            let answer = try await caller.message()
            #expect(answer.status == status)
            #expect(answer.text == body)
            #expect(answer["x-should-retry"] == advice)
            #expect(proxy.metric("penstock_attempts_total") == 1)
        }
    }

    @Test("When all attempts are spent, the last answer goes to the caller with the advice not to go on")
    func spent() async throws {
        try await Proxied.withUpstream("retry: {attempts: 3, backoff: {base: 1ms, max: 1ms}}") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            for attempt in 1...3 {
                _ = try await wire.message()
                try await wire.answer(429, "retry-after-ms: 1", body: "attempt \(attempt)")
            }
            let answer = try await caller.message()
            #expect(answer.text == "attempt 3")
            #expect(answer["x-should-retry"] == "false")
        }
    }

    @Test("The retry budget bounds what is repeated without a hint")
    func budget() async throws {
        try await Proxied.withUpstream(
            "retry: {attempts: 5, budget: {share: 0%, least: 1/min}, backoff: {base: 1ms, max: 1ms}}"
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            for _ in 1...2 {
                _ = try await wire.message()
                try await wire.answer(503)
            }
            #expect(try await caller.message().status == 503)
        }
    }

    enum Broken: CaseIterable { case close, reset }

    @Test("A request that changes nothing is sent again when its connection breaks", arguments: Broken.allCases)
    func idempotent(how: Broken) async throws {
        try await Proxied.withUpstream(Self.quick) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let first = try await upstream.accept()
            _ = try await first.message()
            if how == .close { await first.close() } else { await first.reset() }
            let second = try await upstream.accept()
            _ = try await second.message()
            try await second.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("A POST whose connection breaks is not sent again, unless the policy says so", arguments: [false, true])
    func unsafe(isUnsafe: Bool) async throws {
        try await Proxied.withUpstream("retry: {unsafe: \(isUnsafe), backoff: {base: 1ms, max: 1ms}}") {
            proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "question")
            let first = try await upstream.accept()
            _ = try await first.message()
            await first.reset()
            if isUnsafe {
                let second = try await upstream.accept()
                #expect(try await second.message().text == "question")
                try await second.answer()
                #expect(try await caller.message().status == 200)
            } else {
                let answer = try await caller.message()
                #expect(answer.status == 502)
                #expect(answer["proxy-status"]?.contains("error=http_response_incomplete") == true)
                #expect(upstream.count == 1)
            }
        }
    }

    @Test("A POST is sent again when a connection from the pool turns out to be dead")
    func stale() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "one")
            let first = try await upstream.accept()
            _ = try await first.message()
            try await first.answer()
            _ = try await caller.message()
            try await caller.request("POST", "/v1", body: "two")
            _ = try await first.message()
            await first.reset()
            let second = try await upstream.accept()
            #expect(try await second.message().text == "two")
            try await second.answer()
            #expect(try await caller.message().status == 200)
            #expect(proxy.metric("penstock_attempts_total", "stale") == 1)
        }
    }

    @Test("After the first byte went downstream nothing is sent again, and the answer does not look whole")
    func cutAnswer() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            for (framing, start) in [("Content-Length: 10", "ab"), ("Transfer-Encoding: chunked", "5\r\nab")] {
                let caller = try await proxy.connect()
                try await caller.request()
                let wire = try await upstream.accept()
                _ = try await wire.message()
                try await wire.send("HTTP/1.1 200 X\r\n\(framing)\r\n\r\n\(start)")
                _ = try await caller.text(through: "ab")
                await wire.close()
                let rest = try await caller.untilClosed()
                #expect(!rest.text.contains("0\r\n"))
            }
            #expect(upstream.count == 2)
            #expect(proxy.metric("penstock_requests_total", #"outcome="failed""#) == 2)
        }
    }

    @Test(
        "An error answer that breaks off does not look whole",
        arguments: ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"])
    func cutError(rest: String) async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.send("HTTP/1.1 400 X\r\n\(rest)")
            await wire.close()
            let all = try await caller.untilClosed()
            #expect(all.text.contains("abc"))
            #expect(!all.text.contains("\r\n0\r\n"))
        }
    }

    @Test("Only a body that was kept whole is sent again", arguments: [(1000, true), (1001, false)])
    func maxBody(size: Int, isRepeated: Bool) async throws {
        try await Proxied.withUpstream("retry: {max_body: 1000, backoff: {base: 1ms, max: 1ms}}") { proxy, upstream in
            let caller = try await proxy.connect()
            let body = String(repeating: "b", count: size)
            try await caller.request("POST", "/v1", body: body)
            let wire = try await upstream.accept()
            #expect(try await wire.message().text == body)
            try await wire.answer(429, "Retry-After: 0")
            if isRepeated {
                #expect(try await wire.message().text == body)
                try await wire.answer()
            }
            #expect(try await caller.message().status == (isRepeated ? 200 : 429))
        }
    }

    @Test("A connection that is refused is tried again and then reported")
    func refused() async throws {
        let gone = try await Wire.Server.start()
        let port = gone.port
        await gone.stop()
        try await Proxied.run(
            """
            upstreams:
              up:
                url: http://127.0.0.1:\(port)
                limits: [{in_flight: 3}]
                retry: {attempts: 3, backoff: {base: 1ms, max: 2ms}}
            """
        ) { proxy in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "x")
            let answer = try await caller.message()
            #expect(answer.status == 502)
            #expect(answer["proxy-status"]?.contains("error=connection_refused") == true)
            #expect(answer["x-should-retry"] == "false")
            #expect(proxy.metric("penstock_attempts_total") == 3)
        }
    }

    @Test("A pause holds everybody, and sending resumes one after the other")
    func sharedPause() async throws {
        try await Proxied.withUpstream("connections: {max: 1}") { proxy, upstream in
            let first = try await proxy.connect()
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(429, "retry-after-ms: 2000")
            try await proxy.reaches(inFlight: 0, queued: 1)
            let second = try await proxy.connect()
            try await second.request("GET", "/second")
            try await proxy.reaches(inFlight: 0, queued: 2)
            let repeated = try await wire.message()
            #expect(repeated.startLine == "GET /v1 HTTP/1.1")
            try await wire.answer()
            #expect(try await first.message().status == 200)
            #expect(try await wire.message().startLine == "GET /second HTTP/1.1")
            try await wire.answer()
            #expect(try await second.message().status == 200)
        }
    }
}
