@testable import Admission

/// The rules by which keys are chosen, restated with full scans.
struct NaiveKeys {
    struct Key {
        var pause = Pause()
        var suspension = KeySuspension()
        var lastUse = 0
    }

    var keys: [Key]
    var uses = 0
    /// Of limits that hold for one kind of request.
    var pauses: [Int: Pause] = [:]

    init(_ rules: GateRules) { keys = rules.keys.map { _ in Key() } }

    func isExhausted(_ now: Instant) -> Bool { keys.allSatisfy { $0.suspension.opening(now: now) > now } }
}

extension NaiveGate {
    /// The limits that an attempt with a key is counted in for the key.
    func keyLimits(_ identity: Identity, _ key: Int) -> [Int] {
        rules.limits.indices.filter { rules.limits[$0].keys.contains(key) && rules.limits[$0].applies(to: identity) }
    }

    private func inFlight(ofLimit limit: Int) -> Int { inFlight(in: CellKey(limit: limit, values: [])) }

    func keyOpening(_ identity: Identity, _ key: Int, from instant: Instant) -> Instant {
        var latest = ring.keys[key].pause.opening(now: instant)
        if !ring.isExhausted(now) { latest = max(latest, ring.keys[key].suspension.opening(now: instant)) }
        for index in keyLimits(identity, key) {
            if let slots = rules.limits[index].terms.inFlight, inFlight(ofLimit: index) >= slots { return .never }
            latest = max(latest, ring.pauses[index, default: Pause()].opening(now: instant))
            for rate in rates[CellKey(limit: index, values: [])] ?? [] { latest = max(latest, rate.opening) }
        }
        return latest
    }

    /// When any key lets one more go.
    func keyOpening(_ identity: Identity) -> Instant {
        ring.keys.indices.map { keyOpening(identity, $0, from: now) }.min() ?? now
    }

    private func load(_ identity: Identity, _ key: Int) -> Int {
        keyLimits(identity, key).flatMap { index in
            let slots = rules.limits[index].terms.inFlight.map { inFlight(ofLimit: index) * 1_000_000 / $0 }
            let used = (rates[CellKey(limit: index, values: [])] ?? []).map { rate in
                rate.sends.filter { $0 > now - rate.window }.count * 1_000_000 / rate.quota
            }
            return used + [slots ?? 0]
        }.max() ?? 0
    }

    /// The key that lets one go first, and when; ties by load, attempts under way and last use.
    func nextKey(_ identity: Identity, from instant: Instant) -> (key: Int, opening: Instant) {
        let ranked = ring.keys.indices.map { key in
            let own = attempts.filter { $0.key == key }.count
            return (
                keyOpening(identity, key, from: instant).nanoseconds, load(identity, key), own, ring.keys[key].lastUse,
                key
            )
        }
        let best = ranked.min { $0 < $1 } ?? (0, 0, 0, 0, 0)
        return (best.4, Instant(nanoseconds: best.0))
    }

    mutating func useKey(_ key: Int, isAgain: Bool = false) {
        if !isAgain {
            ring.uses += 1
            ring.keys[key].lastUse = ring.uses
        }
        ring.keys[key].suspension.sent(now: now)
    }

    /// What all keys allow together, as the time that one attempt takes of it.
    func keyCost(_ identity: Identity, hold: Interval) -> Interval {
        guard !ring.keys.isEmpty else { return .zero }
        let slots = together(identity) { $0.inFlight }.map { hold / $0 } ?? .zero
        let hourly = together(identity) { terms in
            terms.rates.filter { $0.window < .days(1) }.map {
                max(1, $0.quota * 3600 / $0.window.secondsRoundedUp)
            }.min()
        }
        return max(slots, hourly.map { .hours(1) / $0 } ?? .zero)
    }

    /// The sum of the keys' tightest bounds, where each has one; a limit that several share counts once.
    private func together(_ identity: Identity, _ bound: (Limit.Terms) -> Int?) -> Int? {
        var counted: [Int: Int] = [:]
        for key in ring.keys.indices {
            let bounds = keyLimits(identity, key).compactMap { index in
                bound(rules.limits[index].terms).map { (bound: $0, limit: index) }
            }
            guard let tightest = bounds.min(by: { $0 < $1 }) else { return nil }
            counted[tightest.limit] = tightest.bound
        }
        return counted.values.reduce(0, +)
    }

    // MARK: Events

    mutating func pauseKey(of id: Int, until instant: Instant) {
        guard let attempt = attempts.first(where: { $0.id == id }), attempt.key >= 0 else { return }
        let limits = keyLimits(attempt.identity, attempt.key)
        let own = limits.filter { !rules.limits[$0].match.isEmpty }
        for index in own {
            ring.pauses[index, default: Pause()].set(until: instant, slots: rules.limits[index].terms.inFlight ?? .max)
            forgoBurst(index, until: instant)
        }
        if own.isEmpty, instant > max(now, ring.keys[attempt.key].pause.until) {
            let slots = limits.compactMap { rules.limits[$0].terms.inFlight }.min() ?? .max
            ring.keys[attempt.key].pause.set(until: instant, slots: slots)
            for index in limits { forgoBurst(index, until: instant) }
        }
        dispatch()
    }

    private mutating func forgoBurst(_ limit: Int, until instant: Instant) {
        let key = CellKey(limit: limit, values: [])
        let terms = rules.limits[limit].terms
        var list = rates[key] ?? terms.rates.map { NaiveRate($0, pacing: rules.pacing, jitter: jitter) }
        for place in list.indices { list[place].forgoBurst(until: instant) }
        rates[key] = list
    }

    mutating func refuseKey(of id: Int, _ fault: KeyFault) -> Bool {
        guard let attempt = attempts.first(where: { $0.id == id }), attempt.key >= 0 else { return false }
        ring.keys[attempt.key].suspension.refused(fault, takenAt: attempt.keyTakenAt, now: now)
        dispatch()
        return ring.keys.indices.contains { $0 != attempt.key && ring.keys[$0].suspension.opening(now: now) <= now }
    }
}
