import NIOCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite(
    "A caller that leaves, from every protocol to every other", .timeLimit(.minutes(2)),
    .enabled(if: Certificate.canBeMade))
struct DepartureMatrixTests {
    enum Way: CaseIterable {
        /// RST_STREAM, or a TCP reset.
        case reset
        /// The end of the whole connection.
        case close
    }

    /// How far the exchange has come.
    enum Point: CaseIterable {
        case waiting, sending, sent, answered
    }

    private static func leave(_ asked: ExchangeEnd, _ caller: Caller, _ way: Way) async {
        switch way {
        case .reset: await asked.reset()
        case .close: await caller.close()
        }
    }

    @Test("frees its slot wherever it was, and the origin is told", arguments: Combination.all)
    func leaves(combination: Combination) async throws {
        var rules = Combination.Rules()
        rules.limits = "[{in_flight: 1}]"
        try await combination.run(rules) { between in
            var left = 0
            for point in Point.allCases {
                for way in Way.allCases {
                    switch point {
                    case .waiting: try await Self.leavesLine(between, way)
                    default: try await Self.leaves(between, at: point, way)
                    }
                    left += 1
                    let count = left
                    try await between.proxy.reaches(inFlight: 0, queued: 0)
                    try await eventually("\(count) cancelled, the last \(point) by \(way)") {
                        between.outcomes("cancelled") == count
                    }
                    try await between.serves()
                }
            }
            #expect(between.origin.pending == 0)
        }
    }

    private static func leavesLine(_ between: Between, _ way: Way) async throws {
        let (first, second) = (try await between.connect(), try await between.connect())
        let served = try await first.open()
        let request = try await between.origin.request()
        let asked = try await second.post("/never", [:], "x")
        try await between.proxy.reaches(inFlight: 1, queued: 1)
        await leave(asked, second, way)
        try await between.proxy.reaches(inFlight: 1, queued: 0)
        try await request.answer()
        #expect(try await served.whole().head?.status == 200)
    }

    private static func leaves(_ between: Between, at point: Point, _ way: Way) async throws {
        let caller = try await between.connect()
        let asked = try await caller.open(.POST, "/v1", ["Content-Length": "100000"], isEnd: false)
        try await asked.send(.body(Pattern.bytes(at: 0, 50_000), isEnd: false))
        let request = try await between.origin.request()
        try await request.received(50_000)
        if point != .sending {
            try await asked.send(.body(Pattern.bytes(at: 50_000, 50_000), isEnd: true))
            try await request.whole()
        }
        if point == .answered {
            try await request.send(.status(200, [:], isEnd: false))
            try await request.send(.body(Pattern.bytes(at: 0, 1000), isEnd: false))
            try await asked.received(1000)
        }
        await leave(asked, caller, way)
        let seen = try await request.over()
        #expect(seen.isEnded == (point != .sending))
        if request.isStream { #expect(seen.resetCode == .cancel) }
    }

    @Test("leaves nothing behind where its head was not whole", arguments: Combination.all)
    func withoutRequest(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            if !caller.isHTTP2 {
                let text = ByteBuffer(string: "POST /v1 HTTP/1.1\r\nHost: pro")
                try await ExchangeEnd(channel: caller.channel, isStream: false).send(.body(text, isEnd: false))
            }
            await ExchangeEnd.reset(caller.channel)
            try await between.serves()
            #expect(between.outcomes("cancelled") == 0 && between.outcomes("ok") == 1)
        }
    }

    @Test(
        "A stream whose body is not as long as it says never becomes a whole request", arguments: Combination.fromHTTP2)
    func lyingLength(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            for (said, sent) in [(100_000, 80_000), (80_000, 100_000)] {
                let asked = try await caller.open(.POST, "/v1", ["Content-Length": "\(said)"], isEnd: false)
                let request = try await between.origin.request()
                // The proxy may have reset it before all is sent.
                try? await asked.sendPattern(sent)
                #expect(try await asked.over().resetCode == .protocolError)
                let received = try await request.over()
                #expect(!received.isEnded, "\(sent) of \(said)")
                try await between.proxy.reaches(inFlight: 0, queued: 0)
            }
            try await between.serves(caller)
        }
    }
}
