import Admission

/// Whether tenants that always have something waiting get the same of what is scarcest, per weight.
///
/// Start-time fair queueing keeps two of them within one request's cost of each, on a server that works on `n` at once
/// within `n + 1` (Goyal, Vin, Cheng: SIGCOMM 1996; Jin, Chase, Kaur: SIGMETRICS 2004). What a request costs is known
/// only at its end, and what was charged too much, or for nothing, can't be given back to a line that has gone on
/// meanwhile: a twentieth is allowed beyond the bound where all requests cost the same, a third where not.
struct FairnessCheck {
    private struct Tenant {
        let weight: Int
        var waiting = 0
        var service: Int64 = 0
        /// Whether it had something waiting ever since the epoch began.
        var isBacklogged = false
    }

    private let rules: GateRules
    private let isConstant: Bool
    private var tenants: [Tenant] = []
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

    /// `nil` where some limit is not everybody's, so that tenants need not get the same.
    init?(_ rules: GateRules) {
        let areShared = rules.limits.allSatisfy { $0.per.isEmpty && $0.match.isEmpty && $0.terms.distinct == nil }
        guard areShared, !rules.limits.isEmpty, rules.fairness.levels.first == .tenant, rules.adaptive == nil else {
            return nil
        }
        self.rules = rules
        isConstant = rules.limits.allSatisfy { limit in
            limit.terms.inFlight == nil && limit.terms.rates.allSatisfy { $0.unit == .requests }
        }
    }

    private mutating func place(_ tenant: String) -> Int {
        if let known = places[tenant] { return known }
        tenants.append(Tenant(weight: rules.fairness.weight(of: tenant, in: .tenant)))
        places[tenant] = tenants.count - 1
        return tenants.count - 1
    }

    mutating func wait(_ tenant: String) { tenants[place(tenant)].waiting += 1 }

    mutating func waitNoLonger(_ tenant: String) { tenants[place(tenant)].waiting -= 1 }

    /// To be called when all that an event brought is done, for whoever is left with nothing.
    mutating func idle(_ tenant: String) {
        let place = place(tenant)
        if tenants[place].waiting == 0 { tenants[place].isBacklogged = false }
    }

    mutating func granted(inFlight: Int) {
        self.inFlight = inFlight
        peak = max(peak, inFlight)
    }

    /// An attempt has ended, after it was sent.
    mutating func served(_ tenant: String, _ tokens: Tokens, held: Interval) {
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
        tenants[place(tenant)].service += cost.nanoseconds
    }

    /// Compares all that were backlogged since the epoch began, and begins another one where it is over.
    mutating func check(now: Instant) -> String? {
        let least = tenants.indices.filter { tenants[$0].isBacklogged }.min { share($0) < share($1) }
        let most = tenants.indices.filter { tenants[$0].isBacklogged }.max { share($0) < share($1) }
        defer { if now >= epochEnds { begin(now) } }
        guard let least, let most, least != most else { return nil }
        let difference = share(most) - share(least)
        let single = largestCost / Int64(tenants[least].weight) + largestCost / Int64(tenants[most].weight)
        // What is under way counts at its end: what was so when the epoch began counts too much, what is so now lacks.
        let depth = Int64(2 * (peak + 1))
        let bound = single * depth + share(most) / (isConstant ? 20 : 3)
        worst = max(worst, Int(difference * 1000 / max(1, bound)))
        guard difference > bound else { return nil }
        return "tenants' shares differ by \(difference / 1_000_000) ms of all, more than \(bound / 1_000_000)"
    }

    private func share(_ place: Int) -> Int64 { tenants[place].service / Int64(tenants[place].weight) }

    private mutating func begin(_ now: Instant) {
        epochEnds = now + Self.epoch
        peak = inFlight
        for place in tenants.indices {
            tenants[place].service = 0
            tenants[place].isBacklogged = tenants[place].waiting > 0
        }
    }
}
