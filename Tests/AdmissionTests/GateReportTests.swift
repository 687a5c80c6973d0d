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

    @Test("counts all where it names only some")
    func counted() {
        var gate = busyGate()
        let report = gate.report(now: .start, cells: 2, tenants: 1)
        #expect(report.limits.map(\.count) == [1, 3])
        #expect(report.tenantCount == 3 && report.tenants.map(\.name) == ["a"])
    }

    // MARK: Why they wait

    /// What holds tenant "a" back, whose second ask waits since two seconds.
    private func wait(_ rules: GateRules, _ happens: (inout Gate, Permit) -> Void = { _, _ in }) throws
        -> GateReport.WaitReport?
    {
        var gate = Gate(rules: rules, now: .start)
        guard case .admitted(let permit) = gate.submit(Ask(identity: Identity(tenant: "a")), now: .start) else {
            return nil
        }
        happens(&gate, permit)
        _ = gate.submit(Ask(identity: Identity(tenant: "a")), now: .start)
        let tenants = gate.report(now: .after(.seconds(2)), explains: true).tenants
        return try #require(tenants.first { $0.name == "a" }).wait
    }

    private static let own = Limit(name: "tenant", per: [.tenant], terms: Limit.Terms(inFlight: 1))
    private static let roomy = Limit(name: "account", terms: Limit.Terms(inFlight: 9))
    private static let rated = Limit(
        name: "account", terms: Limit.Terms(rates: [Limit.Rate(4, per: .minutes(1))]))

    @Test("a full slot is named with whom it holds for, and nobody knows its end")
    func slot() throws {
        let report = try wait(GateRules(limits: [Self.roomy, Self.own]))
        let binding = GateRefusal.Binding(limit: 1, values: ["a"], bound: .inFlight(1))
        #expect(report == GateReport.WaitReport(length: .seconds(2), cause: .limit(binding), endsIn: nil))
    }

    @Test("a rate is named with the time until it opens")
    func rate() throws {
        let report = try #require(try wait(GateRules(limits: [Self.rated])))
        let binding = GateRefusal.Binding(limit: 0, values: [], bound: .rate(Limit.Rate(4, per: .minutes(1))))
        #expect(report.cause == .limit(binding))
        let end = try #require(report.endsIn)
        #expect(end > .zero && end < .minutes(1))
    }

    @Test("a pause is named before a slot that may become free at any time, and after a rate that ends later")
    func pause() throws {
        let short = try wait(GateRules(limits: [Self.roomy, Self.own])) { gate, _ in
            gate.pause(until: .after(.seconds(5)), now: .start)
        }
        #expect(short == GateReport.WaitReport(length: .seconds(2), cause: .pause, endsIn: .seconds(3)))
        let long = try wait(GateRules(limits: [Self.rated])) { gate, _ in
            gate.pause(until: .after(.seconds(3)), now: .start)
        }
        guard case .limit = long?.cause else {
            Issue.record("held by \(String(describing: long))")
            return
        }
    }

    @Test("an open breaker and a full adaptive limit are named")
    func health() throws {
        let failing = GateRules(limits: [Self.roomy], breaker: BreakerRules(failures: 1, openFor: .seconds(30)))
        let broken = try wait(failing) { gate, permit in gate.settle(permit, .failed, now: .start) }
        #expect(broken == GateReport.WaitReport(length: .seconds(2), cause: .breaker, endsIn: .seconds(28)))
        let narrow = try wait(GateRules(limits: [Self.roomy], adaptive: AdaptiveRules(min: 1, max: 1)))
        #expect(narrow == GateReport.WaitReport(length: .seconds(2), cause: .adaptive, endsIn: nil))
    }

    @Test("an attempt that is repeated later waits for that, unless another one of the tenant stands in line")
    func backoff() throws {
        func repeated(_ gate: inout Gate, _ permit: Permit) {
            _ = gate.retry(permit, isFree: true, at: .after(.seconds(9)), deadline: .never, now: .start)
        }
        let alone = try wait(GateRules(limits: [Self.roomy])) { gate, permit in repeated(&gate, permit) }
        #expect(alone == GateReport.WaitReport(length: .seconds(2), cause: .backoff, endsIn: .seconds(7)))
        let beside = try wait(GateRules(limits: [Self.roomy, Self.own])) { gate, permit in
            repeated(&gate, permit)
            _ = gate.submit(Ask(identity: Identity(tenant: "a")), now: .start)
        }
        guard case .limit = beside?.cause else {
            Issue.record("held by \(String(describing: beside))")
            return
        }
    }

    @Test("who waits is not asked why where nobody wants to know")
    func unexplained() {
        var gate = busyGate()
        #expect(gate.report(now: .start).tenants.allSatisfy { $0.wait == nil })
    }
}
