import NIOCore
import NIOPosix
import Testing

@testable import ProviderSimulator

@Suite("A simulator over HTTP/1.1")
struct SimulatorTests {
    private let path = "/v1/chat/completions"

    @Test("answers request after request on one connection")
    func keepAlive() async throws {
        try await withSimulator { simulator in
            let wire = try await Wire.connect(to: simulator)
            for body in [chat, streamedChat, chat] {
                try await wire.post(path, body)
                let answer = await wire.answer()
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(answer.contains("transfer-encoding: chunked") == (body == streamedChat))
            }
            #expect(simulator.counts.requests == [200: 3])
            #expect(simulator.counts.connections == 1)
            #expect(simulator.counts.active == 0)
            await wire.close()
            #expect(await eventually { simulator.counts.connections == 0 })
            #expect(simulator.counts.cancelled == 0)
        }
    }

    @Test("takes a body in chunks, bids who asks to continue, and closes where it is asked to")
    func forms() async throws {
        try await withSimulator { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.send(
                "POST \(path) HTTP/1.1\r\nhost: s\r\nexpect: 100-continue\r\nconnection: close\r\n"
                    + "transfer-encoding: chunked\r\n\r\n")
            #expect(await wire.take { $0.hasSuffix("\r\n\r\n") } == "HTTP/1.1 100 Continue\r\n\r\n")
            try await wire.send("5\r\n\(chat.prefix(5))\r\n")
            let rest = chat.dropFirst(5)
            try await wire.send("\(String(rest.utf8.count, radix: 16))\r\n\(rest)\r\n0\r\n\r\n")
            let (text, wasReset) = await wire.untilClosed()
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(text.contains("connection: close"))
            #expect(text.hasSuffix("}"))
            #expect(!wasReset)
        }
    }

    @Test("answers HEAD with the head alone")
    func head() async throws {
        try await withSimulator { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.send("HEAD /v1/models HTTP/1.1\r\nhost: s\r\nconnection: close\r\n\r\n")
            let (text, _) = await wire.untilClosed()
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n") && text.hasSuffix("\r\n\r\n"))
            #expect(text.contains("content-length: ") && !text.contains("content-length: 0"))
        }
    }

    @Test("refuses a body that is too large, and reads on")
    func tooLarge() async throws {
        try await withSimulator(configure: { $0.maximumBody = 100 }) { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.post(path, chat + String(repeating: " ", count: 100_000))
            #expect(await wire.answer().hasPrefix("HTTP/1.1 413 "))
            try await wire.post(path, chat)
            #expect(await wire.answer().hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("writes a long answer as fast as it is read, all of it")
    func longAnswer() async throws {
        try await withSimulator(configure: {
            $0.outputTokens = 12_000; $0.outputTokensBound = 12_000
        }) { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.post(path, #"{"model":"m","messages":[{}],"stream":true}"#, headers: "connection: close\r\n")
            let (text, _) = await wire.untilClosed()
            #expect(text.hasSuffix("data: [DONE]\n\n\r\n0\r\n\r\n"))
            #expect(text.split(separator: "chat.completion.chunk").count == 12_003)
        }
    }

    @Test("counts those in flight, refuses one more and has room when a caller leaves")
    func inFlight() async throws {
        try await withSimulator(["in_flight=3"]) { simulator in
            var held: [Wire] = []
            for _ in 0..<3 {
                let wire = try await Wire.connect(to: simulator)
                try await wire.post(path, chat, headers: "x-simulate: stall\r\n")
                held.append(wire)
            }
            #expect(await eventually { simulator.counts.active == 3 })
            let wire = try await Wire.connect(to: simulator)
            try await wire.post(path, chat)
            let refusal = await wire.answer()
            #expect(refusal.hasPrefix("HTTP/1.1 429 "))
            #expect(refusal.contains("concurrent requests (in_flight=3): limit 3"))
            #expect(simulator.counts.violations == ["in_flight=3": 1])
            #expect(simulator.counts.peak == 4)
            await held.removeLast().close()
            #expect(await eventually { simulator.counts.active == 2 })
            try await wire.post(path, chat)
            #expect(await wire.answer().hasPrefix("HTTP/1.1 200 "))
            for wire in held { await wire.close() }
            #expect(await eventually { simulator.counts.cancelled == 3 })
            #expect(simulator.counts.requests == [0: 3, 200: 1, 429: 1])
        }
    }

    @Test("A request counts from its head, before its body has come")
    func countsFromHead() async throws {
        try await withSimulator(["in_flight=1"]) { simulator in
            let slow = try await Wire.connect(to: simulator)
            try await slow.send("POST \(path) HTTP/1.1\r\nhost: s\r\ncontent-length: \(chat.utf8.count)\r\n\r\n")
            #expect(await eventually { simulator.counts.active == 1 })
            let other = try await Wire.connect(to: simulator)
            try await other.post(path, chat)
            #expect(await other.answer().hasPrefix("HTTP/1.1 429 "))
            try await slow.send(chat)
            #expect(await slow.answer().hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("Who has read the last byte may send the next request on any connection", arguments: [chat, streamedChat])
    func noFalseViolation(body: String) async throws {
        try await withSimulator(["in_flight=1"]) { simulator in
            // Connections of one group are dealt out over its event loops.
            var wires: [Wire] = []
            for _ in 0..<4 { wires.append(try await Wire.connect(to: simulator)) }
            for round in 0..<400 {
                try await wires[round % 4].post(path, body)
                #expect(await wires[round % 4].answer().hasPrefix("HTTP/1.1 200 "), "round \(round)")
            }
            #expect(simulator.counts.totalViolations == 0)
            #expect(simulator.counts.peak == 1)
        }
    }

    @Test("Of many requests at once exactly as many are accepted as the limit allows")
    func exactUnderConcurrency() async throws {
        try await withSimulator(["requests=50/1h:sliding"], configure: { $0.recordsStarts = true }) { simulator in
            let statuses = try await withThrowingTaskGroup(of: Substring.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        let wire = try await Wire.connect(to: simulator)
                        try await wire.post("/v1/chat/completions", chat)
                        let answer = await wire.answer()
                        await wire.close()
                        return answer.dropFirst(9).prefix(3)
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == ["200": 50, "429": 150])
            #expect(simulator.counts.totalViolations == 150)
            #expect(simulator.counts.starts.count == 50)
            #expect(simulator.counts.starts == simulator.counts.starts.sorted())
        }
    }

    @Test("Each key has its own share where a limit is per key")
    func perKey() async throws {
        try await withSimulator(["per_key.requests=1/1h"]) { simulator in
            let wire = try await Wire.connect(to: simulator)
            for (key, status) in [("a", 200), ("a", 429), ("b", 200), ("b", 429)] {
                try await wire.post(path, chat, headers: "authorization: Bearer \(key)\r\n")
                #expect(await wire.answer().hasPrefix("HTTP/1.1 \(status) "))
            }
        }
    }

    @Test(
        "Faults end connections as they say",
        arguments: [
            ("reset-before-head", chat, true, false), ("refuse-stream", chat, true, false),
            ("reset-after-head", chat, true, true), ("reset-after-head", streamedChat, true, true),
            ("cut-body", chat, false, true), ("cut-body", streamedChat, false, true),
        ])
    func brokenAnswers(fault: String, body: String, isReset: Bool, hasHead: Bool) async throws {
        try await withSimulator { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.post(path, body, headers: "x-simulate: \(fault)\r\n")
            let (text, wasReset) = await wire.untilClosed()
            #expect(wasReset == isReset)
            #expect(text.hasPrefix("HTTP/1.1 200 ") == hasHead)
            #expect(!text.hasSuffix("0\r\n\r\n") && !text.contains("\"usage\"") && !text.contains("[DONE]"))
            #expect(await eventually { simulator.counts.active == 0 })
            #expect(simulator.counts.requests == [hasHead ? 200 : 0: 1])
            #expect(simulator.counts.cancelled == 0)
            #expect(simulator.counts.totalViolations == 0)
        }
    }

    @Test(
        "Faults that keep the connection give a whole answer",
        arguments: [
            ("status=503", 503), ("status=429;retry-after=2", 429), ("retry-after-date", 429), ("quota-exhausted", 429),
            ("delay=5ms", 200), ("slow-body=1ms", 200), ("nonsense", 400),
        ])
    func wholeAnswers(fault: String, status: Int) async throws {
        try await withSimulator { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.post(path, chat, headers: "x-simulate: \(fault)\r\n")
            #expect(await wire.answer().hasPrefix("HTTP/1.1 \(status) "))
            try await wire.post(path, chat)
            #expect(await wire.answer().hasPrefix("HTTP/1.1 200 "))
            #expect(simulator.counts.totalViolations == 0)
        }
    }

    @Test("Latency and pace hold an answer back at least as long as they say")
    func pace() async throws {
        let start = ContinuousClock.now
        try await withSimulator(configure: {
            $0.latency = .fixed(30_000_000)
            $0.tokensPerSecond = 100
        }) { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.post(path, streamedChat)
            #expect(await wire.answer().hasSuffix("data: [DONE]\n\n\r\n0\r\n\r\n"))
        }
        #expect(ContinuousClock.now - start >= .milliseconds(60))
    }

    @Test("Its own paths show and switch, and no limit counts them")
    func operations() async throws {
        try await withSimulator(["requests=1/1h"]) { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.post("/_simulator/faults", #"{"faults":["status=503@next=1"]}"#)
            #expect(await wire.answer().contains(#""faults":["status=503@next=1"]"#))
            try await wire.post(path, chat)
            #expect(await wire.answer().hasPrefix("HTTP/1.1 503 "))
            #expect(simulator.faults.isEmpty)
            try await wire.post(path, chat)
            #expect(await wire.answer().hasPrefix("HTTP/1.1 429 "))
            try await wire.send("GET /metrics HTTP/1.1\r\nhost: s\r\n\r\n")
            let metrics = await wire.answer()
            #expect(metrics.contains("\nsimulator_violations_total{rule=\"requests=1/1h:sliding\"} 1\n"))
            #expect(metrics.contains("content-type: text/plain; version=0.0.4"))
            try await wire.post("/_simulator/reset", "")
            #expect(await wire.answer().contains(#""violations_total":0"#))
            try await wire.post("/_simulator/faults", "nonsense")
            #expect(await wire.answer().hasPrefix("HTTP/1.1 400 "))
            simulator.setFaults([FaultRule(.stall, .next(1))])
            try await wire.send("GET /_simulator HTTP/1.1\r\nhost: s\r\n\r\n")
            #expect(await wire.answer().contains(#""faults":["stall@next=1"]"#))
        }
    }

    @Test("A stopped simulator takes no connection and leaves none open")
    func stop() async throws {
        let simulator = try await withSimulator { simulator in
            let wire = try await Wire.connect(to: simulator)
            try await wire.post(path, chat, headers: "x-simulate: stall\r\n")
            #expect(await eventually { simulator.counts.active == 1 })
            return simulator
        }
        #expect(await eventually { simulator.counts.connections == 0 && simulator.counts.active == 0 })
        await #expect(throws: (any Error).self) { try await Wire.connect(to: simulator) }
    }

    @Test("Settings out of their range are an error at the start")
    func outOfRange() async throws {
        let mistakes: [(inout SimulatorSettings) -> Void] = [
            { $0.tokensPerSecond = 0 }, { $0.tokensPerSecond = .nan }, { $0.jitter = 1.5 }, { $0.outputTokens = 0 },
            { $0.outputTokensBound = -1 },
        ]
        for mistake in mistakes {
            await #expect(throws: SimulatorTextError.self) { try await withSimulator(configure: mistake) { _ in } }
        }
    }

    @Test("An address in use is an error at the start")
    func taken() async throws {
        try await withSimulator { simulator in
            var settings = SimulatorSettings()
            settings.port = simulator.port
            await #expect(throws: (any Error).self) {
                try await Simulator.start(settings: settings, group: MultiThreadedEventLoopGroup.singleton)
            }
        }
    }
}
