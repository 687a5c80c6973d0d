import NIOCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite(
    "Many exchanges, from every protocol to every other", .timeLimit(.minutes(2)), .enabled(if: Certificate.canBeMade))
struct LoadMatrixTests {
    @Test("A hundred streams of one connection go two at a time, in their order", arguments: Combination.fromHTTP2)
    func concurrent(combination: Combination) async throws {
        var rules = Combination.Rules()
        rules.limits = "[{in_flight: 2}]"
        try await combination.run(rules) { between in
            let caller = try await between.connect()
            var asked: [ExchangeEnd] = []
            for number in 0..<100 { asked.append(try await caller.open(.GET, "/\(number)")) }
            try await between.proxy.reaches(inFlight: 2, queued: 98)
            var left = Array(0..<100)
            while !left.isEmpty {
                let request = try await between.origin.request()
                // Two that are under way on connections of their own may overtake each other.
                let number = try #require(Int(try await request.head().target.dropFirst()))
                #expect(left.prefix(2).contains(number))
                left.removeAll { $0 == number }
                if !left.isEmpty {
                    // Its neighbour is there and nobody else.
                    try await eventually("the other slot is taken") { between.origin.pending == 1 }
                }
                try await request.answer(200, [:], "\(number)")
                #expect(try await asked[number].whole().text == Array("\(number)".utf8))
            }
            #expect(between.outcomes("ok") == 100)
        }
    }

    @Test("Two hundred requests one after the other share one connection on each side", arguments: Combination.all)
    func sequential(combination: Combination) async throws {
        try await combination.run { between in
            let serving = between.origin.serve { request in
                let received = try await request.whole()
                try await request.answer(
                    200, ["Content-Length": "\(received.count)"], String(decoding: received.text, as: UTF8.self))
            }
            let caller = try await between.connect()
            for number in 0..<200 {
                let asked = try await caller.post("/\(number)", [:], "number \(number)")
                let answer = try await asked.whole()
                #expect(answer.text == Array("number \(number)".utf8))
                #expect(answer.head?.fields["connection"] == [])
            }
            serving.cancel()
            #expect(between.origin.count == 1)
            #expect(between.outcomes("ok") == 200)
        }
    }
}
