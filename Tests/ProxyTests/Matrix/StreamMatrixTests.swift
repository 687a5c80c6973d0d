import NIOCore
import NIOHTTP1
import NIOHTTP2
import Testing

@testable import Proxy

@Suite(
    "What an HTTP/2 peer may say, with every protocol on the other side", .timeLimit(.minutes(2)),
    .enabled(if: Certificate.canBeMade))
struct StreamMatrixTests {
    @Test("An origin's goodbye: what it took ends, what it did not take goes elsewhere", arguments: Combination.toHTTP2)
    func goodbye(combination: Combination) async throws {
        try await combination.run { between in
            var callers: [Caller] = []
            var asked: [ExchangeEnd] = []
            var requests: [ExchangeEnd] = []
            for number in 0..<3 {
                callers.append(try await between.connect())
                asked.append(try await callers[number].post("/\(number)", [:], "\(number)"))
                requests.append(try await between.origin.request())
            }
            let last = try await requests[1].channel.getOption(HTTP2StreamChannelOptions.streamID).get()
            let goodbye = HTTP2Frame(
                streamID: .rootStream, payload: .goAway(lastStreamID: last, errorCode: .noError, opaqueData: nil))
            try await requests[1].connection.writeAndFlush(goodbye).get()
            let again = try await between.origin.request()
            #expect(try await again.whole().text == Array("2".utf8))
            for request in [requests[0], requests[1], again] { try await request.answer(200, [:], "ok") }
            for end in asked { #expect(try await end.whole().text == Array("ok".utf8)) }
            #expect(between.origin.count == 2 && between.origin.pending == 0)
            #expect(between.outcomes("ok") == 3)
            try await requests[0].connection.closeFuture.get()
        }
    }

    @Test("An origin that takes one stream at a time gets one at a time", arguments: Combination.toHTTP2)
    func oneStream(combination: Combination) async throws {
        var rules = Combination.Rules()
        rules.connections = "max: 1"
        rules.origin.maxStreams = 1
        try await combination.run(rules) { between in
            try await between.serves()
            var asked: [ExchangeEnd] = []
            for number in 0..<4 { asked.append(try await between.connect().open(.GET, "/\(number)")) }
            try await between.proxy.reaches(inFlight: 4, queued: 0)
            for _ in asked {
                let request = try await between.origin.request()
                #expect(between.origin.pending == 0)
                try await request.answer(200, [:], "ok")
            }
            for end in asked { #expect(try await end.whole().text == Array("ok".utf8)) }
            #expect(between.origin.count == 1)
        }
    }

    @Test("A window of one byte is enough", arguments: Combination.all)
    func smallWindows(combination: Combination) async throws {
        var rules = Combination.Rules()
        rules.callers.window = 1
        rules.origin.window = 1
        try await combination.run(rules) { between in
            let caller = try await between.connect()
            // What the origin announces is in force after its first exchange, which must not have a body yet.
            let first = try await caller.open()
            try await between.origin.request().answer()
            try await first.whole()
            try await BodyMatrixTests.exchange(between, caller, size: 100, hasLength: true)
            try await BodyMatrixTests.exchange(between, caller, size: 100, hasLength: false)
        }
    }

    @Test("Draining: streams that are open end whole, and no others begin", arguments: Combination.all)
    func drain(combination: Combination) async throws {
        var rules = Combination.Rules()
        rules.limits = "[{in_flight: 1}]"
        try await combination.run(rules) { between in
            let (caller, second) = (try await between.connect(), try await between.connect())
            let asked = try await caller.open(.POST, "/v1", [:], isEnd: false)
            let request = try await between.origin.request()
            let waiting = try await second.open()
            try await between.proxy.reaches(inFlight: 1, queued: 1)
            async let drained = between.proxy.server.drain(timeout: .seconds(20))
            #expect(try await waiting.whole().head?.status == 503)
            if caller.isHTTP2 {
                _ = try await caller.root.wait(for: "GOAWAY") { $0.isGoingAway ? true : nil }
            }
            await #expect(throws: (any Error).self) { try await between.connect() }
            try await asked.send(.body(ByteBuffer(string: "body"), isEnd: true))
            #expect(try await request.whole().text == Array("body".utf8))
            try await request.send(.status(200, [:], isEnd: false))
            try await request.sendPattern(100_000)
            let answer = try await asked.whole()
            #expect(answer.count == 100_000 && answer.isPattern)
            #expect(await drained)
            try await caller.isClosed()
        }
    }

    @Test("Draining: an answer that is read slowly arrives whole", arguments: Combination.all)
    func drainSlowly(combination: Combination) async throws {
        var rules = Combination.Rules()
        rules.callers.window = 16 << 20
        try await combination.run(rules) { between in
            let caller = try await between.connect(receiveBuffer: 4096)
            try await between.serves(caller)
            try await caller.channel.setOption(.autoRead, value: false).get()
            let asked = try await caller.open()
            let request = try await between.origin.request()
            async let drained = between.proxy.server.drain(timeout: .seconds(20))
            try await request.send(.status(200, [:], isEnd: false))
            async let sent: Void = request.sendPattern(4 << 20)
            try await caller.channel.setOption(.autoRead, value: true).get()
            let answer = try await asked.whole()
            try await sent
            #expect(answer.count == 4 << 20 && answer.isPattern)
            #expect(await drained)
        }
    }

    @Test(
        "A caller's goodbye: what it has asked for is answered, then the connection ends",
        arguments: Combination.fromHTTP2)
    func farewell(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let asked = [try await caller.open(.GET, "/0"), try await caller.open(.GET, "/1")]
            let requests = [try await between.origin.request(), try await between.origin.request()]
            let goodbye = HTTP2Frame(
                streamID: .rootStream, payload: .goAway(lastStreamID: .rootStream, errorCode: .noError, opaqueData: nil)
            )
            try await caller.channel.writeAndFlush(goodbye).get()
            for request in requests {
                try await request.send(.status(200, [:], isEnd: false))
                try await request.sendPattern(100_000)
            }
            for end in asked {
                let answer = try await end.whole()
                #expect(answer.count == 100_000 && answer.isPattern)
            }
            try await caller.isClosed()
            #expect(between.outcomes("ok") == 2)
        }
    }
}
