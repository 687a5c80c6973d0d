import Admission

/// Whether a slot limit is used and never broken, and whether what is scarce is shared as it should be.
enum FairnessFigures {
    static let slots = FigureGroup(
        name: "in flight",
        method: "16 slots under backlog, answers of 0.1 to 1 s",
        measure: { settings in
            let minutes = max(1, 30 / settings.haste)
            let rules = GateRules(
                limits: [Limit(name: "slots", terms: Limit.Terms(inFlight: 16))], queue: PacingFigures.patient)
            let caller = SceneCaller(Identity(), .backlogged(64), hold: .milliseconds(100)...(.seconds(1)))
            var scene = Scene(rules: rules, callers: [caller], counterpart: RatedCounterpart(), seed: settings.seed)
            scene.run(for: .minutes(minutes))
            let capacity = Double(16 * Interval.minutes(minutes).nanoseconds)
            return [
                Figure("peak at the provider, of 16", Double(scene.peak), target: .atMost(16)),
                Figure("use", Double(scene.slotTime) / capacity * 100, "%", target: .atLeast(99.5)),
            ]
        })

    // MARK: Weights

    static let weights = FigureGroup(
        name: "shares of twenty backlogged tenants",
        method: "weights 1 to 4, every fifth with four times longer streams; Jain's index of what each got per weight",
        measure: { settings in
            let byRate = backlogged(slots: 400, perMinute: 600, settings)
            let bySlots = backlogged(slots: 16, perMinute: 30_000, settings)
            return [
                Figure("600/min bind: requests", byRate.requests, target: .atLeast(0.99)),
                Figure("16 slots bind: slot time", bySlots.slotTime, target: .atLeast(0.99)),
            ]
        })

    private static func backlogged(
        slots: Int, perMinute: Int, _ settings: FigureSettings
    ) -> (requests: Double, slotTime: Double) {
        let weights = (0..<20).map { 1 + $0 % 4 }
        let terms = Limit.Terms(inFlight: slots, rates: [Limit.Rate(perMinute, per: .minutes(1))])
        let named = Dictionary(uniqueKeysWithValues: weights.enumerated().map { ("t\($0)", $1) })
        let rules = GateRules(
            limits: [Limit(name: "account", terms: terms)], pacing: .window(.seconds(1)), queue: PacingFigures.patient,
            fairness: FairnessRules(weights: [.tenant: named]))
        let callers = weights.indices.map { index in
            let long = index % 5 == 0 ? 4 : 1
            return SceneCaller(
                Identity(tenant: "t\(index)"), .backlogged(60),
                hold: .milliseconds(500) * long...(.milliseconds(1500) * long))
        }
        var scene = Scene(rules: rules, callers: callers, counterpart: RatedCounterpart(), seed: settings.seed)
        scene.run(for: .minutes(max(4, 60 / settings.haste)))
        var (requests, slotTime) = (weights.map { _ in 0.0 }, weights.map { _ in 0.0 })
        for request in scene.requests where request.outcome == .served {
            requests[request.caller] += 1 / Double(weights[request.caller])
            slotTime[request.caller] += Double(request.held.nanoseconds) / Double(weights[request.caller])
        }
        return (fairness(of: requests), fairness(of: slotTime))
    }

    // MARK: Light tenants

    static let flooded = FigureGroup(
        name: "a light tenant beside one that sends a hundred times as much",
        method: "one request a second beside a hundred; of those sent while it waits, beyond its own backlog",
        measure: { settings in
            let rate = beside(Limit.Terms(rates: [Limit.Rate(600, per: .minutes(1))]), settings)
            let slots = beside(Limit.Terms(inFlight: 8), settings)
            return [
                Figure("600/min, p99", percentile(99, of: rate.overtakes), "sends", target: .atMost(2)),
                Figure("600/min, p99 of the wait", percentile(99, of: rate.waits), "spacings", target: .atMost(2)),
                Figure("8 slots, p99", percentile(99, of: slots.overtakes), "sends", target: .atMost(2)),
            ]
        })

    private static func beside(
        _ terms: Limit.Terms, _ settings: FigureSettings
    ) -> (overtakes: [Double], waits: [Double]) {
        let rules = GateRules(
            limits: [Limit(name: "limit", terms: terms)], pacing: .window(.seconds(1)),
            queue: QueueRules(maxRequests: 1000, maxRequestsPerTenant: 500, timeout: .minutes(1)))
        let hold = Interval.milliseconds(500)...(.milliseconds(1500))
        let callers = [
            SceneCaller(Identity(tenant: "flooder"), .steady(every: .milliseconds(10)), hold: hold),
            SceneCaller(Identity(tenant: "light"), .steady(every: .seconds(1)), hold: hold),
        ]
        var scene = Scene(rules: rules, callers: callers, counterpart: RatedCounterpart(), seed: settings.seed)
        scene.run(for: .minutes(max(2, 30 / settings.haste)))
        let light = scene.requests.filter { $0.caller == 1 && $0.attempts > 0 }
        let spacing = Double(Interval.milliseconds(101).nanoseconds)
        return (
            light.map { Double($0.overtakes - $0.ownAhead) },
            light.map { Double(($0.sentAt - $0.submittedAt).nanoseconds) / spacing - Double($0.ownAhead) }
        )
    }

    // MARK: Priorities

    static let priorities = FigureGroup(
        name: "a low priority beside overloaded higher ones",
        method: "8:4:1, all three backlogged; the low one's part of what it is due",
        measure: { settings in
            let rate = lowShare(Limit.Terms(rates: [Limit.Rate(600, per: .minutes(1))]), settings)
            let slots = lowShare(Limit.Terms(inFlight: 16), settings)
            return [
                Figure("600/min: away from 1/13", rate, "%", target: .atMost(1)),
                Figure("16 slots: away from 1/13", slots, "%", target: .atMost(1)),
            ]
        })

    private static func lowShare(_ terms: Limit.Terms, _ settings: FigureSettings) -> Double {
        let rules = GateRules(
            limits: [Limit(name: "limit", terms: terms)], pacing: .window(.seconds(1)), queue: PacingFigures.patient)
        let callers = Priority.allCases.map { priority in
            SceneCaller(
                Identity(tenant: "t", priority: priority), .backlogged(50),
                hold: .milliseconds(100)...(.milliseconds(300)))
        }
        var scene = Scene(rules: rules, callers: callers, counterpart: RatedCounterpart(), seed: settings.seed)
        scene.run(for: .minutes(max(10, 60 / settings.haste)))
        // Requests where a rate binds, slot time where slots do.
        let amounts = scene.requests.filter { $0.outcome == .served }.map { request in
            (caller: request.caller, amount: terms.inFlight == nil ? 1 : Double(request.held.nanoseconds))
        }
        let low = amounts.reduce(0) { $1.caller == 2 ? $0 + $1.amount : $0 }
        return abs(low * 13 / amounts.reduce(0) { $0 + $1.amount } - 1) * 100
    }
}
