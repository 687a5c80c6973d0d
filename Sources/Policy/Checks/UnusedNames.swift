import Admission

/// Finds names of `identity` that nothing goes by: most likely a fixed name, misspelt.
struct UnusedNames {
    private let policy: Policy
    private let used: Set<Dimension>

    init(_ policy: Policy) {
        self.policy = policy
        used = policy.upstreams.reduce(into: []) { used, upstream in
            used.formUnion(upstream.gate.fairness.levels)
            for limit in upstream.gate.limits {
                used.formUnion(limit.per + limit.match.map(\.dimension) + (limit.terms.distinct?.of ?? []))
            }
        }
    }

    func check(_ identity: Field) {
        let dimensions = Dimensions(policy.identity)
        for entry in identity.entries() ?? [] {
            guard let dimension = dimensions[entry.key], dimension.rawValue >= Dimension.fixedCount,
                !used.contains(dimension)
            else { continue }
            let hint = Nearest.hint(entry.key, in: ["tenant", "job", "priority"])
            identity.reading.findings.warning("nothing goes by `\(entry.key)`\(hint)", at: entry.keyPosition)
        }
    }
}
