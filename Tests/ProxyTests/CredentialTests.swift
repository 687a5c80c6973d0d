import NIOCore
import Policy
import Providers
import Testing

@testable import Proxy

@Suite("Several keys of one upstream", .timeLimit(.minutes(2)))
struct CredentialTests {
    private static let two = """
        credentials:
          - {name: a, key: {env: A}, limits: [{in_flight: 4}]}
          - {name: b, key: {env: B}, limits: [{in_flight: 4}]}
        """
    private static let secrets = ["A": "sk-of-a", "B": "sk-of-b"]
    private static let quick = "retry: {backoff: {base: 1ms, max: 1ms}}"

    private static func run(
        _ upstream: String = "provider: openai", _ body: (Proxied, Wire.Server) async throws -> Void
    ) async throws {
        try await Proxied.withUpstream(upstream + "\n" + two, secrets: secrets) { proxy, server in
            try await body(proxy, server)
            try await isSecret(proxy)
        }
    }

    /// Nothing that anybody can read has a key in it.
    private static func isSecret(_ proxy: Proxied) async throws {
        let texts = [
            String(decoding: proxy.server.statusJSON(), as: UTF8.self),
            String(decoding: proxy.registry.render(.text), as: UTF8.self),
            try proxy.logLines().joined(separator: "\n"),
        ]
        #expect(texts.allSatisfy { !$0.contains("sk-of-") && !$0.contains("sk-theirs") })
    }

    private static func states(_ proxy: Proxied) throws -> [String?] {
        let keys = try #require(proxy.status()["credentials"] as? [[String: Any]])
        return keys.map { $0["state"] as? String }
    }

    @Test(
        "Each request carries one of them where the provider looks for it, and never the caller's",
        arguments: [
            ("openai", "authorization", "Bearer "), ("anthropic", "x-api-key", ""), ("azure-openai", "api-key", ""),
            ("gemini", "x-goog-api-key", ""),
        ])
    func field(provider: String, name: String, scheme: String) async throws {
        try await Self.run("provider: \(provider)") { proxy, upstream in
            let caller = try await proxy.connect()
            var wire: Wire?
            for key in ["a", "b", "a"] {
                try await caller.request(
                    "GET", "/v1?key=sk-theirs&api-key=sk-theirs&x=1", "\(name): \(scheme)sk-theirs")
                let origin = if let wire { wire } else { try await upstream.accept() }
                wire = origin
                let request = try await origin.message()
                #expect(request.all(name) == ["\(scheme)sk-of-\(key)"])
                #expect(!request.fields.contains { $0.value.contains("sk-theirs") })
                try await origin.answer()
                let answer = try await caller.message()
                #expect(!answer.fields.contains { $0.value.contains("sk-of-") })
            }
            try await eventually("the log") { try proxy.logLines().count == 3 }
            #expect(try proxy.logLines()[1].contains(#""credential":"b""#))
            #expect(proxy.metric("penstock_limit_value", #"limit="b/in-flight""#) == 4)
        }
    }

    @Test("What one of them was told to slow down for goes out with the other at once, and the first rests")
    func throttled() async throws {
        try await Self.run { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "question")
            let wire = try await upstream.accept()
            #expect(try await wire.message()["authorization"] == "Bearer sk-of-a")
            try await wire.answer(429, "Retry-After: 60")
            let second = try await wire.message()
            #expect(second["authorization"] == "Bearer sk-of-b" && second.text == "question")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            #expect(try Self.states(proxy) == ["paused", "ok"])
            try await caller.request()
            #expect(try await wire.message()["authorization"] == "Bearer sk-of-b")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test(
        "A key that the provider turns away is left out, and no caller hears of it while the other works",
        arguments: [
            (401, #"{"error": {"code": "invalid_api_key"}}"#, "rejected"),
            (429, #"{"error": {"code": "insufficient_quota"}}"#, "exhausted"), (402, "", "exhausted"),
        ])
    func turnedAway(status: Int, body: String, state: String) async throws {
        try await Self.run { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "question")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(status, body: body)
            #expect(try await wire.message()["authorization"] == "Bearer sk-of-b")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            #expect(try Self.states(proxy) == [state, "ok"])
            #expect(proxy.metric("penstock_attempts_total", #"retry="credential""#) == 1)
        }
    }

    @Test("Where the provider turns all of them away, its own answer reaches the caller, each time at once")
    func allTurnedAway() async throws {
        try await Self.run { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            for _ in 0..<2 {
                _ = try await wire.message()
                try await wire.answer(401, body: "who are you")
            }
            #expect(try await caller.message().text == "who are you")
            #expect(try Self.states(proxy) == ["rejected", "rejected"])
            try await caller.request()
            _ = try await wire.message()
            try await wire.answer(401, body: "still not")
            let answer = try await caller.message()
            #expect(answer.status == 401 && answer.text == "still not")
        }
    }

    @Test("Without a hint the throttled key rests for as long as a backoff, and the other goes on")
    func hintless() async throws {
        try await Self.run("provider: openai\n\(Self.quick)") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            #expect(try await wire.message()["authorization"] == "Bearer sk-of-a")
            try await wire.answer(429)
            #expect(try await wire.message()["authorization"] == "Bearer sk-of-b")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("A redirect is passed on and not followed, so that no key goes to another host")
    func redirect() async throws {
        let other = try await Wire.Server.start()
        try await Self.run { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/v1", "Authorization: Bearer sk-theirs")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(307, "Location: http://127.0.0.1:\(other.port)/v1")
            let answer = try await caller.message()
            #expect(answer.status == 307 && answer["location"] == "http://127.0.0.1:\(other.port)/v1")
            #expect(proxy.metric("penstock_attempts_total") == 1)
        }
        #expect(other.count == 0)
        await other.stop()
    }

    @Test("A request that waits during a reload goes to its own host with a key that stood beside it")
    func reload() async throws {
        func policy(_ port: Int, _ key: String) -> String {
            """
            upstreams:
              up:
                url: http://127.0.0.1:\(port)
                provider: openai
                limits: [{in_flight: 1}]
                credentials: [{name: \(key), key: {env: \(key)}}]
            """
        }
        let (old, new) = (try await Wire.Server.start(), try await Wire.Server.start())
        try await Proxied.run(policy(old.port, "A"), secrets: ["A": "sk-of-a"]) { proxy in
            let (first, second) = (try await proxy.connect(), try await proxy.connect())
            try await first.request()
            let wire = try await old.accept()
            _ = try await wire.message()
            try await second.request()
            try await proxy.reaches(inFlight: 1, queued: 1)
            _ = try await proxy.reload(policy(new.port, "B"), secrets: ["B": "sk-of-b"])
            try await wire.answer()
            #expect(try await first.message().status == 200)
            // Its old connection is of no use to the new policy.
            let next = try await old.accept()
            #expect(try await next.message()["authorization"] == "Bearer sk-of-a")
            try await next.answer()
            #expect(try await second.message().status == 200)
            #expect(new.count == 0)
            try await first.request()
            let other = try await new.accept()
            #expect(try await other.message()["authorization"] == "Bearer sk-of-b")
            try await other.answer()
            #expect(try await first.message().status == 200)
        }
        await old.stop()
        await new.stop()
    }

    @Test("A refusal names the limit of the key that would have gone first, and no key")
    func refusal() async throws {
        let one = "provider: openai\ncredentials: [{name: a, key: {env: A}, limits: [{in_flight: 1}]}]"
        try await Proxied.withUpstream(one, secrets: Self.secrets) { proxy, upstream in
            let (first, second) = (try await proxy.connect(), try await proxy.connect())
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await second.request("GET", "/v1", "Prefer: wait=0")
            let answer = try await second.message()
            #expect(answer.status == 429)
            #expect(answer.text.contains("a/in-flight"))
            #expect(answer["ratelimit-policy"] == #""a/in-flight";q=1;qu="concurrent-requests""#)
            try await wire.answer()
            _ = try await first.message()
            try await Self.isSecret(proxy)
        }
    }

    @Test("A WebSocket's handshake carries one of them")
    func webSocket() async throws {
        try await Self.run { proxy, upstream in
            let caller = try await proxy.connect()
            let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
            try await caller.request(
                "GET", "/v1/realtime", fields + "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
            let wire = try await upstream.accept()
            #expect(try await wire.message()["authorization"] == "Bearer sk-of-a")
            try await wire.answer(400)
            #expect(try await caller.message().status == 400)
        }
    }

    @Test("A description of a key says nothing")
    func description() throws {
        let loader = PolicyLoader(
            file: "p",
            secrets: SecretSource(missing: .refused, environment: { Self.secrets[$0] }, readFile: { _ in [] }))
        let text = "upstreams: {up: {url: \"http://localhost\", credentials: [{key: {env: A}}]}}"
        let credential = try loader.load(text).policy.upstreams[0].credentials[0]
        let key = try #require(UpstreamKey(credential, .bearer))
        #expect(credential.key.value == "sk-of-a" && key.name == "A")
        #expect("\(key)" == "***" && String(reflecting: [key]).contains("sk-") == false)
        #expect("\(credential)".contains("sk-") == false)
    }
}
