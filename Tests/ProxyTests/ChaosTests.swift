import Foundation
import NIOCore
import Rehearsal
import Testing

@testable import Proxy

/// Hundreds of requests over sockets, with faults drawn from a seed on both sides. Afterwards everything is settled,
/// and the upstream never had more under way than the limit allows.
@Suite("Chaos", .timeLimit(.minutes(3)))
struct ChaosTests {
    private static let slots = 6

    @Test(
        "loses no permit, no connection and no caller", arguments: [(1, 1), (2, 1), (3, 2), (4, 2)] as [(UInt64, Int)])
    func chaos(seed: UInt64, workers: Int) async throws {
        let upstream = try await Wire.Server.start()
        let provider = Provider(seed: seed, slots: Self.slots)
        let serving = upstream.serve { request, wire in try await provider.answer(request, on: wire) }
        try await Proxied.run(
            """
            upstreams:
              up:
                url: http://127.0.0.1:\(upstream.port)
                limits:
                  - in_flight: \(Self.slots)
                  - {per: tenant, in_flight: 4}
                connections: {max: 8}
                queue: {timeout: 20s}
                # Opens every few dozen answers. For its usual 30 s it would hold those in line past what they wait here.
                breaker: {failures: 2, open_for: 100ms}
                retry: {attempts: 4, backoff: {base: 1ms, max: 5ms}, budget: {share: 100%, least: 1000/min}}
            """, workers: workers
        ) { proxy in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<24 {
                    group.addTask {
                        var random = SplitMix64(seed: seed &* 1000 &+ UInt64(number))
                        for turn in 0..<20 {
                            try await Caller.run(proxy, tenant: number % 5, name: "\(number)-\(turn)", &random)
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await proxy.reaches(inFlight: 0, queued: 0)
            try await eventually("nothing is left open but idle connections") { upstream.open <= 8 }
            #expect(provider.excess.read { $0 } == 0, "seed \(seed)")
            let outcomes = try proxy.logLines().count
            #expect(outcomes > 0)
        }
        serving.cancel()
        await upstream.stop()
    }

    /// One request of a caller that may leave at any point.
    private enum Caller {
        static func run(_ proxy: Proxied, tenant: Int, name: String, _ random: inout SplitMix64) async throws {
            let wire = try await proxy.connect()
            let body = String(repeating: "b", count: Int.random(in: 0...5000, using: &random))
            let fate = Int.random(in: 0..<10, using: &random)
            let fields = "X-Tenant-Id: t\(tenant)"
            switch fate {
            case 0:
                try await wire.send(
                    "POST /\(name) HTTP/1.1\r\nHost: h\r\n\(fields)\r\nContent-Length: 9000\r\n\r\n\(body)")
                await wire.close()
            case 1:
                try await wire.request("POST", "/\(name)", fields, body: body)
                await wire.close()
            case 2:
                try await wire.request("GET", "/\(name)", fields)
                // Gone as soon as anything has come, or nothing ever will.
                _ = try await wire.inbox.wait(for: "anything") { $0.received > 0 || $0.isClosed ? true : nil }
                await wire.reset()
            default:
                try await wire.request(fate % 2 == 0 ? "POST" : "GET", "/\(name)", fields, body: body)
                // Whole and right, or visibly broken.
                guard let answer = try? await wire.message() else {
                    #expect(wire.inbox.read { $0.isClosed }, "\(name) never got an answer")
                    return
                }
                if answer.status == 200 { #expect(answer.text == "/\(name)" + Provider.filler) }
                await wire.close()
            }
        }
    }

    /// Answers as chance has it.
    private final class Provider: Sendable {
        static let filler = String(repeating: ".", count: 3000)

        let excess = Watched(0)
        private let random: Watched<SplitMix64>
        private let active = Watched(0)
        private let slots: Int

        init(seed: UInt64, slots: Int) {
            random = Watched(SplitMix64(seed: seed))
            self.slots = slots
        }

        func answer(_ request: Message, on wire: Wire) async throws {
            active.change { $0 += 1 }
            defer { active.change { $0 -= 1 } }
            // A caller's departure frees a slot before this side has seen the close of its connection.
            let slots = slots
            do {
                _ = try await active.wait(for: "room", within: .seconds(5)) { $0 <= slots ? true : nil }
            } catch {
                excess.change { $0 += 1 }
            }
            let path = String(request.startLine.split(separator: " ")[1])
            let text = Array((path + Self.filler).utf8)
            switch random.change({ Int.random(in: 0..<60, using: &$0) }) {
            // Rare, because each of them slows everybody down for a second.
            case 0: try await wire.answer(429, "retry-after-ms: 5")
            case 1...4: try await wire.answer(503)
            case 5...8: await wire.reset()
            case 9...12: await wire.close()
            case 13...16:
                try await wire.send("HTTP/1.1 200 X\r\nContent-Length: \(text.count)\r\n\r\n")
                try await wire.send(Array(text.prefix(100)))
                await wire.reset()
            case 17...20:
                try await wire.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")
                await wire.close()
            case 21...24: try await wire.answer(400, body: "bad")
            case 25...34:
                try await wire.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
                for start in stride(from: 0, to: text.count, by: 500) {
                    let part = text[start..<min(text.count, start + 500)]
                    try await wire.send(Array("\(String(part.count, radix: 16))\r\n".utf8) + part + Array("\r\n".utf8))
                }
                try await wire.send("0\r\n\r\n")
            default:
                try await wire.send(Array("HTTP/1.1 200 X\r\nContent-Length: \(text.count)\r\n\r\n".utf8) + text)
            }
        }
    }
}
