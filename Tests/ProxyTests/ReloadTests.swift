import NIOCore
import NIOSSL
import Testing

@testable import Proxy

@Suite("A reload", .timeLimit(.minutes(2)))
struct ReloadTests {
    private static func yaml(
        _ port: Int, _ limits: String = "[{name: slots, in_flight: 1}]", rest: String = "", others: String = ""
    ) -> String {
        """
        upstreams:
          up:
            url: http://127.0.0.1:\(port)
            limits: \(limits)
            \(rest)
          \(others)
        """
    }

    private static func run(
        _ limits: String = "[{name: slots, in_flight: 1}]", rest: String = "", secrets: [String: String] = [:],
        workers: Int = 1, _ body: (Proxied, Wire.Server) async throws -> Void
    ) async throws {
        let server = try await Wire.Server.start()
        try await Proxied.run(yaml(server.port, limits, rest: rest), workers: workers, secrets: secrets) { proxy in
            try await body(proxy, server)
        }
        await server.stop()
    }

    /// A caller whose request has come to the upstream, and the upstream's end.
    private static func underWay(_ proxy: Proxied, _ server: Wire.Server) async throws -> (Wire, Wire) {
        let caller = try await proxy.connect()
        try await caller.request()
        let wire = try await server.accept()
        _ = try await wire.message()
        return (caller, wire)
    }

    @Test("lets a stream go on, and its connection take the next request by the new rules", arguments: [1, 3])
    func stream(workers: Int) async throws {
        try await Self.run(rest: "credential: {env: KEY}", secrets: ["KEY": "old"], workers: workers) { proxy, server in
            let (caller, wire) = try await Self.underWay(proxy, server)
            try await wire.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            _ = try await caller.text(through: "a\r\n")
            let reloaded = try await proxy.reload(
                Self.yaml(server.port, rest: "credential: {env: KEY}"), secrets: ["KEY": "new"])
            #expect(reloaded.changes == ["upstream up: credential has a new value"])
            #expect(reloaded.waiting.isEmpty)
            try await wire.send("1\r\nb\r\n0\r\n\r\n")
            #expect(try await caller.text(through: "0\r\n\r\n") == "1\r\nb\r\n0\r\n\r\n")
            try await caller.request()
            #expect(try await wire.message()["authorization"] == "Bearer new")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            #expect(server.count == 1)
        }
    }

    @Test("raises a limit for who waits, and lowers it for who comes")
    func limits() async throws {
        try await Self.run { proxy, server in
            let (first, firstWire) = try await Self.underWay(proxy, server)
            let second = try await proxy.connect()
            try await second.request()
            try await proxy.reaches(inFlight: 1, queued: 1)
            let raised = try await proxy.reload(Self.yaml(server.port, "[{name: slots, in_flight: 2}]"))
            #expect(raised.changes == ["upstream up, limit slots: in_flight 1 → 2"])
            let secondWire = try await server.accept()
            _ = try await secondWire.message()
            try await proxy.reload(Self.yaml(server.port))
            let third = try await proxy.connect()
            try await third.request()
            try await proxy.reaches(inFlight: 2, queued: 1)
            try await firstWire.answer()
            #expect(try await first.message().status == 200)
            try await proxy.reaches(inFlight: 1, queued: 1)
            try await secondWire.answer()
            #expect(try await second.message().status == 200)
            let wire = try await Self.next(on: [firstWire, secondWire])
            try await wire.answer()
            #expect(try await third.message().status == 200)
        }
    }

    /// Whichever of them gets a request.
    private static func next(on wires: [Wire]) async throws -> Wire {
        var found: Wire?
        try await eventually("a request") {
            found = wires.first { $0.inbox.read { !$0.bytes.isEmpty } }
            return found != nil
        }
        let wire = try #require(found)
        _ = try await wire.message()
        return wire
    }

    @Test("keeps what a window has counted, and forgets no name for it")
    func windows() async throws {
        let one = "[{name: rate, requests: 4/hour}]"
        try await Self.run(one, rest: "pacing: burst\n    queue: {timeout: 1s}") { proxy, server in
            let serving = server.serve { _, wire in try await wire.answer() }
            let caller = try await proxy.connect()
            func status() async throws -> Int {
                try await caller.request()
                return try await caller.message().status
            }
            #expect(try await status() == 200)
            // Without the upstream for a while: the provider counts on, and so does the gate.
            let other = "upstreams: {other: {url: \"http://127.0.0.1:1\", default: false}}"
            #expect(try await proxy.reload(other).changes == ["upstream up removed", "upstream other added"])
            #expect(try await status() == 404)
            try await proxy.reload(
                Self.yaml(server.port, "[{name: rate, requests: 5/hour}]", rest: "pacing: burst"))
            let limit = try #require((proxy.status()["limits"] as? [[String: Any]])?.first)
            let use = try #require((limit["in_use"] as? [[String: Any]])?.first)
            let rate = try #require(use.values.compactMap { $0 as? [String: Any] }.first { $0["used"] != nil })
            #expect(rate["used"] as? Int == 1 && rate["value"] as? Int == 5)
            serving.cancel()
        }
    }

    @Test(
        "lets requests of an upstream that is removed end, those that wait for it too, and then closes its connections")
    func removed() async throws {
        try await Self.run { proxy, server in
            let (caller, wire) = try await Self.underWay(proxy, server)
            let waiting = try await proxy.connect()
            try await waiting.request()
            try await proxy.reaches(inFlight: 1, queued: 1)
            try await proxy.reload("upstreams: {other: {url: \"http://127.0.0.1:1\", default: false}}")
            let late = try await proxy.connect()
            try await late.request("GET", "/up/v1")
            #expect(try await late.message().status == 404)
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            // Its place in line is kept, on a connection of its own: idle ones are not kept any more.
            let next = try await server.accept()
            _ = try await next.message()
            try await next.answer(201)
            #expect(try await waiting.message().status == 201)
            _ = try await wire.untilClosed()
            _ = try await next.untilClosed()
        }
    }

    @Test("sends new requests to another url, and who waited to the one it was for")
    func url() async throws {
        let other = try await Wire.Server.start()
        try await Self.run { proxy, server in
            let (caller, wire) = try await Self.underWay(proxy, server)
            let waiting = try await proxy.connect()
            try await waiting.request("GET", "/waiting")
            try await proxy.reaches(inFlight: 1, queued: 1)
            try await proxy.reload(Self.yaml(other.port))
            let late = try await proxy.connect()
            try await late.request("GET", "/late")
            try await proxy.reaches(inFlight: 1, queued: 2)
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            let next = try await server.accept()
            #expect(try await next.message().startLine == "GET /waiting HTTP/1.1")
            try await next.answer()
            #expect(try await waiting.message().status == 200)
            let new = try await other.accept()
            #expect(try await new.message().startLine == "GET /late HTTP/1.1")
            try await new.answer()
            #expect(try await late.message().status == 200)
            _ = try await wire.untilClosed()
            _ = try await next.untilClosed()
            #expect(new.inbox.read { !$0.isClosed })
        }
        await other.stop()
    }

    @Test("names the limit that holds a request back, wherever it stands by now")
    func places() async throws {
        let before = "[{name: a, requests: 9/s}, {name: b, requests: 9/s}, {name: slots, in_flight: 1}]"
        try await Self.run(before, rest: "queue: {timeout: 1s}") { proxy, server in
            let (caller, wire) = try await Self.underWay(proxy, server)
            let waiting = try await proxy.connect()
            try await waiting.request()
            try await proxy.reaches(inFlight: 1, queued: 1)
            try await proxy.reload(Self.yaml(server.port, rest: "queue: {timeout: 1s}"))
            let refusal = try await waiting.message()
            #expect(refusal.status == 429)
            #expect(refusal["ratelimit-policy"]?.hasPrefix("\"slots\"") == true, "\(refusal)")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            #expect(try proxy.logLines().contains { $0.contains("\"limit\":\"slots\"") })
        }
    }

    @Test("tells callers apart by a name that has just come")
    func names() async throws {
        try await Self.run { proxy, server in
            let (caller, wire) = try await Self.underWay(proxy, server)
            let limits = "[{name: slots, in_flight: 9}, {name: team, per: team, in_flight: 1}]"
            try await proxy.reload(
                "identity: {team: [{header: X-Team}]}\n" + Self.yaml(server.port, limits))
            var wires: [Wire] = []
            for team in ["a", "a", "b"] {
                let caller = try await proxy.connect()
                try await caller.request("GET", "/v1", "X-Team: \(team)")
                wires.append(caller)
            }
            try await proxy.reaches(inFlight: 3, queued: 1)
            var ends: [Wire] = []
            for _ in 0..<2 {
                let end = try await server.accept()
                #expect(try await end.message()["x-team"] == nil)
                ends.append(end)
            }
            for end in ends { try await end.answer() }
            try await Self.next(on: ends).answer()
            for wire in wires { #expect(try await wire.message().status == 200) }
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("changes nothing where a certificate can't be used, and says every reason")
    func broken() async throws {
        try await Self.run { proxy, server in
            proxy.server.noteFailedReload()
            #expect(proxy.metric("penstock_config_reload_failed") == 1)
            let bad = """
                upstreams:
                  up: {url: "https://127.0.0.1:1", tls: {ca: /nowhere/a.pem}, limits: [{in_flight: 7}]}
                  second: {url: "https://127.0.0.1:1", prefix: /s, tls: {ca: /nowhere/b.pem}}
                """
            let unusable = await #expect(throws: ProxyServer.Unusable.self) { try await proxy.reload(bad) }
            #expect(unusable?.reasons.count == 2)
            #expect(unusable?.reasons.first?.hasPrefix("upstream up: TLS can't be set up") == true)
            #expect(proxy.server.policy.upstreams.count == 1)
            let (caller, wire) = try await Self.underWay(proxy, server)
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            #expect(proxy.metric("penstock_config_reload_failed") == 1)
            #expect(try await proxy.reload(Self.yaml(server.port)).changes.isEmpty)
            #expect(proxy.metric("penstock_config_reload_failed") == 0)
            #expect(proxy.metric("penstock_config_last_reload_success_timestamp_seconds") > 1_700_000_000)
        }
    }

    @Test("gives a listener its new certificate, for connections that come", .enabled(if: Certificate.canBeMade))
    func certificate() async throws {
        let (old, new) = (try Certificate(for: "localhost"), try Certificate(for: "localhost"))
        defer { [old, new].forEach { $0.remove() } }
        func tls(_ certificate: Certificate) throws -> NIOSSLContext {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .file(certificate.path)
            return try NIOSSLContext(configuration: configuration)
        }
        let server = try await Wire.Server.start()
        let serving = server.serve { _, wire in try await wire.answer() }
        func yaml(_ certificate: Certificate, key: Certificate) -> String {
            let pair = "cert: \(certificate.path), key: \(key.keyPath)"
            return Self.yaml(server.port, rest: "listen: {address: \"127.0.0.1:0\", tls: {\(pair)}}")
        }
        try await Proxied.run(yaml(old, key: old)) { proxy in
            let address = try #require(proxy.server.addresses.last)
            let early = try await Wire.connect(to: address, tls: tls(old))
            try await early.request()
            #expect(try await early.message().status == 200)
            // The half of a rotation: the new certificate beside the old key.
            let unusable = await #expect(throws: ProxyServer.Unusable.self) {
                try await proxy.reload(yaml(new, key: old))
            }
            #expect(unusable?.reasons.first?.hasPrefix("listen 127.0.0.1:0: its certificate can't be used") == true)
            try await proxy.reload(yaml(new, key: new))
            let late = try await Wire.connect(to: address, tls: tls(new))
            for wire in [early, late] {
                try await wire.request()
                #expect(try await wire.message().status == 200)
            }
        }
        serving.cancel()
        await server.stop()
    }

    @Test("moves the process's own bounds")
    func bounds() async throws {
        try await Self.run { proxy, server in
            try await proxy.reload("guard: {max_connections: 1, max_header_bytes: 1KiB}\n" + Self.yaml(server.port))
            let (caller, wire) = try await Self.underWay(proxy, server)
            let second = try await proxy.connect()
            try await second.request()
            #expect(try await second.message().status == 503)
            try await proxy.reload("guard: {max_header_bytes: 1KiB}\n" + Self.yaml(server.port))
            let third = try await proxy.connect()
            try await third.request("GET", "/v1", "X-Long: " + String(repeating: "x", count: 2000))
            #expect(try await third.message().status == 431)
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("loses none of many requests, on several loops, while one policy follows another")
    func many() async throws {
        try await Self.run("[{name: slots, in_flight: 20}]", workers: 3) { proxy, server in
            let serving = server.serve { _, wire in try await wire.answer() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let caller = try await proxy.connect()
                        for _ in 0..<25 {
                            try await caller.request()
                            #expect(try await caller.message().status == 200)
                        }
                    }
                }
                for round in 0..<30 {
                    let rest = round % 3 == 0 ? "connections: {max: 7}" : "private: \(round % 2 == 0)"
                    try await proxy.reload(
                        Self.yaml(server.port, "[{name: slots, in_flight: \(1 + round % 20)}]", rest: rest))
                }
                try await proxy.reload(Self.yaml(server.port, "[{name: slots, in_flight: 20}]"))
                try await group.waitForAll()
            }
            serving.cancel()
        }
    }

    @Test("comes too late for an end: what is removed drains as well")
    func drained() async throws {
        try await Self.run { proxy, server in
            let (caller, wire) = try await Self.underWay(proxy, server)
            let waiting = try await proxy.connect()
            try await waiting.request()
            try await proxy.reaches(inFlight: 1, queued: 1)
            try await proxy.reload("upstreams: {other: {url: \"http://127.0.0.1:1\"}}")
            async let drained = proxy.server.drain(timeout: .seconds(20))
            #expect(try await waiting.message().status == 503)
            try await wire.answer()
            #expect(try await caller.message().status == 200)
            #expect(await drained)
        }
    }
}
