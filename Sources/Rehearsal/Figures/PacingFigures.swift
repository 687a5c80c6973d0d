import Admission

/// How much of a rate is used, and whether the provider ever finds it broken.
enum PacingFigures {
    static let even = FigureGroup(
        name: "pacing: even",
        method: "a saturated limit, seven ways of counting at once, jitter 1, 5 and 10 ms",
        measure: { settings in
            let quotas = [60, 120, 300, 600, 3000, 6000, 30_000]
            return quotas.flatMap { saturated($0, .window(.seconds(1)), settings) }
        })

    private static let jitters: [Interval] = [.milliseconds(1), .milliseconds(5), .milliseconds(10)]

    private static func saturated(_ quota: Int, _ pacing: Pacing, _ settings: FigureSettings) -> [Figure] {
        let minutes = max(2, min(20, 36_000 / quota) / settings.haste)
        var (violations, use) = (0, 1.0)
        for jitter in jitters {
            var random = SplitMix64(seed: settings.seed)
            let counterpart = RatedCounterpart(RateEnforcement.all(perMinute: quota, random: &random))
            var scene = Scene(
                rules: rules(quota, pacing), callers: [SceneCaller(Identity(), .backlogged(max(10, quota / 60)))],
                counterpart: counterpart, way: SceneWay(jitter: jitter), seed: settings.seed)
            scene.run(for: .minutes(minutes))
            violations += scene.counterpart.violations.count
            use = min(use, Double(scene.attempts) / Double(quota * minutes))
        }
        let least = quota <= 60 ? 98.3 : 99
        return [
            Figure("\(quota)/min, provider 429", Double(violations), target: .atMost(0)),
            Figure("\(quota)/min, use", use * 100, "%", target: .atLeast(least)),
        ]
    }

    static func rules(_ quota: Int, _ pacing: Pacing) -> GateRules {
        let limit = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1))]))
        return GateRules(limits: [limit], pacing: pacing, queue: Self.patient)
    }

    /// Nobody is refused, so that what is measured is the gate's pace.
    static let patient = QueueRules(maxRequests: 1_000_000, maxRequestsPerTenant: 1_000_000, timeout: .hours(100))
}
