import NIOCore
import Testing

@testable import Proxy

@Suite("An orderly end", .timeLimit(.minutes(2)))
struct DrainTests {
    @Test("lets streams end whole, refuses what waits, and takes no new connections")
    func drain() async throws {
        try await Proxied.withUpstream(limits: "[{in_flight: 1}]") { proxy, upstream in
            let (stream, queued, idle) = (
                try await proxy.connect(), try await proxy.connect(), try await proxy.connect()
            )
            try await stream.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            _ = try await stream.text(through: "a\r\n")
            try await queued.request()
            try await proxy.reaches(inFlight: 1, queued: 1)
            let address = try proxy.address
            async let drained = proxy.server.drain(timeout: .seconds(20))
            let refusal = try await queued.message()
            #expect(refusal.status == 503)
            #expect(refusal["retry-after"] == "1")
            #expect(refusal["x-should-retry"] == "true")
            _ = try await queued.untilClosed()
            _ = try await idle.untilClosed()
            await #expect(throws: (any Error).self) { try await Wire.connect(to: address) }
            try await wire.send("1\r\nb\r\n0\r\n\r\n")
            let rest = try await stream.untilClosed()
            #expect(rest.text == "1\r\nb\r\n0\r\n\r\n")
            #expect(!rest.wasReset)
            #expect(await drained)
            _ = try await wire.untilClosed()
        }
    }

    @Test("gives a connection to those that were let in before it began")
    func leasing() async throws {
        try await Proxied.withUpstream("connections: {max: 1}") { proxy, upstream in
            let (first, second, idle) = (
                try await proxy.connect(), try await proxy.connect(), try await proxy.connect()
            )
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await second.request()
            try await proxy.reaches(inFlight: 2, queued: 0)
            async let drained = proxy.server.drain(timeout: .seconds(20))
            _ = try await idle.untilClosed()
            try await wire.answer()
            let answer = try await first.message()
            #expect(answer["connection"] == "close")
            _ = try await wire.message()
            try await wire.answer()
            #expect(try await second.message().status == 200)
            #expect(await drained)
        }
    }

    @Test("does not last longer than it may")
    func bounded() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            #expect(await !proxy.server.drain(timeout: .milliseconds(30)))
            await caller.close()
        }
    }
}
