/// All limits of the provider over all of its callers: who is accepted, who is refused and until when.
///
/// Time is an argument, nanoseconds since the simulator's start, and never runs backwards. A request that is accepted
/// holds one place of every in-flight limit until ``leave(key:)``.
struct Enforcement: Sendable {
    let rules: [LimitRule]
    private let refused: RefusedRequests
    private let hasKeys: Bool
    /// One per rule; those of the rules per key stay fresh and stand for a key that has not been seen yet.
    private var shared: [Counter]
    /// The counters of the rules per key, in the order of ``rules``. Kept for good: the callers of a simulator have
    /// a handful of keys, and a forgotten window would be a violation not seen.
    private var byKey: [String: [Counter]] = [:]

    init(rules: [LimitRule], refused: RefusedRequests) {
        self.rules = rules
        self.refused = refused
        shared = rules.map { Counter($0.bound) }
        hasKeys = rules.contains { $0.scope == .key }
    }

    /// Decides over a request that has just arrived and charges what the decision costs.
    mutating func arrive(key: String, now: Int64) -> Verdict {
        let closed = counters(for: key).map { $0.isClosed(now: now) }
        let accepted = !closed.contains(true)
        for place in rules.indices {
            let charged =
                switch refused {
                case _ where accepted: true
                case .countNowhere: false
                case .countWhereTheyFit: !closed[place]
                case .countEverywhere: true
                }
            if charged { change(place, of: key) { $0.charge(now: now, accepted: accepted) } }
        }
        let counters = counters(for: key)
        if accepted { return .accepted(standing(counters, now: now)) }
        return .refused(refusal(counters, closed: closed, now: now))
    }

    /// A request that had been accepted is over.
    mutating func leave(key: String) {
        for place in rules.indices { change(place, of: key) { $0.release() } }
    }

    /// The rule that keeps the request away longest gives its name; a limit in flight only where no rate does, because
    /// nobody knows when a place falls free.
    private func refusal(_ counters: [Counter], closed: [Bool], now: Int64) -> Refusal {
        var rule = closed.firstIndex(of: true) ?? 0
        var retryAt: Int64?
        for place in counters.indices {
            // Also a rule that allowed this request may have been closed by its charge.
            guard let earliest = counters[place].earliest(now: now), earliest > now else { continue }
            if closed[place], earliest > counters[rule].earliest(now: now) ?? now { rule = place }
            retryAt = max(retryAt ?? earliest, earliest)
        }
        let standing = standing([counters[rule]], now: now) ?? standing(counters, now: now)
        return Refusal(rule: rules[rule], retryAt: retryAt, standing: standing)
    }

    /// The rate that is closest to its end, as providers show one.
    private func standing(_ counters: [Counter], now: Int64) -> Standing? {
        counters.compactMap { $0.standing(now: now) }.min { ($0.remaining, -$0.reset) < ($1.remaining, -$1.reset) }
    }

    private func counters(for key: String) -> [Counter] {
        guard hasKeys else { return shared }
        let own = byKey[key] ?? shared
        return rules.indices.map { rules[$0].scope == .key ? own[$0] : shared[$0] }
    }

    /// Changes one counter where it is stored: a log that were shared with a copy would be copied whole.
    private mutating func change(_ place: Int, of key: String, _ body: (inout Counter) -> Void) {
        guard rules[place].scope == .key else { return body(&shared[place]) }
        body(&byKey[key, default: rules.map { Counter($0.bound) }][place])
    }
}

/// What a request costs that the provider's limits refuse. Nothing in flight in any case.
package enum RefusedRequests: String, CaseIterable, Hashable, Sendable {
    /// All or nothing: a refused request leaves no trace.
    case countNowhere = "nowhere"
    /// Each limit counts for itself, so a request that one refuses still uses up the others.
    case countWhereTheyFit = "where_they_fit"
    /// As OpenAI: "unsuccessful requests contribute to your per-minute limit".
    case countEverywhere = "everywhere"
}

enum Verdict: Sendable {
    case accepted(Standing?)
    case refused(Refusal)
}

struct Refusal: Sendable {
    /// The limit that did not allow the request.
    var rule: LimitRule
    /// The first instant at which the same request would be accepted if nothing else came or ended; `nil` where only
    /// limits in flight stand against it.
    var retryAt: Int64?
    var standing: Standing?
}

/// What the provider tells about one of its rates.
struct Standing: Hashable, Sendable {
    var quota: Int
    /// Requests that would still be accepted at this instant.
    var remaining: Int
    /// Nanoseconds until the rate is as if nothing had been sent.
    var reset: Int64
}
