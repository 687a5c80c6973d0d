import NIOCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("Bodies, from every protocol to every other", .timeLimit(.minutes(2)), .enabled(if: Certificate.canBeMade))
struct BodyMatrixTests {
    private static let sizes = [0, 1, (16 << 10) - 1, 16 << 10, (16 << 10) + 1, 65_535, 65_536, 1 << 20]

    @Test("of every size pass both ways, with a length and without", arguments: Combination.all)
    func sizes(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            for size in Self.sizes {
                for hasLength in [true, false] {
                    try await Self.exchange(between, caller, size: size, hasLength: hasLength)
                }
            }
            #expect(between.origin.count == 1)
            #expect(between.outcomes("ok") == 2 * Self.sizes.count)
        }
    }

    /// One exchange with a body of the same size each way.
    static func exchange(_ between: Between, _ caller: Caller, size: Int, hasLength: Bool) async throws {
        let fields: HTTPHeaders = hasLength ? ["Content-Length": "\(size)"] : [:]
        let asked = try await caller.open(.POST, "/v1/\(size)", fields, isEnd: false)
        async let sent: Void = asked.sendPattern(size)
        let request = try await between.origin.request()
        let received = try await request.whole()
        try await sent
        #expect(received.count == size && received.isPattern, "the request's body of \(size)")
        #expect(received.head?.fields["content-length"] == (hasLength ? ["\(size)"] : []))
        try await request.send(.status(200, fields, isEnd: false))
        async let answered: Void = request.sendPattern(size)
        let answer = try await asked.whole()
        try await answered
        #expect(answer.count == size && answer.isPattern, "the answer's body of \(size)")
        #expect(answer.head?.fields["content-length"] == (hasLength ? ["\(size)"] : []))
    }

    @Test("of 64 MiB pass without being kept", arguments: Combination.few)
    func large(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            try await Self.exchange(between, caller, size: 1 << 20, hasLength: true)
            let before = ResidentMemory.bytes()
            try await Self.exchange(between, caller, size: 64 << 20, hasLength: false)
            #expect(ResidentMemory.bytes() - before < 32 << 20)
        }
    }
}
