import NIOCore
import Testing

@testable import Proxy

@Suite("The admin address", .timeLimit(.minutes(2)))
struct AdminTests {
    private static func run(_ body: (Proxied, Wire) async throws -> Void) async throws {
        try await Proxied.withUpstream(admin: true) { proxy, _ in
            let admin = try await Wire.connect(to: #require(proxy.server.adminAddress))
            try await body(proxy, admin)
        }
    }

    @Test(
        "answers each path",
        arguments: [
            ("/", "text/html", "<h1>"), ("/livez", "text/plain", "ok"), ("/healthz", "text/plain", "ok"),
            ("/readyz", "text/plain", "ok"), ("/status", "application/json", #""upstreams":{"up""#),
            ("/status?short", "application/json", #""upstreams":{"up""#),
            ("/metrics", "text/plain; version=0.0.4", "# TYPE penstock_paused gauge"),
            ("/config", "application/yaml", "forward_proxy: true"),
            ("/metrics?x=y", "text/plain; version=0.0.4", "penstock_paused"),
        ])
    func paths(path: String, type: String, part: String) async throws {
        try await Self.run { _, admin in
            try await admin.request("GET", path)
            let answer = try await admin.message()
            #expect(answer.status == 200)
            #expect(answer["content-type"]?.hasPrefix(type) == true)
            #expect(answer["cache-control"] == "no-store")
            #expect(answer.text.contains(part))
            try await admin.request("HEAD", path)
            let head = try await admin.message(toHead: true)
            #expect(head.status == 200)
            try await admin.request("POST", path, body: "x")
            let refused = try await admin.message()
            #expect(refused.status == 405)
            #expect(refused["allow"] == "GET, HEAD")
        }
    }

    @Test("speaks OpenMetrics to whom asks for it")
    func openMetrics() async throws {
        try await Self.run { _, admin in
            try await admin.request("GET", "/metrics", "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1")
            let answer = try await admin.message()
            #expect(answer["content-type"]?.hasPrefix("application/openmetrics-text") == true)
            #expect(answer.text.hasSuffix("# EOF\n"))
        }
    }

    @Test("knows no other path", arguments: ["/nope", "/drain/x", "/metricsx", "//"])
    func unknown(path: String) async throws {
        try await Self.run { _, admin in
            try await admin.request("GET", path)
            #expect(try await admin.message().status == 404)
        }
    }

    @Test("takes a drain only as a POST, and tells whoever waits for one")
    func drain() async throws {
        try await Self.run { proxy, admin in
            try await admin.request("GET", "/drain")
            let refused = try await admin.message()
            #expect(refused.status == 405)
            #expect(refused["allow"] == "POST")
            try await admin.request("POST", "/drain", body: "")
            #expect(try await admin.message().status == 202)
            var requests = proxy.server.drainRequests.makeAsyncIterator()
            #expect(await requests.next() != nil)
        }
    }

    @Test("takes a reload as a POST, and answers what came of it")
    func reload() async throws {
        try await Self.run { proxy, admin in
            var requests = proxy.server.reloadRequests.makeAsyncIterator()
            for (answer, status, text) in [
                (.done(.init(changes: ["a 1 → 2"], waiting: ["b"])), 200, "reloaded\na 1 → 2\nneeds a restart: b\n"),
                (.done(.init(changes: [], waiting: [])), 200, "nothing has changed\n"),
                (.invalid(["f:1:2: error: x"]), 422, "f:1:2: error: x\n"),
            ] as [(ReloadRequest.Answer, Int, String)] {
                try await admin.request("POST", "/reload", body: "")
                try await admin.request("GET", "/livez")
                try await #require(requests.next()).answer(answer)
                let reply = try await admin.message()
                #expect(reply.status == status && reply.text == text)
                #expect(try await admin.message().text == "ok\n")
            }
            try await admin.request("POST", "/reload", body: "")
            _ = await requests.next()
            #expect(try await admin.message().status == 503)
            try await admin.request("POST", "/reload", "Origin: http://evil.example", body: "")
            #expect(try await admin.message().status == 403)
        }
    }

    @Test("shows every upstream's line and slots as nothing before anybody comes")
    func zeros() async throws {
        try await Self.run { proxy, _ in
            let text = String(decoding: proxy.registry.render(.text), as: UTF8.self)
            for line in [
                #"penstock_in_flight{tenant="other",upstream="up"} 0"#,
                #"penstock_queue_depth{tenant="other",upstream="up"} 0"#,
                #"penstock_queue_max_requests{upstream="up"} 1000"#, "penstock_config_reload_failed 0",
            ] {
                #expect(text.contains(line + "\n"), "\(line)")
            }
        }
    }

    @Test("is alive and not ready while the proxy drains")
    func notReady() async throws {
        try await Self.run { proxy, admin in
            #expect(await proxy.server.drain(timeout: .seconds(5)))
            for (path, status) in [("/readyz", 503), ("/healthz", 503), ("/livez", 200), ("/metrics", 200)] {
                try await admin.request("GET", path)
                #expect(try await admin.message().status == status)
            }
        }
    }

    @Test(
        "ends the connection of a caller that asks for it",
        arguments: ["HTTP/1.0\r\n", "HTTP/1.1\r\nConnection: close\r\n"])
    func close(version: String) async throws {
        try await Self.run { _, admin in
            try await admin.send("GET /livez \(version)Host: a\r\n\r\n")
            let all = try await admin.untilClosed()
            #expect(all.text.hasSuffix("ok\n"))
            #expect(!all.wasReset)
        }
    }
}
