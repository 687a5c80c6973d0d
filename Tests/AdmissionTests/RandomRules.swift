import Rehearsal

@testable import Admission

/// Rules of all kinds, small enough that every limit is met often.
enum RandomRules {
    static func make(_ random: inout SplitMix64) -> GateRules {
        var limits: [Limit] = []
        for kind in 0..<kinds where random.chance(percent: 30) { limits.append(limit(kind, &random)) }
        if limits.isEmpty { limits.append(limit(0, &random)) }
        // In half of the worlds, so that the others stay as they are.
        let keys = random.chance(percent: 50) ? (0..<Int.random(in: 1...4, using: &random)).map { "k\($0)" } : []
        for key in keys.indices { limits += keyLimits(key, of: keys.count, &random) }
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
        return GateRules(limits: limits, pacing: random.one(of: pacings), queue: queue, fairness: fairness, keys: keys)
    }

    private static func keyLimits(_ key: Int, of count: Int, _ random: inout SplitMix64) -> [Limit] {
        let rate = Limit.Rate(Int.random(in: 1...30, using: &random), per: .seconds(random.one(of: [1, 10, 60])))
        let few = Int.random(in: 1...4, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return []
        case 1: return [Limit(name: "k\(key)/slots", terms: Limit.Terms(inFlight: few), keys: [key])]
        case 2: return [Limit(name: "k\(key)/rate", terms: Limit.Terms(rates: [rate]), keys: [key])]
        case 3:
            let models = [Limit.Match(.model, [Glob("m-*")])]
            let terms = Limit.Terms(inFlight: few, rates: [rate])
            return [Limit(name: "k\(key)/models", match: models, terms: terms, keys: [key])]
        case 4:
            let names = [Limit.Match(.job, [Glob("1")])]
            return [
                Limit(name: "k\(key)/all", terms: Limit.Terms(inFlight: few + 2), keys: [key]),
                Limit(name: "k\(key)/jobs", match: names, terms: Limit.Terms(rates: [rate]), keys: [key]),
            ]
        default:
            let shared = Array(Set([key, (key + 1) % count])).sorted()
            return [Limit(name: "k\(key)/shared", terms: Limit.Terms(inFlight: few + 1, rates: [rate]), keys: shared)]
        }
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
