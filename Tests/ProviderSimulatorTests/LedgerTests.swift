import Testing

@testable import ProviderSimulator

@Suite("The books")
struct LedgerTests {
    private func ledger(_ rules: [String], faults: [String] = []) throws -> Ledger {
        var settings = SimulatorSettings()
        settings.limits = try rules.map { try LimitRule($0) }
        settings.faults = try faults.map { try FaultRule($0) }
        settings.recordsStarts = true
        return Ledger(settings: settings)
    }

    @Test(
        "Active, peak, statuses and violations agree with a recount under any interleaving",
        arguments: 1...6 as ClosedRange<UInt64>)
    func interleavings(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var ledger = try ledger(["in_flight=5", "requests=40/100ns"])
        var open: [Arrival] = []
        var peak = 0
        var refused = 0
        var starts: [Int64] = []
        for now in 0..<4_000 as Range<Int64> {
            if Bool.random(using: &random) {
                let arrival = ledger.arrive(key: "k", now: now)
                arrival.verdict.isAccepted ? starts.append(now) : (refused += 1)
                #expect((arrival.heldUnder != nil) == arrival.verdict.isAccepted)
                open.append(arrival)
            } else if let place = open.indices.randomElement(using: &random) {
                let arrival = open.remove(at: place)
                ledger.leave(arrival, status: arrival.verdict.isAccepted ? 200 : 429, cancelled: false)
            }
            peak = max(peak, open.count)
            #expect(ledger.counts.active == open.count)
        }
        for arrival in open { ledger.leave(arrival, status: nil, cancelled: true) }
        #expect(ledger.counts.active == 0)
        #expect(ledger.counts.peak == peak)
        #expect(ledger.counts.totalViolations == refused)
        #expect(ledger.counts.starts == starts)
        #expect(ledger.counts.accepted == starts.count)
        #expect(ledger.counts.totalRequests == starts.count + refused)
        #expect(ledger.counts.cancelled == open.count)
        #expect(ledger.counts.requests[0] == (open.isEmpty ? nil : open.count))
    }

    @Test("Injected faults are no violations, and a refused request uses up none")
    func faults() throws {
        var ledger = try ledger(["in_flight=1"], faults: ["status=429@next=2"])
        let first = ledger.arrive(key: "", now: 0)
        #expect(first.fault == .status(429, nil))
        #expect(ledger.arrive(key: "", now: 0).fault == nil)
        ledger.leave(first, status: 429, cancelled: false)
        #expect(ledger.arrive(key: "", now: 1).fault == .status(429, nil))
        #expect(ledger.counts.totalViolations == 1)
    }

    @Test("A reset begins the counts anew but forgets no limit and nothing under way")
    func reset() throws {
        var ledger = try ledger(["requests=2/10ns"])
        let open = ledger.arrive(key: "", now: 0)
        ledger.connect()
        ledger.leave(ledger.arrive(key: "", now: 0), status: 200, cancelled: false)
        ledger.resetCounts()
        #expect(ledger.counts.active == 1)
        #expect(ledger.counts.peak == 1)
        #expect(ledger.counts.connections == 1)
        #expect(ledger.counts.totalRequests == 0)
        #expect(!ledger.arrive(key: "", now: 9).verdict.isAccepted)
        #expect(ledger.counts.violations == ["requests=2/10ns:sliding": 1])
        ledger.leave(open, status: 200, cancelled: false)
        #expect(ledger.counts.requests == [200: 1])
    }

    @Test("The metrics have each family with its type, and a sample even at rest")
    func metrics() throws {
        var ledger = try ledger(["in_flight=2"])
        ledger.leave(ledger.arrive(key: "", now: 0), status: 200, cancelled: false)
        ledger.leave(ledger.arrive(key: "", now: 0), status: nil, cancelled: true)
        let lines = ledger.counts.prometheus.split(separator: "\n").filter { !$0.hasPrefix("# HELP") }
        #expect(
            lines == [
                "# TYPE simulator_active_requests gauge", "simulator_active_requests 0",
                "# TYPE simulator_active_requests_peak gauge", "simulator_active_requests_peak 1",
                "# TYPE simulator_connections gauge", "simulator_connections 0",
                "# TYPE simulator_requests_total counter", "simulator_requests_total{status=\"none\"} 1",
                "simulator_requests_total{status=\"200\"} 1",
                "# TYPE simulator_violations_total counter", "simulator_violations_total{rule=\"in_flight=2\"} 0",
                "# TYPE simulator_cancelled_total counter", "simulator_cancelled_total 1",
            ])
        #expect(SimulatorCounts().prometheus.contains("\nsimulator_violations_total{rule=\"\"} 0\n"))
        #expect(JSONValue(ledger.counts.json.utf8)?["requests"]?["none"]?.integer == 1)
    }
}
