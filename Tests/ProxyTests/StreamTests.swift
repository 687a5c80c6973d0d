import NIOCore
import NIOHTTP2
import Testing

@testable import Proxy

@Suite("An upstream over HTTP/2", .timeLimit(.minutes(2)))
struct StreamTests {
    private static func run(
        _ upstream: String = "", maxStreams: Int = 100, _ body: (Proxied, FrameServer) async throws -> Void
    ) async throws {
        try await FrameServer.run(maxStreams: maxStreams) { server in
            let rules = upstream.contains("connections:") ? upstream : "connections: {protocol: h2c}\n\(upstream)"
            try await Proxied.run(
                """
                upstreams:
                  up:
                    url: http://127.0.0.1:\(server.port)
                    limits: [{in_flight: 50}]
                    \(rules.replacing("\n", with: "\n    "))
                """
            ) { proxy in
                try await body(proxy, server)
            }
        }
    }

    @Test("carries many exchanges on one connection, in any order of ending")
    func multiplexing() async throws {
        try await Self.run { proxy, upstream in
            var callers: [Wire] = []
            for number in 0..<10 {
                let caller = try await proxy.connect()
                try await caller.request("POST", "/\(number)", body: "x")
                callers.append(caller)
            }
            let wire = try await upstream.accept()
            var streams: [(HTTP2StreamID, String)] = []
            for _ in 0..<10 { streams.append(try await wire.request()) }
            for (stream, path) in streams.reversed() { try await wire.answer(stream, path) }
            for (number, caller) in callers.enumerated() {
                #expect(try await caller.message().text == "/\(number)")
            }
            #expect(upstream.count == 1)
        }
    }

    @Test("A stream that is refused is repeated, also a POST", arguments: ["GET", "POST"])
    func refused(method: String) async throws {
        try await Self.run("retry: {budget: {share: 0%, least: 0/min}}") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request(method, "/v1", body: "x")
            let wire = try await upstream.accept()
            try await wire.reset(wire.request().stream, .refusedStream)
            try await wire.answer(wire.request().stream)
            #expect(try await caller.message().status == 200)
            #expect(upstream.count == 1)
        }
    }

    @Test(
        "A stream that is reset is repeated only where that changes nothing", arguments: [("GET", 200), ("POST", 502)])
    func reset(method: String, status: Int) async throws {
        try await Self.run("retry: {backoff: {base: 1ms, max: 1ms}}") { proxy, upstream in
            let caller = try await proxy.connect()
            // The connection has served before: that makes no stream of it stale.
            try await caller.request()
            let wire = try await upstream.accept()
            try await wire.answer(wire.request().stream)
            #expect(try await caller.message().status == 200)
            try await caller.request(method, "/v1", body: method == "POST" ? "x" : nil)
            try await wire.reset(wire.request().stream, .internalError)
            if status == 200 { try await wire.answer(wire.request().stream) }
            #expect(try await caller.message().status == status)
        }
    }

    @Test("A stream that is reset in the middle of its answer breaks off downstream")
    func cut() async throws {
        try await Self.run { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            let stream = try await wire.request().stream
            try await wire.head(stream, status: 200)
            try await wire.data(stream, "abc")
            _ = try await caller.text(through: "abc")
            try await wire.reset(stream, .internalError)
            let rest = try await caller.untilClosed()
            #expect(!rest.text.contains("0\r\n"))
        }
    }

    @Test("A caller that leaves resets its stream and nothing else")
    func cancelled() async throws {
        try await Self.run { proxy, upstream in
            let (first, second) = (try await proxy.connect(), try await proxy.connect())
            try await first.request("GET", "/first")
            let wire = try await upstream.accept()
            let stream = try await wire.request().stream
            try await second.request("GET", "/second")
            let other = try await wire.request().stream
            await first.close()
            try await wire.sees(.reset(stream, .cancel))
            try await proxy.reaches(inFlight: 1, queued: 0)
            try await wire.answer(other)
            #expect(try await second.message().status == 200)
            #expect(upstream.count == 1)
        }
    }

    @Test("After a goodbye what runs ends, what was not taken is sent again elsewhere, and nothing is lost")
    func goodbye() async throws {
        try await Self.run("retry: {budget: {share: 0%, least: 0/min}}") { proxy, upstream in
            let callers = [try await proxy.connect(), try await proxy.connect(), try await proxy.connect()]
            try await callers[0].request("POST", "/0", body: "x")
            let wire = try await upstream.accept()
            let taken = try await wire.request().stream
            try await callers[1].request("POST", "/1", body: "x")
            _ = try await wire.request()
            try await wire.sayGoodbye(after: taken)
            let next = try await upstream.accept()
            let (repeated, path) = try await next.request()
            #expect(path == "/1")
            try await callers[2].request("POST", "/2", body: "x")
            let (fresh, freshPath) = try await next.request()
            #expect(freshPath == "/2")
            try await wire.answer(taken)
            try await next.answer(repeated)
            try await next.answer(fresh)
            for caller in callers { #expect(try await caller.message().status == 200) }
            try await wire.sees(.closed)
            #expect(upstream.count == 2)
        }
    }

    @Test("A goodbye without streams closes the connection, and the next request opens another")
    func idleGoodbye() async throws {
        try await Self.run { proxy, upstream in
            let caller = try await proxy.connect()
            for _ in 0..<2 {
                try await caller.request("POST", "/v1", body: "x")
                let wire = try await upstream.accept()
                let stream = try await wire.request().stream
                try await wire.answer(stream)
                #expect(try await caller.message().status == 200)
                try await wire.sayGoodbye(after: stream)
                try await wire.sees(.closed)
            }
        }
    }

    @Test("A connection that dies takes its streams with it, and only what may be repeated is")
    func died() async throws {
        try await Self.run("retry: {backoff: {base: 1ms, max: 1ms}}") { proxy, upstream in
            let (getter, poster) = (try await proxy.connect(), try await proxy.connect())
            try await getter.request("GET", "/get")
            let wire = try await upstream.accept()
            _ = try await wire.request()
            try await poster.request("POST", "/post", body: "x")
            _ = try await wire.request()
            try await wire.channel.close().get()
            #expect(try await poster.message().status == 502)
            let next = try await upstream.accept()
            let (stream, path) = try await next.request()
            #expect(path == "/get")
            try await next.answer(stream)
            #expect(try await getter.message().status == 200)
        }
    }

    @Test("No more streams than the peer allows; the others wait for their turn")
    func maxStreams() async throws {
        try await Self.run("connections: {protocol: h2c, max: 1}", maxStreams: 1) { proxy, upstream in
            let first = try await proxy.connect()
            try await first.request("GET", "/0")
            let wire = try await upstream.accept()
            let stream = try await wire.request().stream
            let second = try await proxy.connect()
            try await second.request("GET", "/1")
            try await proxy.reaches(inFlight: 2, queued: 0)
            try await wire.answer(stream)
            #expect(try await first.message().status == 200)
            try await wire.answer(wire.request().stream)
            #expect(try await second.message().status == 200)
            #expect(upstream.count == 1)
        }
    }

    @Test("Where a peer allows one stream, those that come at once get a connection each")
    func oneStreamEach() async throws {
        try await Self.run(maxStreams: 1) { proxy, upstream in
            var callers: [Wire] = []
            for number in 0..<5 {
                callers.append(try await proxy.connect())
                try await callers[number].request("POST", "/\(number)", body: "x")
            }
            // None is answered before all have come.
            var taken: [(FrameWire, HTTP2StreamID, String)] = []
            for _ in 0..<5 {
                let wire = try await upstream.accept()
                let (stream, path) = try await wire.request()
                taken.append((wire, stream, path))
            }
            for (wire, stream, path) in taken { try await wire.answer(stream, path) }
            for (number, caller) in callers.enumerated() {
                #expect(try await caller.message().text == "/\(number)")
            }
        }
    }

    @Test(
        "A goodbye does not keep a pool of one connection shut while its stream runs on, whoever waits already",
        arguments: [false, true])
    func goodbyeOfTheOnly(waitsBefore: Bool) async throws {
        try await Self.run("connections: {protocol: h2c, max: 1}", maxStreams: 1) { proxy, upstream in
            let (first, second) = (try await proxy.connect(), try await proxy.connect())
            try await first.request("POST", "/0", body: "x")
            let wire = try await upstream.accept()
            let stream = try await wire.request().stream
            try await wire.head(stream, status: 200)
            _ = try await first.text(through: "\r\n\r\n")
            if waitsBefore {
                try await second.request("POST", "/1", body: "x")
                try await proxy.reaches(inFlight: 2, queued: 0)
            }
            try await wire.sayGoodbye(after: stream)
            if !waitsBefore { try await second.request("POST", "/1", body: "x") }
            let next = try await upstream.accept()
            try await next.answer(next.request().stream)
            #expect(try await second.message().status == 200)
            try await wire.data(stream, "end", isEnd: true)
            _ = try await first.text(through: "end")
            try await wire.sees(.closed)
        }
    }

    @Test("A peer that never sends its settings is left")
    func noSettings() async throws {
        try await Proxied.withUpstream(
            "connections: {protocol: h2c}\nretry: {attempts: 1}\ntimeouts: {connect: 50ms}"
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", body: "x")
            #expect(try await caller.message().status == 502)
            try await eventually("the connection is closed") { upstream.open == 0 }
        }
    }

    @Test("A connection that nobody uses is closed")
    func idle() async throws {
        try await Self.run("connections: {protocol: h2c, idle: 1s}") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            try await wire.answer(wire.request().stream)
            #expect(try await caller.message().status == 200)
            try await wire.sees(.closed)
        }
    }

    @Test("A peer that speaks something else", arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "\u{0}\u{0}\u{0}"])
    func noFrames(bytes: String) async throws {
        try await Proxied.withUpstream(
            "connections: {protocol: h2c}\nretry: {attempts: 1}"
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", body: "x")
            let wire = try await upstream.accept()
            _ = try await wire.text(through: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            try await wire.send(bytes)
            await wire.close()
            #expect(try await caller.message().status == 502)
        }
    }

    @Test("A slow reader holds up its own stream, not those beside it")
    func slowReader() async throws {
        try await Self.run { proxy, upstream in
            let (slow, quick) = (try await proxy.connect(), try await proxy.connect())
            slow.inbox.change { $0.isCountedOnly = true }
            try await slow.pauseReading()
            try await slow.request("GET", "/slow")
            let wire = try await upstream.accept()
            let stream = try await wire.request().stream
            let size = 16 << 20
            try await wire.head(stream, status: 200)
            let sent = Task { try await wire.data(stream, String(repeating: "x", count: size), isEnd: true) }
            for _ in 0..<3 {
                try await quick.request("GET", "/quick")
                try await wire.answer(wire.request().stream)
                #expect(try await quick.message().text == "ok")
            }
            #expect(try proxy.inFlight() == 1)
            try await slow.resumeReading()
            try await slow.hasReceived(atLeast: size)
            try await sent.value
        }
    }
}
