import NIOCore
import Testing

@testable import Proxy

@Suite("A tunnel", .timeLimit(.minutes(2)))
struct TunnelTests {
    private static func run(_ body: (Proxied, Wire, Wire) async throws -> Void) async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.send("CONNECT 127.0.0.1:\(upstream.port) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await caller.text(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
            try await body(proxy, caller, upstream.accept())
        }
    }

    @Test("passes what comes both ways, and ends with its caller")
    func caller() async throws {
        try await Self.run { proxy, caller, wire in
            try await caller.send("hello")
            _ = try await wire.text(through: "hello")
            try await wire.send("world")
            _ = try await caller.text(through: "world")
            #expect(try proxy.inFlight() == 1)
            await caller.close()
            _ = try await wire.untilClosed()
        }
    }

    @Test("lets an upstream go on whose caller has said its last")
    func callerHalf() async throws {
        try await Self.run { proxy, caller, wire in
            try await wire.channel.setOption(.allowRemoteHalfClosure, value: true).get()
            try await caller.send("last")
            try await caller.channel.close(mode: .output).get()
            _ = try await wire.text(through: "last")
            try await wire.send("answer")
            await wire.close()
            let (text, wasReset) = try await caller.untilClosed()
            #expect(text == "answer" && !wasReset)
        }
    }

    @Test("ends in good order when its upstream does, with all that came before", arguments: [false, true])
    func upstream(isHalf: Bool) async throws {
        try await Self.run { proxy, caller, wire in
            let text = String(repeating: "x", count: 1 << 20)
            try await wire.send(text)
            if isHalf { try await wire.channel.close(mode: .output).get() } else { await wire.close() }
            let (received, wasReset) = try await caller.untilClosed()
            #expect(received == text && !wasReset)
            try await proxy.reaches(inFlight: 0, queued: 0)
        }
    }
}
