import Admission

/// What a gate keeps of those that came once and never again.
enum MemoryFigures {
    static let names = FigureGroup(
        name: "a million tenant names",
        method: "each asks once and is settled, a thousand a second; resident memory before and after",
        isAlone: true,
        measure: { settings in
            let count = 1_000_000 / settings.haste
            let own = Limit(
                name: "tenant", per: [.tenant],
                terms: Limit.Terms(inFlight: 4, rates: [Limit.Rate(100, per: .minutes(1))]))
            // The first gate is kept, so that the second does not grow into what it left.
            var gates: [Gate] = []
            return grown("by the line only", [], count, &gates) + grown("with a limit per tenant", [own], count, &gates)
        })

    private static func grown(_ name: String, _ limits: [Limit], _ count: Int, _ gates: inout [Gate]) -> [Figure] {
        let account = Limit(name: "account", terms: Limit.Terms(inFlight: 16))
        var gate = Gate(
            rules: GateRules(limits: [account] + limits, pacing: .window(.seconds(1))), now: Rehearsal.start)
        guard let before = ResidentMemory.current() else { return [] }
        ask(&gate, 0..<count / 5)
        let middle = ResidentMemory.current() ?? before
        ask(&gate, count / 5..<count)
        let after = ResidentMemory.current() ?? before
        gates.append(gate)
        return [
            Figure("\(name): after the first fifth", mebibytes(middle - before), "MiB"),
            Figure("\(name): after all", mebibytes(after - before), "MiB", target: .atMost(64)),
            Figure("\(name): by the last four fifths", mebibytes(after - middle), "MiB", target: .atMost(4)),
        ]
    }

    private static func ask(_ gate: inout Gate, _ names: Range<Int>) {
        for name in names {
            let now = Rehearsal.start + .milliseconds(name)
            let identity = Identity(tenant: "a tenant with a long name, number \(name)")
            if case .admitted(let permit) = gate.submit(Ask(identity: identity), now: now) {
                gate.settle(permit, now: now)
            }
        }
    }

    private static func mebibytes(_ bytes: Int) -> Double { Double(bytes) / 1_048_576 }
}
