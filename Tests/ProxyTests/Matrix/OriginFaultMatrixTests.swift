import NIOCore
import NIOHTTP1
import NIOHTTP2
import Testing

@testable import Proxy

@Suite(
    "An origin that breaks off, from every protocol to every other", .timeLimit(.minutes(2)),
    .enabled(if: Certificate.canBeMade))
struct OriginFaultMatrixTests {
    enum Way: CaseIterable {
        /// RST_STREAM, or a TCP reset.
        case reset
        /// The end of the whole connection.
        case close
    }

    private static func breakOff(_ request: ExchangeEnd, _ way: Way) async {
        switch way {
        case .reset: await request.reset(.internalError)
        case .close:
            request.connection.close(promise: nil)
            _ = try? await request.connection.closeFuture.get()
        }
    }

    /// - Parameter wholeBody: whether the request had been sent as a whole.
    private static func ask(
        _ caller: Caller, _ between: Between, wholeBody: Bool = true
    ) async throws -> (ExchangeEnd, ExchangeEnd) {
        let asked = try await caller.open(.POST, "/v1", ["Content-Length": "100000"], isEnd: false)
        try await asked.send(.body(Pattern.bytes(at: 0, 50_000), isEnd: false))
        let request = try await between.origin.request()
        try await request.received(50_000)
        if wholeBody {
            try await asked.send(.body(Pattern.bytes(at: 50_000, 50_000), isEnd: true))
            try await request.whole()
        }
        return (asked, request)
    }

    @Test("before its answer is a 502, and what may have been worked on is not repeated", arguments: Combination.all)
    func before(combination: Combination) async throws {
        try await combination.run { between in
            for way in Way.allCases {
                for wholeBody in [false, true] {
                    let caller = try await between.connect()
                    let (asked, request) = try await Self.ask(caller, between, wholeBody: wholeBody)
                    await Self.breakOff(request, way)
                    let answer = try await asked.whole()
                    #expect(answer.head?.status == 502, "\(way), \(wholeBody)")
                    await caller.close()
                }
            }
            try await between.serves()
            #expect(between.origin.pending == 0)
            #expect(between.outcomes("failed") == 4 && between.outcomes("ok") == 1)
        }
    }

    @Test("in the middle of its answer is broken off downstream, and nothing is repeated", arguments: Combination.all)
    func middle(combination: Combination) async throws {
        try await combination.run { between in
            for way in Way.allCases {
                for fields: HTTPHeaders in [[:], ["Content-Length": "1000"]] {
                    for count in [0, 500] {
                        let caller = try await between.connect()
                        let (asked, request) = try await Self.ask(caller, between)
                        try await request.send(.status(200, fields, isEnd: false))
                        try await asked.head()
                        if count > 0 {
                            try await request.send(.body(Pattern.bytes(at: 0, count), isEnd: false))
                            try await asked.received(count)
                        }
                        await Self.breakOff(request, way)
                        let answer = try await asked.over()
                        #expect(!answer.isEnded && answer.count == count, "\(way) \(fields) \(count)")
                        if asked.isStream { #expect(answer.resetCode == .internalError) }
                        await caller.close()
                    }
                }
            }
            try await between.serves()
            #expect(between.origin.pending == 0)
            #expect(between.outcomes("failed") == 8)
        }
    }

    @Test("An answer that ends before its length is broken off downstream", arguments: Combination.toHTTP2)
    func short(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let (asked, request) = try await Self.ask(caller, between)
            try await request.send(.status(200, ["Content-Length": "1000"], isEnd: false))
            try await request.send(.body(Pattern.bytes(at: 0, 999), isEnd: true))
            #expect(try await !asked.over().isEnded)
            try await between.serves()
            #expect(between.outcomes("failed") == 1)
        }
    }

    @Test("What changes nothing is asked again", arguments: Combination.all)
    func repeated(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            for way in Way.allCases {
                let asked = try await caller.open()
                await Self.breakOff(try await between.origin.request(), way)
                try await between.origin.request().answer(200, [:], "ok")
                #expect(try await asked.whole().text == Array("ok".utf8))
            }
            #expect(between.outcomes("ok") == 2)
        }
    }
}
