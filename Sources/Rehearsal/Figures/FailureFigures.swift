import Admission

/// What a provider that fails, is away or asks for a rest costs it and the callers.
enum FailureFigures {
    private static let limit = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(600, per: .minutes(1))]))

    /// Fails in one way or the other until an instant.
    private struct Failing: SceneCounterpart {
        let from: Instant
        let until: Instant
        let replies: [SceneReply]
        var failures = 0

        mutating func receive(
            request: Int, _ identity: Identity, _ size: SceneSize?, at instant: Instant
        ) -> SceneReply {
            guard instant >= from, instant < until else { return .answered }
            failures += 1
            return replies[failures % replies.count]
        }
    }

    // MARK: Total failure

    static let totalFailure = FigureGroup(
        name: "a provider that fails everything for ten minutes",
        method: "600 a minute, 503 to all, budget 10 %; upstream attempts per request",
        measure: { settings in
            [
                Figure("without breaker", amplification(breaker: nil, settings), target: .atMost(1.10)),
                Figure("with breaker", amplification(breaker: BreakerRules(), settings), target: .atMost(1.10)),
            ]
        })

    private static func amplification(breaker: BreakerRules?, _ settings: FigureSettings) -> Double {
        let rules = GateRules(limits: [], pacing: .window(.seconds(1)), breaker: breaker)
        let caller = SceneCaller(Identity(), .steady(every: .milliseconds(100)))
        let counterpart = Failing(from: Rehearsal.start, until: .never, replies: [.overloaded])
        var scene = Scene(rules: rules, callers: [caller], counterpart: counterpart, seed: settings.seed)
        scene.run(for: .minutes(10))
        return Double(scene.attempts) / Double(max(1, scene.requests.count))
    }

    // MARK: Retry-After

    static let sharedPause = FigureGroup(
        name: "after a shared Retry-After",
        method: "429 with 10 s to one of many, at 600/min or eight slots, a hundred waiting",
        measure: { settings in
            let rate = paused([limit], settings)
            let slots = paused([Limit(name: "slots", terms: Limit.Terms(inFlight: 8))], settings)
            return [
                Figure("600/min: sends before its end", Double(rate.early), target: .atMost(0)),
                Figure("600/min: sends in one slot after it", Double(rate.most), target: .atMost(1)),
                Figure("8 slots: sends before its end", Double(slots.early), target: .atMost(0)),
                Figure("8 slots: sends in one slot after it", Double(slots.most), target: .atMost(1)),
            ]
        })

    /// Refuses one attempt and answers the others.
    private struct Resting: SceneCounterpart {
        var left = 20
        var refusedAt = Instant.never
        var arrivals: [Instant] = []

        mutating func receive(
            request: Int, _ identity: Identity, _ size: SceneSize?, at instant: Instant
        ) -> SceneReply {
            arrivals.append(instant)
            left -= 1
            guard left == 0 else { return .answered }
            refusedAt = instant
            return .throttled(.seconds(10))
        }
    }

    /// Sends during the pause, and the most sends in any slot of the first two seconds after it: a spacing of the rate,
    /// or the eighth of a second that sends are apart where only slots are limited.
    private static func paused(_ limits: [Limit], _ settings: FigureSettings) -> (early: Int, most: Int) {
        let rules = GateRules(limits: limits, pacing: .window(.seconds(1)), queue: PacingFigures.patient)
        var scene = Scene(
            rules: rules,
            callers: [SceneCaller(Identity(), .backlogged(100), hold: .milliseconds(300)...(.milliseconds(900)))],
            counterpart: Resting(), way: SceneWay(delay: .milliseconds(15), jitter: .zero), seed: settings.seed)
        scene.run(for: .seconds(30))
        // The gate knows of it 5 ms after the refusal, and what is then on its way can't be called back.
        let known = scene.counterpart.refusedAt + .milliseconds(5)
        let arrivals = scene.counterpart.arrivals.map { $0 - Interval.milliseconds(15) }
        let end = known + .seconds(10)
        let slot = limits[0].terms.rates.isEmpty ? Interval.seconds(1) / 8 : .milliseconds(100)
        let after = arrivals.filter {
            $0 >= end && $0 < end + (limits[0].terms.rates.isEmpty ? .seconds(1) : .seconds(2))
        }
        let most = after.map { first in after.count { $0 >= first && $0 < first + slot } }.max() ?? 0
        return (arrivals.count { $0 > known && $0 < end }, most)
    }

    // MARK: Outage

    static let outage = FigureGroup(
        name: "an outage of 30 s",
        method: "400 requests a minute with ten minutes' patience, breaker with its defaults, answers of 0.2 to 2 s",
        measure: { settings in
            [
                ("no connection", [SceneReply.unreachable]), ("503", [.overloaded]),
                ("either", [.unreachable, .overloaded]),
            ].flatMap { name, replies in survived(name, replies, settings) }
        })

    private static func survived(_ name: String, _ replies: [SceneReply], _ settings: FigureSettings) -> [Figure] {
        var (errors, failures) = (0, 0)
        for offset in 0..<10 {
            let from = Rehearsal.start + .seconds(60) + .milliseconds(700) * offset
            let rules = GateRules(
                limits: [limit], pacing: .window(.seconds(1)),
                queue: QueueRules(maxRequests: 1000, maxRequestsPerTenant: 500, timeout: .minutes(10)),
                breaker: BreakerRules())
            var scene = Scene(
                rules: rules,
                callers: [
                    SceneCaller(
                        Identity(), .steady(every: .milliseconds(150)), hold: .milliseconds(200)...(.seconds(2)),
                        patience: .minutes(10))
                ],
                counterpart: Failing(from: from, until: from + .seconds(30), replies: replies),
                seed: settings.seed + UInt64(offset))
            scene.run(for: .minutes(5))
            errors += scene.requests.count { $0.outcome != nil && $0.outcome != .served }
            failures = max(failures, scene.counterpart.failures)
        }
        return [
            Figure("\(name): errors at callers, ten outages", Double(errors), target: .atMost(0)),
            Figure("\(name): failed attempts, at most", Double(failures)),
        ]
    }
}
