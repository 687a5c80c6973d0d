import Rehearsal

@testable import Admission

/// Rules of all kinds, small enough that every limit is met often.
enum RandomRules {
    static func make(_ random: inout SplitMix64) -> GateRules {
        var limits: [Limit] = []
        for kind in 0..<kinds where random.chance(percent: 30) { limits.append(limit(kind, &random)) }
        if limits.isEmpty { limits.append(limit(0, &random)) }
        let levels: [[Dimension]] = [
            [.tenant, .priority, .job], [.tenant, .priority, .job], [.tenant], [], [.tenant, .job],
            [.priority, .tenant], [.credential, .model],
        ]
        let pacings: [Pacing] = [.burst, .window(.seconds(1)), .window(.seconds(10)), .window(.seconds(60))]
        let queue = QueueRules(
            maxRequests: Int.random(in: 3...40, using: &random),
            maxRequestsPerTenant: Int.random(in: 2...20, using: &random),
            timeout: .seconds(Int.random(in: 1...60, using: &random)))
        let fairness = FairnessRules(
            levels: random.one(of: levels),
            weights: [.priority: FairnessRules.priorityWeights, .tenant: ["a": 3, "b": 2], .job: ["2": 5]])
        return GateRules(limits: limits, pacing: random.one(of: pacings), queue: queue, fairness: fairness)
    }

    private static let kinds = 13

    private static func limit(_ kind: Int, _ random: inout SplitMix64) -> Limit {
        var few: Int { Int.random(in: 1...4, using: &random) }
        var rate: Limit.Rate {
            Limit.Rate(
                Int.random(in: 1...30, using: &random), per: .seconds(random.one(of: [1, 10, 60])))
        }
        let match = [Limit.Match(.model, [Glob("m-*")])]
        switch kind {
        case 0: return Limit(name: "slots", terms: Limit.Terms(inFlight: few + 2))
        case 1: return Limit(name: "rate", terms: Limit.Terms(rates: [rate, rate]))
        case 2:
            let own = Limit.Terms(inFlight: few + 1, rates: [rate])
            return Limit(
                name: "tenant", per: [.tenant], terms: Limit.Terms(inFlight: few), overrides: ["a": own])
        case 3: return Limit(name: "tenant rate", per: [.tenant], terms: Limit.Terms(rates: [rate]))
        case 4: return Limit(name: "job", per: [.tenant, .job], terms: Limit.Terms(inFlight: few))
        case 5:
            let distinct = Limit.Distinct(atMost: few, of: [.tenant, .job])
            return Limit(name: "jobs", terms: Limit.Terms(distinct: distinct))
        case 6: return Limit(name: "matching rate", match: match, terms: Limit.Terms(rates: [rate]))
        case 7: return Limit(name: "matching slots", match: match, terms: Limit.Terms(inFlight: few))
        case 8: return Limit(name: "model", per: [.model], terms: Limit.Terms(inFlight: few, rates: [rate]))
        case 9: return Limit(name: "credential", per: [.credential], terms: Limit.Terms(inFlight: few))
        case 10:
            let distinct = Limit.Distinct(atMost: few, of: [.model])
            return Limit(
                name: "models of a tenant", per: [.tenant], terms: Limit.Terms(inFlight: few, distinct: distinct))
        case 11:
            let distinct = Limit.Distinct(atMost: few, of: [.job])
            return Limit(
                name: "jobs with a rate", per: [.priority], terms: Limit.Terms(rates: [rate], distinct: distinct))
        default: return Limit(name: "observed", terms: Limit.Terms(inFlight: 1), mode: .observe)
        }
    }
}
