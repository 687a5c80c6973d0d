/// All limits of the provider over all of its callers: who is accepted, who is refused and until when.
///
/// Time is an argument, nanoseconds since the simulator's start, and never runs backwards. A request that is accepted
/// holds one place of every in-flight limit until ``leave(key:model:)``.
///
/// A request is decided when its head has come. Where some limit counts tokens or one model, only the limits in flight
/// are looked at then, and the rest in one step when its body has come: a limit that had counted a request which
/// another refuses later would have to forget it again.
struct Enforcement: Sendable {
    let rules: [LimitRule]
    private let refused: RefusedRequests
    private let hasKeys: Bool
    private let needsBody: Bool
    /// One per rule; those of the rules per key stay fresh and stand for a key that has not been seen yet.
    private var shared: [Counter]
    /// The counters of the rules per key, in the order of ``rules``. Kept for good: the callers of a simulator have
    /// a handful of keys, and a forgotten window would be a violation not seen.
    private var byKey: [String: [Counter]] = [:]

    /// What one rule says to a request.
    private struct Look {
        var place: Int
        /// The request's, in the rule's units; 0: nothing to do with it.
        var amount: Int
        var isClosed: Bool
        /// Units that were taken before.
        var used: Int
    }

    init(rules: [LimitRule], refused: RefusedRequests) {
        self.rules = rules
        self.refused = refused
        shared = rules.map { Counter($0.bound) }
        hasKeys = rules.contains { $0.scope == .key }
        needsBody = rules.contains { $0.needsBody }
    }

    /// Decides over a request whose head has just come and charges what the decision costs; where that needs the body,
    /// an undecided request holds its places in flight and is given to ``decide(key:weight:now:)`` or ``leave(key:model:)``.
    mutating func arrive(key: String, now: Int64) -> Verdict {
        let headOnly = rules.indices.filter { !rules[$0].needsBody }
        guard needsBody else { return decide(headOnly, key: key, weight: Weight(), now: now) }
        let held = heldFromHead
        if held.contains(where: { counter($0, of: key).isClosed(now: now) }) {
            // Nobody looks at the body of a request that is refused at its head.
            return decide(headOnly, key: key, weight: Weight(), now: now)
        }
        for place in held { change(place, of: key) { $0.charge(now: now, accepted: true) } }
        return .undecided
    }

    /// The body has come of a request that was undecided.
    mutating func decide(key: String, weight: Weight, now: Int64) -> Verdict {
        let held = heldFromHead
        let rest = rules.indices.filter { !held.contains($0) && rules[$0].counts(weight) }
        let verdict = decide(rest, key: key, weight: weight, now: now)
        if case .refused = verdict { release(held, of: key) }
        return verdict
    }

    /// A request that had been accepted is over, or one that was undecided has gone.
    ///
    /// - Parameter model: what it was accepted with; `nil` for one that was undecided.
    mutating func leave(key: String, model: String?) {
        release(rules.indices.filter { rules[$0].model == nil || rules[$0].model == model }, of: key)
    }

    private var heldFromHead: [Int] {
        rules.indices.filter { rules[$0].bound.isInFlight && !rules[$0].needsBody }
    }

    /// All or nothing over the rules at these places.
    private mutating func decide(_ places: [Int], key: String, weight: Weight, now: Int64) -> Verdict {
        let looks = places.map { look(at: $0, key: key, weight: weight, now: now) }
        let accepted = !looks.contains { $0.isClosed }
        for look in looks where look.amount > 0 {
            let charged =
                switch refused {
                case _ where accepted: true
                case .countNowhere: false
                case .countWhereTheyFit: !look.isClosed
                case .countEverywhere: true
                }
            if charged { change(look.place, of: key) { $0.charge(look.amount, now: now, accepted: accepted) } }
        }
        if accepted { return .accepted(standings(looks, key: key, now: now)) }
        var refusal = self.refusal(looks, key: key, now: now)
        refusal.model = weight.model
        return .refused(refusal)
    }

    private func look(at place: Int, key: String, weight: Weight, now: Int64) -> Look {
        let counter = self.counter(place, of: key)
        let amount = weight.amount(in: rules[place].bound)
        guard amount > 0, counter.isClosed(for: amount, now: now) else {
            return Look(place: place, amount: amount, isClosed: false, used: 0)
        }
        let used = counter.standing(now: now).map { max(0, $0.quota - $0.remaining) } ?? counter.most
        return Look(place: place, amount: amount, isClosed: true, used: used)
    }

    /// The rule that keeps the request away longest gives its name, one that never allows it before all; a limit in
    /// flight only where no rate does, because nobody knows when a place falls free.
    private func refusal(_ looks: [Look], key: String, now: Int64) -> Refusal {
        // Also a rule that allowed this request may have been closed by its charge.
        let opens = looks.map { look in
            look.amount == 0 ? now : counter(look.place, of: key).earliest(for: look.amount, now: now) ?? now
        }
        let impossible = looks.first { $0.isClosed && $0.amount > counter($0.place, of: key).most }
        let named = impossible ?? longest(looks, opens)
        let culprit = counter(named.place, of: key)
        var shown = standings(looks, key: key, now: now)
        if let standing = culprit.standing(now: now) { shown.show(standing, of: rules[named.place].bound) }
        let latest = opens.max() ?? now
        return Refusal(
            rule: rules[named.place], retryAt: impossible == nil && latest > now ? latest : nil, standings: shown,
            requested: named.amount, used: named.used, most: culprit.most)
    }

    /// Of the closed rules the first of those that open last.
    private func longest(_ looks: [Look], _ opens: [Int64]) -> Look {
        let closed = looks.indices.filter { looks[$0].isClosed }
        return looks[closed.reduce(closed[0]) { opens[$1] > opens[$0] ? $1 : $0 }]
    }

    private func standings(_ looks: [Look], key: String, now: Int64) -> Standings {
        looks.reduce(into: Standings()) { standings, look in
            guard let standing = counter(look.place, of: key).standing(now: now) else { return }
            standings.add(standing, of: rules[look.place].bound)
        }
    }

    private func counter(_ place: Int, of key: String) -> Counter {
        hasKeys && rules[place].scope == .key ? byKey[key]?[place] ?? shared[place] : shared[place]
    }

    private mutating func release(_ places: [Int], of key: String) {
        for place in places { change(place, of: key) { $0.release() } }
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
