import Admission

/// How far what the gate says of a wait is from the wait that comes.
enum EstimateFigures {
    static let waits = FigureGroup(
        name: "estimated waits",
        method:
            "ten tenants come and go; a copy of the gate refuses each tenth ask and says when to come back; the wait "
            + "that the ask itself then has, divided by that",
        measure: { settings in
            let rate = factors(Limit.Terms(rates: [Limit.Rate(600, per: .minutes(1))]), settings)
            let slots = factors(Limit.Terms(inFlight: 8), settings)
            return told("600/min", rate) + told("8 slots", slots)
        })

    private static func told(_ name: String, _ factors: [Double]) -> [Figure] {
        [
            Figure("\(name), p1", percentile(1, of: factors), "×"),
            Figure("\(name), p50", percentile(50, of: factors), "×"),
            Figure("\(name), p99", percentile(99, of: factors), "×"),
            Figure("\(name), asks that were sooner than said", part(factors) { $0 < 0.999 } * 100, "%"),
        ]
    }

    private static func part(_ factors: [Double], where holds: (Double) -> Bool) -> Double {
        Double(factors.count(where: holds)) / Double(max(1, factors.count))
    }

    /// What was said of requests, by their place.
    private final class Sayings {
        var comeBack: [Int: Interval] = [:]
    }

    private static func factors(_ terms: Limit.Terms, _ settings: FigureSettings) -> [Double] {
        let rules = GateRules(
            limits: [Limit(name: "limit", terms: terms)], pacing: .window(.seconds(1)), queue: PacingFigures.patient)
        var full = rules
        full.queue.maxRequestsPerTenant = 1
        let callers = (0..<10).map { index in
            SceneCaller(
                Identity(tenant: "t\(index)"), .steady(every: .milliseconds(500 + 100 * index)),
                hold: .milliseconds(200)...(.seconds(1)), patience: .minutes(10))
        }
        let sayings = Sayings()
        var scene = Scene(rules: rules, callers: callers, counterpart: RatedCounterpart(), seed: settings.seed)
        scene.onlooker = { gate, ask, id, now in
            guard id % 10 == 0 else { return }
            sayings.comeBack[id] = saying(gate, full, ask, now)
        }
        scene.run(for: .minutes(max(2, 20 / settings.haste)))
        return sayings.comeBack.compactMap { id, comeBack in
            let request = scene.requests[id]
            guard request.attempts > 0, comeBack > .milliseconds(1) else { return nil }
            return Double((request.sentAt - request.submittedAt).nanoseconds) / Double(comeBack.nanoseconds)
        }
    }

    /// When a gate that is full would tell an ask to come back: by an ask that has no time at all, or by a queue that
    /// has no room for one more of its tenant.
    private static func saying(_ gate: Gate, _ full: GateRules, _ ask: Ask, _ now: Instant) -> Interval? {
        var hasty = gate
        var ask = ask
        ask.deadline = now
        if case .refused(let refusal) = hasty.submit(ask, now: now) { return refusal.comeBack }
        var crowded = gate
        ask.deadline = .never
        crowded.replace(full, now: now)
        if case .refused(let refusal) = crowded.submit(ask, now: now) { return refusal.comeBack }
        return nil
    }
}
