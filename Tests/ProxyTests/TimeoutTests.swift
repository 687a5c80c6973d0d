import NIOCore
import Testing

@testable import Proxy

@Suite("What takes too long", .timeLimit(.minutes(2)))
struct TimeoutTests {
    private static func error(_ answer: Message) -> String? {
        answer["proxy-status"].flatMap { status in
            status.split(separator: ";").first { $0.contains("error=") }.map { String($0.dropFirst(" error=".count)) }
        }
    }

    @Test("An answer that does not begin in time")
    func firstByte() async throws {
        try await Proxied.withUpstream("timeouts: {first_byte: 1s}") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", body: "x")
            let wire = try await upstream.accept()
            let answer = try await caller.message()
            #expect(answer.status == 504)
            #expect(Self.error(answer) == "http_response_timeout")
            // The slot is free, the upstream knows, the caller's connection lives on.
            _ = try await wire.untilClosed()
            try await proxy.reaches(inFlight: 0, queued: 0)
            try await caller.request("POST", body: "x")
            try await upstream.accept().answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("An answer in which nothing moves any more is broken off")
    func idle() async throws {
        try await Proxied.withUpstream("timeouts: {idle: 50ms}") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            try await wire.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            let all = try await caller.untilClosed()
            #expect(all.text.contains("1\r\na\r\n"))
            #expect(!all.text.contains("0\r\n\r\n"))
            _ = try await wire.untilClosed()
        }
    }

    @Test("An exchange that is never over is broken off, though its bytes keep coming")
    func total() async throws {
        try await Proxied.withUpstream("timeouts: {total: 2s}") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            try await wire.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
            let dripping = Task {
                while !wire.inbox.read(\.isClosed) { try await wire.send("1\r\na\r\n") }
            }
            caller.inbox.change { $0.isCountedOnly = true }
            _ = try await caller.untilClosed()
            dripping.cancel()
        }
    }

    @Test("An exchange without an answer when its time is over")
    func totalBeforeHead() async throws {
        try await Proxied.withUpstream("timeouts: {total: 50ms, first_byte: 50ms}") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", body: "x")
            #expect(try await caller.message().status == 504)
        }
    }

    @Test("A connection to a peer that accepts and says nothing")
    func silentTLS() async throws {
        let silent = try await Wire.Server.start()
        try await Proxied.run(
            """
            upstreams:
              up:
                url: https://127.0.0.1:\(silent.port)
                limits: [{in_flight: 3}]
                timeouts: {connect: 30ms}
                retry: {attempts: 1}
            """
        ) { proxy in
            let caller = try await proxy.connect()
            try await caller.request()
            let answer = try await caller.message()
            #expect(answer.status == 502)
            #expect(Self.error(answer) == "connection_timeout")
            try await eventually("the connection is closed") { silent.open == 0 }
        }
        await silent.stop()
    }

    @Test("An upstream that fails is tried by one connection for all that wait")
    func failing() async throws {
        let upstream = try await Wire.Server.start()
        try await Proxied.run(
            """
            upstreams:
              up:
                url: https://127.0.0.1:\(upstream.port)
                limits: [{in_flight: 20}]
                retry: {attempts: 1}
                breaker: off
                connections: {protocol: h1}
            """
        ) { proxy in
            for wave in 0..<3 {
                var callers: [Wire] = []
                for _ in 0..<20 {
                    callers.append(try await proxy.connect())
                    try await callers[callers.count - 1].request()
                }
                try await proxy.reaches(inFlight: 20, queued: 0)
                // At first nothing is known against it, and each gets a connection of its own.
                for _ in 0..<(wave == 0 ? 20 : 1) { try await upstream.accept().close() }
                for caller in callers {
                    #expect(try await caller.message().status == 502)
                    await caller.close()
                }
                #expect(upstream.count == 20 + wave)
            }
        }
        await upstream.stop()
    }

    @Test("No connection of the pool becomes free")
    func pool() async throws {
        try await Proxied.withUpstream("connections: {max: 1}\nqueue: {timeout: 50ms}") { proxy, upstream in
            let (first, second) = (try await proxy.connect(), try await proxy.connect())
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await second.request()
            let answer = try await second.message()
            #expect(answer.status == 503)
            try await proxy.reaches(inFlight: 1, queued: 0)
            try await wire.answer()
            #expect(try await first.message().status == 200)
        }
    }

    @Test("A turn that does not come in time", arguments: ["queue: {timeout: 50ms}", ""])
    func queue(policy: String) async throws {
        try await Proxied.withUpstream(policy, limits: "[{name: slots, in_flight: 1}]") { proxy, upstream in
            let (first, second) = (try await proxy.connect(), try await proxy.connect())
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await second.request("GET", "/v1", policy.isEmpty ? "Prefer: wait=0.05" : "")
            let answer = try await second.message()
            #expect(answer.status == 429)
            #expect(Self.error(answer) == "connection_limit_reached")
            #expect(answer["ratelimit-policy"] == #""slots";q=1;qu="concurrent-requests""#)
            #expect(answer["retry-after"].flatMap { Int($0) } != nil)
            #expect(answer["retry-after-ms"].flatMap { Int($0) } != nil)
            #expect(proxy.metric("penstock_requests_total", #"outcome="queue_timeout""#) == 1)
            try await wire.answer()
            _ = try await first.message()
        }
    }
}
