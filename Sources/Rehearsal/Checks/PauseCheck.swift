import Admission

/// Nothing is sent before the instant that the provider named, to what it may have meant: the limits of the refused
/// attempt's model or key where there are such, else the whole upstream. After it sending resumes, not as a herd.
struct PauseCheck {
    private struct Scope: Hashable {
        let limit: Int
        let values: [String]
    }

    private var all = Instant(nanoseconds: .min)
    private var scopes: [Scope: Instant] = [:]
    private var resumed = 0
    /// Scoped pauses that may still hold, so that most sends need not look.
    private var latest = Instant(nanoseconds: .min)
    private var latestSetAt = Instant(nanoseconds: .min)

    static let rampUp = Interval.seconds(1)

    private func scopes(of identity: Identity, _ rules: GateRules) -> [Scope] {
        rules.limits.indices.compactMap { index in
            let limit = rules.limits[index]
            let dimensions = limit.per + limit.match.map(\.dimension)
            guard limit.mode == .enforce, !dimensions.isEmpty, limit.applies(to: identity),
                dimensions.allSatisfy({ $0 == .model || $0 == .credential })
            else { return nil }
            return Scope(limit: index, values: limit.per.map { identity[$0] })
        }
    }

    mutating func pause(_ identity: Identity, until instant: Instant, now: Instant, _ rules: GateRules) {
        let own = scopes(of: identity, rules)
        if own.isEmpty { return pauseAll(until: instant) }
        for scope in own { scopes[scope] = max(scopes[scope] ?? instant, instant) }
        latest = max(latest, instant)
        latestSetAt = now
    }

    mutating func pauseAll(until instant: Instant) {
        guard instant > all else { return }
        (all, resumed) = (instant, 0)
    }

    mutating func sent(
        _ identity: Identity, promisedAt: Instant, now: Instant, _ rules: GateRules
    ) -> String? {
        if now < all { return "sent during a pause" }
        // Nothing tells whoever knows the instant of its departure of a pause that is not everybody's.
        if now < latest, promisedAt >= latestSetAt,
            let until = scopes(of: identity, rules).compactMap({ scopes[$0] }).max(), now < until
        {
            return "sent during a pause of its model or key"
        }
        guard now < all + Self.rampUp else { return nil }
        resumed += 1
        // What was granted before may have waited for a connection meanwhile.
        // A limit of keys is not one of all.
        let common = rules.limits.filter { $0.per.isEmpty && $0.match.isEmpty && $0.keys.isEmpty }
        let slots = common.compactMap(\.terms.inFlight).min() ?? 100
        return resumed > min(slots, 100) + 1 ? "\(resumed) sent within a second after a pause" : nil
    }

    /// Whether nothing is paused and no pause has ended just now.
    func isQuiet(now: Instant) -> Bool { now > max(all, latest) + Self.rampUp + .milliseconds(100) }
}
