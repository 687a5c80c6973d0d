import Testing

@testable import Admission

@Suite("Gate report")
struct GateReportTests {
    private func busyGate() -> Gate {
        let rules = GateRules(
            limits: [
                Limit(
                    name: "account", terms: Limit.Terms(inFlight: 9, rates: [Limit.Rate(600, per: .minutes(1))])),
                Limit(name: "tenant", per: [.tenant], terms: Limit.Terms(inFlight: 1)),
            ], pacing: .window(.seconds(10)))
        var gate = Gate(rules: rules, now: .start)
        for tenant in ["a", "a", "a", "b", "c"] {
            _ = gate.submit(Ask(identity: Identity(tenant: tenant)), now: .start)
        }
        return gate
    }

    @Test("says what is used, what waits and for whom")
    func counts() throws {
        var gate = busyGate()
        let report = gate.report(now: .after(.seconds(1)))
        #expect(report.inFlight == 3 && report.waiting == 2 && report.pausedFor == nil && !report.isDraining)
        let account = try #require(report.limits[0].cells.first)
        #expect(account.inFlight == 3 && account.maxInFlight == 9 && account.waiting == 2)
        #expect(account.rates.map(\.used) == [3] && account.rates.map(\.burst) == [25])
        #expect(account.nextFree == .zero)
        let tenants = Dictionary(uniqueKeysWithValues: report.tenants.map { ($0.name, [$0.inFlight, $0.waiting]) })
        #expect(tenants == ["a": [1, 2], "b": [1, 0], "c": [1, 0]])
        #expect(report.limits[1].cells.allSatisfy { $0.nextFree == nil })
    }

    @Test("names those most in use where there are too many")
    func bounded() {
        var gate = busyGate()
        let report = gate.report(now: .start, cells: 2)
        #expect(report.limits[1].cells.map(\.values) == [["a"], ["b"]])
    }

    @Test("what has left the window is no longer used, and a pause shows while it lasts")
    func later() {
        var gate = busyGate()
        gate.pause(until: .after(.seconds(70)), now: .start)
        #expect(gate.report(now: .after(.seconds(50))).pausedFor == .seconds(20))
        let report = gate.report(now: .after(.seconds(71)))
        #expect(report.pausedFor == nil && report.limits[0].cells.first?.rates.first?.used == 0)
    }
}
