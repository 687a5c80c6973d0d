import NIOCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite(
    "A slow reader, from every protocol to every other", .timeLimit(.minutes(2)), .enabled(if: Certificate.canBeMade))
struct FlowMatrixTests {
    /// What lies between two ends that speak HTTP/2: each stream's window and what the proxy holds of it.
    private static let windows = 6 * (64 << 10)
    /// HTTP/1.1 has no windows but those of the kernel, which on loopback grow to megabytes on either side.
    private static let sockets = 24 << 20
    /// Sent to a reader that takes nothing unless something stops it.
    private static let most = 64 << 20

    private static func bound(_ combination: Combination) -> Int {
        combination.downstream.isHTTP2 && combination.upstream.isHTTP2 ? windows : sockets
    }

    @Test("of the answer stops the origin, and then gets all of it", arguments: Combination.all)
    func caller(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect(receiveBuffer: 16 << 10)
            let asked = try await caller.open()
            try await asked.read(false)
            let request = try await between.origin.request()
            try await request.send(.status(200, [:], isEnd: false))
            try await Self.stallAndPass(from: request, to: asked, Self.bound(combination))
            // The slot is held for as long as the answer is.
            try await between.proxy.reaches(inFlight: 0, queued: 0)
            #expect(between.outcomes("ok") == 1)
        }
    }

    @Test("of the request stops the caller, and then gets all of it", arguments: Combination.all)
    func origin(combination: Combination) async throws {
        try await combination.run { between in
            let caller = try await between.connect()
            let asked = try await caller.open(.POST, "/v1", [:], isEnd: false)
            let request = try await between.origin.request()
            try await request.read(false)
            try await Self.stallAndPass(from: asked, to: request, Self.bound(combination))
            try await request.answer(200, [:], "ok")
            #expect(try await asked.whole().text == Array("ok".utf8))
        }
    }

    /// Sends until nothing is taken any more, lets the other end read, and checks that all came.
    private static func stallAndPass(from sender: ExchangeEnd, to reader: ExchangeEnd, _ bound: Int) async throws {
        let taken = Watched((count: 0, isEnding: false))
        let sending = Task {
            while !taken.read(\.isEnding), taken.read(\.count) < most {
                let count = taken.read(\.count)
                try await sender.send(.body(Pattern.bytes(at: count, 16 << 10), isEnd: false))
                taken.change { $0.count += 16 << 10 }
            }
            try await sender.send(.end([:]))
        }
        var (last, looks) = (0, 0)
        try await eventually("the sender stalls") {
            let count = taken.read(\.count)
            looks = count == last ? looks + 1 : 0
            last = count
            return looks > 40
        }
        let ahead = taken.read(\.count) - reader.inbox.read(\.count)
        #expect(ahead <= bound)
        #expect(!reader.inbox.read(\.isEnded))
        taken.change { $0.isEnding = true }
        try await reader.read(true)
        let received = try await reader.whole()
        try await sending.value
        #expect(received.isPattern && received.count == taken.read(\.count))
    }
}
