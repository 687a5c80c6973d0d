import Admission

/// Whether those that always have something waiting get the same of what is scarcest, per weight: tenants, or the
/// priorities of a tenant.
///
/// Start-time fair queueing keeps two of them within one request's cost of each, on a server that works on `n` at once
/// within `n + 1` (Goyal, Vin, Cheng: SIGCOMM 1996; Jin, Chase, Kaur: SIGMETRICS 2004). What a request costs is known
/// only at its end, and what was charged too much, or for nothing, can't be given back to a line that has gone on
/// meanwhile: a twentieth is allowed beyond the bound where all requests cost the same, a third where not.
struct FairnessCheck {
    private struct Member {
        /// Among whose it is compared.
        let parent: String
        let weight: Int
        var waiting = 0
        var service: Int64 = 0
        /// Whether it had something waiting ever since the epoch began.
        var isBacklogged = false
    }

    private let rules: GateRules
    private let level: Int
    private let isConstant: Bool
    private var members: [Member] = []
    private var places: [String: Int] = [:]
    /// The largest cost so far: whoever had such a request may pay for it long after.
    private var largestCost: Int64 = 1
    /// Most that were under way at one time in the epoch.
    private var peak = 0
    private var inFlight = 0
    private var epochEnds = Instant(nanoseconds: .min)
    /// The largest difference seen, in thousandths of the bound.
    private(set) var worst = 0

    static let epoch = Interval.minutes(2)

    /// The checks of the levels that are judged: none where some limit is not everybody's, so that tenants need not get
    /// the same.
    static func all(_ rules: GateRules) -> [FairnessCheck] {
        [Dimension.tenant, .priority].indices.compactMap { FairnessCheck(rules, level: $0) }
    }

    private init?(_ rules: GateRules, level: Int) {
        let areShared = rules.limits.allSatisfy { $0.per.isEmpty && $0.match.isEmpty && $0.terms.distinct == nil }
        let levels = [Dimension.tenant, .priority].prefix(level + 1)
        guard areShared, !rules.limits.isEmpty, rules.fairness.levels.starts(with: levels), rules.adaptive == nil else {
            return nil
        }
        self.rules = rules
        self.level = level
        isConstant = rules.limits.allSatisfy { limit in
            limit.terms.inFlight == nil && limit.terms.rates.allSatisfy { $0.unit == .requests }
        }
    }

    private mutating func place(_ identity: Identity) -> Int {
        let names = rules.fairness.levels.prefix(level + 1).map { identity[$0] }
        let parent = names.dropLast().joined()
        let key = names.joined(separator: "\n")
        if let known = places[key] { return known }
        let weight = rules.fairness.weight(of: names[level], in: rules.fairness.levels[level])
        members.append(Member(parent: parent, weight: weight))
        places[key] = members.count - 1
        return members.count - 1
    }

    mutating func wait(_ identity: Identity) { members[place(identity)].waiting += 1 }

    mutating func waitNoLonger(_ identity: Identity) { members[place(identity)].waiting -= 1 }

    /// To be called when all that an event brought is done, for whoever is left with nothing.
    mutating func idle(_ identity: Identity) {
        let place = place(identity)
        if members[place].waiting == 0 { members[place].isBacklogged = false }
    }

    mutating func granted(inFlight: Int) {
        self.inFlight = inFlight
        peak = max(peak, inFlight)
    }

    /// An attempt has ended, after it was sent.
    mutating func served(_ identity: Identity, _ tokens: Tokens, held: Interval) {
        var cost = Interval(nanoseconds: 1)
        for limit in rules.limits where limit.mode == .enforce {
            if let slots = limit.terms.inFlight { cost = max(cost, held / slots) }
            for rate in limit.terms.rates where rate.window < .days(1) {
                let units =
                    switch rate.unit {
                    case .requests: 1
                    case .tokens: tokens.total
                    case .inputTokens: tokens.input
                    case .outputTokens: tokens.output
                    }
                cost = max(cost, Interval(nanoseconds: rate.window.nanoseconds / Int64(rate.quota) * Int64(units)))
            }
        }
        largestCost = max(largestCost, cost.nanoseconds)
        members[place(identity)].service += cost.nanoseconds
    }

    /// Compares all that were backlogged since the epoch began, and begins another one where it is over.
    mutating func check(now: Instant) -> String? {
        defer { if now >= epochEnds { begin(now) } }
        let backlogged = members.indices.filter { members[$0].isBacklogged }
        for parent in Set(backlogged.map { members[$0].parent }).sorted() {
            let siblings = backlogged.filter { members[$0].parent == parent }
            guard let least = siblings.min(by: { share($0) < share($1) }),
                let most = siblings.max(by: { share($0) < share($1) }), least != most
            else { continue }
            if let complaint = compare(least, most) { return complaint }
        }
        return nil
    }

    private mutating func compare(_ least: Int, _ most: Int) -> String? {
        let difference = share(most) - share(least)
        let single = largestCost / Int64(members[least].weight) + largestCost / Int64(members[most].weight)
        // What is under way counts at its end: what was so when the epoch began counts too much, what is so now lacks.
        let depth = Int64(2 * (peak + 1))
        let bound = single * depth + share(most) / (isConstant ? 20 : 3)
        worst = max(worst, Int(difference * 1000 / max(1, bound)))
        guard difference > bound else { return nil }
        let level = rules.fairness.levels[level] == .tenant ? "tenants'" : "priorities'"
        return "\(level) shares differ by \(difference / 1_000_000) ms of all, more than \(bound / 1_000_000)"
    }

    private func share(_ place: Int) -> Int64 { members[place].service / Int64(members[place].weight) }

    private mutating func begin(_ now: Instant) {
        epochEnds = now + Self.epoch
        peak = inFlight
        for place in members.indices {
            members[place].service = 0
            members[place].isBacklogged = members[place].waiting > 0
        }
    }
}
