import NIOCore
import Policy
import Testing

@testable import Proxy

@Suite("The way of a request", .timeLimit(.minutes(2)))
struct RoutingTests {
    @Test(
        "The prefix is taken off and the rest is joined to the url's path",
        arguments: [
            ("/up/v1/chat?a=b", "proxy", "/base/v1/chat?a=b"), ("/up", "proxy", "/base/"),
            ("/up?x=1", "proxy", "/base/?x=1"),
            ("/up/", "proxy", "/base/"), ("/up//v1", "proxy", "/base//v1"), ("/v1", "api.example.com", "/base/v1"),
            ("/up/v1", "api.example.com", "/base/up/v1"), ("/v1", "API.Example.COM:80", "/base/v1"),
            ("/up/%2e%2e/x", "proxy", "/base/%2e%2e/x"),
        ])
    func target(target: String, host: String, expected: String) async throws {
        let upstream = try await Wire.Server.start()
        try await Proxied.run(
            """
            upstreams:
              up:
                url: http://127.0.0.1:\(upstream.port)/base
                hosts: [api.example.com]
                default: false
                limits: [{in_flight: 3}]
              other: {url: "http://127.0.0.1:\(upstream.port)/other", limits: [{in_flight: 3}]}
            """
        ) { proxy in
            let caller = try await proxy.connect()
            try await caller.send("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            let wire = try await upstream.accept()
            let request = try await wire.message()
            #expect(request.startLine == "GET \(expected) HTTP/1.1")
            #expect(request["host"] == "127.0.0.1:\(upstream.port)")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
        await upstream.stop()
    }

    @Test(
        "What no upstream takes gets a 404 that names it without its query",
        arguments: ["/upx/v1?key=secret", "/?key=secret", "/UP?key=secret"])
    func nowhere(target: String) async throws {
        try await Proxied.withUpstream("default: false") { proxy, _ in
            let caller = try await proxy.connect()
            try await caller.request("GET", target)
            let answer = try await caller.message()
            #expect(answer.status == 404)
            #expect(answer["content-type"] == "application/problem+json")
            #expect(answer["x-should-retry"] == "false")
            #expect(answer["proxy-status"]?.hasPrefix("penstock; error=http_request_denied; details=") == true)
            #expect(!answer.text.contains("secret"))
            #expect(try proxy.logLines().allSatisfy { !$0.contains("secret") })
        }
    }

    @Test("Identity stays here, unless the policy forwards it, and hop-by-hop fields go no further")
    func fields() async throws {
        let rest = """
            identity:
              tenant: [{header: X-Tenant-Id}, proxy_user]
              job: [{header: X-Job-Id, forward: true}]
            """
        try await Proxied.withUpstream(rest: rest) { proxy, upstream in
            let caller = try await proxy.connect()
            let sent = [
                "X-Tenant-Id: acme", "X-Job-Id: nightly", "X-Priority: high", "Priority: u=1", "Traceparent: 00-1-2-01",
                "Authorization: Bearer mine", "Proxy-Authorization: Basic YTpi", "TE: trailers", "Upgrade: websocket",
                "Connection: keep-alive, X-Gone", "X-Gone: 1", "Keep-Alive: timeout=5", "Accept: */*",
            ]
            try await caller.request("GET", "/v1", sent.joined(separator: "\r\n"))
            let wire = try await upstream.accept()
            let request = try await wire.message()
            let names = request.fields.map { $0.name.lowercased() }
            #expect(names == ["host", "x-job-id", "priority", "traceparent", "authorization", "accept"])
            try await wire.send(
                "HTTP/1.1 200 X\r\nConnection: X-Own\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\nVia: 1.0 edge\r\n"
                    + "X-Request-Id: r1\r\nContent-Length: 2\r\n\r\nok")
            let answer = try await caller.message()
            #expect(answer.all("via") == ["1.0 edge", "1.1 penstock"])
            #expect(answer["x-request-id"] == "r1")
            #expect(answer["x-own"] == nil)
            #expect(answer["keep-alive"] == nil)
            #expect(answer["server-timing"]?.hasPrefix("penstock-queue;dur=0.0, penstock-upstream;dur=") == true)
            try await eventually("the log") { try proxy.logLines().count == 1 }
            let line = try proxy.logLines()[0]
            #expect(line.contains(#""tenant":"acme""#) && line.contains(#""job":"nightly""#))
            #expect(!line.contains("mine"))
        }
    }

    @Test("A key of the policy takes the place of the caller's")
    func credential() async throws {
        try await Proxied.withUpstream(
            "provider: openai\ncredential: {env: KEY}", secrets: ["KEY": "sk-ours"]
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/v1", "Authorization: Bearer sk-theirs\r\nauthorization: Bearer sk-again")
            let wire = try await upstream.accept()
            #expect(try await wire.message().all("authorization") == ["Bearer sk-ours"])
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            try await eventually("the log") { try proxy.logLines().count == 1 }
            #expect(try !proxy.logLines()[0].contains("sk-"))
            #expect(!String(decoding: proxy.server.statusJSON(), as: UTF8.self).contains("sk-"))
        }
    }

    @Test("A client's key in the query does not go out beside the policy's")
    func queryCredential() async throws {
        try await Proxied.withUpstream(
            "provider: gemini\ncredential: {env: KEY}", secrets: ["KEY": "ours"]
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/v1?key=theirs&alt=sse")
            let wire = try await upstream.accept()
            let request = try await wire.message()
            #expect(request.startLine == "GET /v1?alt=sse HTTP/1.1")
            #expect(request["x-goog-api-key"] == "ours")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("An upstream that is one of the proxy's own listeners is a loop")
    func loop() async throws {
        for attempt in 1... {
            do {
                return try await loop(port: freePort())
            } catch let failure as ProxyServer.StartFailure {
                // Somebody else was quicker to take it.
                if attempt == 10 { throw failure }
            }
        }
    }

    /// The port of a listener that is closed again, most likely still free for the proxy's own.
    private func freePort() async throws -> Int {
        let free = try await Wire.Server.start()
        await free.stop()
        return free.port
    }

    private func loop(port: Int) async throws {
        try await Proxied.run(
            "upstreams: {up: {url: \"http://127.0.0.1:\(port)\", limits: [{in_flight: 3}]}}",
            adjust: { $0.listen = [Listener(address: .tcp(host: "0.0.0.0", port: port))] }
        ) { proxy in
            let caller = try await Wire.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: port))
            try await caller.request("GET", "/up/x")
            let answer = try await caller.message()
            #expect(answer.status == 508)
            #expect(answer["proxy-status"]?.contains("error=proxy_loop_detected") == true)
            #expect(answer["x-should-retry"] == "false")
        }
    }

    @Test("A limit's refusal says which limit, how much it is, and when to come back")
    func refusal() async throws {
        try await Proxied.withUpstream(
            "provider: openai\nqueue: {timeout: 0s}", limits: "[{name: account, requests: 2/min}]"
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer()
            _ = try await caller.message()
            try await caller.request()
            let answer = try await caller.message()
            #expect(answer.status == 429)
            #expect(answer["content-type"] == "application/json")
            #expect(answer["ratelimit-policy"] == #""account";q=2;w=60"#)
            #expect(answer["ratelimit"]?.hasPrefix(#""account";r=0;t="#) == true)
            #expect(answer["proxy-status"]?.hasPrefix("penstock; error=http_request_denied; details=") == true)
            let seconds = try #require(answer["retry-after"].flatMap { Int($0) })
            let milliseconds = try #require(answer["retry-after-ms"].flatMap { Int($0) })
            #expect((1...60).contains(seconds) && (seconds - 1) * 1000 < milliseconds && milliseconds <= seconds * 1000)
            #expect(answer["x-should-retry"] == "true")
            #expect(answer["via"] == "1.1 penstock")
            #expect(answer.text.contains(#""error":{"#))
            #expect(proxy.metric("penstock_limited_total", #"limit="account""#, #"action="refuse""#) == 1)
        }
    }

    @Test("A full queue refuses the newest of whoever has most in it")
    func queueFull() async throws {
        try await Proxied.withUpstream("queue: {max_requests: 1}", limits: "[{in_flight: 1}]") { proxy, upstream in
            let callers = [try await proxy.connect(), try await proxy.connect(), try await proxy.connect()]
            try await callers[0].request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await callers[1].request("GET", "/1", "X-Tenant-Id: t")
            try await proxy.reaches(inFlight: 1, queued: 1)
            try await callers[2].request("GET", "/2", "X-Tenant-Id: t")
            let refused = try await callers[2].message()
            #expect(refused.status == 429)
            #expect(refused.text.contains("waits already"))
            #expect(proxy.metric("penstock_requests_total", #"outcome="queue_full""#) == 1)
            try await wire.answer()
            _ = try await wire.message()
            try await wire.answer()
            #expect(try await callers[1].message().status == 200)
            _ = try await callers[0].message()
        }
    }
}
