import NIOCore
import Testing

@testable import Proxy

@Suite("A slot is free again", .timeLimit(.minutes(2)))
struct SlotTests {
    private static let one = "[{in_flight: 1}]"

    @Test("when a caller leaves the queue")
    func queued() async throws {
        try await Proxied.withUpstream(limits: Self.one) { proxy, upstream in
            let (first, second) = (try await proxy.connect(), try await proxy.connect())
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await second.request()
            try await proxy.reaches(inFlight: 1, queued: 1)
            await second.close()
            try await proxy.reaches(inFlight: 1, queued: 0)
            try await wire.answer()
            _ = try await first.message()
            #expect(proxy.metric("penstock_requests_total", #"outcome="cancelled""#) == 1)
        }
    }

    @Test("when a caller leaves while its connection is made")
    func connecting() async throws {
        let silent = try await Wire.Server.start()
        try await Proxied.run(
            """
            upstreams:
              up: {url: "https://127.0.0.1:\(silent.port)", limits: \(Self.one)}
            """
        ) { proxy in
            let caller = try await proxy.connect()
            try await caller.request()
            _ = try await silent.accept()
            try await proxy.reaches(inFlight: 1, queued: 0)
            await caller.close()
            try await proxy.reaches(inFlight: 0, queued: 0)
        }
        await silent.stop()
    }

    @Test(
        "when a caller leaves before the answer or in the middle of it; the upstream is told", arguments: [false, true])
    func underWay(hasBegun: Bool) async throws {
        try await Proxied.withUpstream(limits: Self.one) { proxy, upstream in
            let (first, second) = (try await proxy.connect(), try await proxy.connect())
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await second.request("GET", "/second")
            try await proxy.reaches(inFlight: 1, queued: 1)
            if hasBegun {
                try await wire.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
                _ = try await first.text(through: "a\r\n")
            }
            await first.close()
            _ = try await wire.untilClosed()
            let next = try await upstream.accept()
            #expect(try await next.message().startLine == "GET /second HTTP/1.1")
            try await next.answer()
            #expect(try await second.message().status == 200)
        }
    }

    @Test("when a caller leaves while it waits for another attempt")
    func repeating() async throws {
        try await Proxied.withUpstream(limits: Self.one) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(429, "Retry-After: 30")
            try await proxy.reaches(inFlight: 0, queued: 1)
            await caller.close()
            try await proxy.reaches(inFlight: 0, queued: 0)
        }
    }

    @Test("when those that wait for a connection get one, leave, or are refused")
    func waitingForConnection() async throws {
        try await Proxied.withUpstream("connections: {max: 1}") { proxy, upstream in
            let callers = [try await proxy.connect(), try await proxy.connect(), try await proxy.connect()]
            for (number, caller) in callers.enumerated() {
                try await caller.request("GET", "/\(number)")
                try await proxy.reaches(inFlight: number + 1, queued: 0)
            }
            let wire = try await upstream.accept()
            _ = try await wire.message()
            await callers[1].close()
            try await proxy.reaches(inFlight: 2, queued: 0)
            try await wire.answer()
            #expect(try await wire.message().startLine == "GET /2 HTTP/1.1")
            try await wire.answer()
            #expect(try await callers[2].message().status == 200)
            #expect(upstream.count == 1)
        }
    }

    @Test("Waits that end while others begin are not taken for each other", arguments: 1...2 as ClosedRange<Int>)
    func churn(workers: Int) async throws {
        let upstream = try await Wire.Server.start()
        let serving = upstream.serve { _, wire in try await wire.answer() }
        try await Proxied.run(
            """
            upstreams:
              up: {url: "http://127.0.0.1:\(upstream.port)", limits: \(Self.one)}
            """, workers: workers
        ) { proxy in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<40 {
                    group.addTask {
                        let wire = try await proxy.connect()
                        for turn in 0..<25 {
                            try await wire.request("GET", "/", "Prefer: wait=0.00\((caller + turn) % 9 + 1)")
                            let status = try await wire.message().status
                            #expect(status == 200 || status == 429)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        serving.cancel()
        await upstream.stop()
    }

    @Test("A caller that takes its time with a short body holds no slot with it")
    func slowBody() async throws {
        try await Proxied.withUpstream(limits: "[{in_flight: 1}]") { proxy, upstream in
            let slow = try await proxy.connect()
            try await slow.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
            let quick = try await proxy.connect()
            try await quick.request("GET", "/quick")
            let wire = try await upstream.accept()
            #expect(try await wire.message().startLine == "GET /quick HTTP/1.1")
            try await wire.answer()
            #expect(try await quick.message().status == 200)
            try await slow.send("def")
            #expect(try await wire.message().text == "abcdef")
            try await wire.answer()
            #expect(try await slow.message().status == 200)
        }
    }
}

extension Wire.Server {
    /// Answers every request of every connection until the task is cancelled or the connections end.
    func serve(_ answer: @escaping @Sendable (Message, Wire) async throws -> Void) -> Task<Void, Never> {
        Task {
            await withTaskGroup(of: Void.self) { group in
                while !Task.isCancelled, let wire = try? await accept() {
                    group.addTask {
                        while let request = try? await wire.message() {
                            do { try await answer(request, wire) } catch { return await wire.close() }
                        }
                    }
                }
            }
        }
    }
}
