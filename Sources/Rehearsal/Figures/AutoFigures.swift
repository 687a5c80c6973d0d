import Admission

/// Whether `pacing: auto` finds out how finely a provider enforces a rate, and what that costs.
enum AutoFigures {
    static let learning = FigureGroup(
        name: "pacing: auto",
        method: "a saturated limit against each way of counting alone, which answers 429 with a hint of 1 s",
        measure: { settings in
            [60, 120, 600, 3000, 30_000].flatMap { learned($0, settings) }
        })

    private struct Course {
        var most = 0
        var late = 0
        var use = 1.0
        var errors = 0
    }

    private static func learned(_ quota: Int, _ settings: FigureSettings) -> [Figure] {
        var course = Course()
        var random = SplitMix64(seed: settings.seed)
        for enforcement in RateEnforcement.all(perMinute: quota, random: &random) {
            follow(enforcement, quota, settings, &course)
        }
        let least = quota <= 60 ? 98.3 : 99
        return [
            Figure("\(quota)/min, provider 429 until found", Double(course.most), target: .atMost(5)),
            Figure("\(quota)/min, provider 429 afterwards", Double(course.late), target: .atMost(0)),
            Figure("\(quota)/min, use afterwards", course.use * 100, "%", target: .atLeast(least)),
            Figure("\(quota)/min, errors at callers", Double(course.errors), target: .atMost(0)),
        ]
    }

    /// Three minutes to find out in, then as many as count.
    private static func follow(
        _ enforcement: RateEnforcement, _ quota: Int, _ settings: FigureSettings, _ course: inout Course
    ) {
        let minutes = max(2, min(10, 36_000 / quota) / settings.haste)
        var scene = Scene(
            rules: PacingFigures.rules(quota, .auto(.minutes(1))),
            callers: [SceneCaller(Identity(), .backlogged(max(10, quota / 60)))],
            counterpart: RatedCounterpart([enforcement], hint: .seconds(1)), seed: settings.seed)
        scene.run(for: .minutes(3))
        let (early, before) = (scene.throttled, scene.attempts)
        scene.run(for: .minutes(minutes))
        course.most = max(course.most, early)
        course.late += scene.throttled - early
        course.use = min(course.use, Double(scene.attempts - before) / Double(quota * minutes))
        course.errors += scene.requests.count { $0.outcome != nil && $0.outcome != .served }
    }

    static let burst = FigureGroup(
        name: "a burst of a quarter of the limit, from rest",
        method:
            "600/min; a quarter of the enforced window's part at once, after two idle windows; `auto` after three such "
            + "bursts, after which it knows",
        measure: { settings in
            let idle: [(String, Pacing, Int)] = [
                ("even, 2 at once", .window(.seconds(1)), 2), ("10 s, 25 at once", .window(.seconds(10)), 25),
                ("60 s, 150 at once", .window(.minutes(1)), 150),
            ]
            let known = idle.map { name, pacing, count in
                Figure("\(name), longest wait", wait([.slidingLog], pacing, count, settings), "ms", target: .atMost(0))
            }
            let coarse: [RateEnforcement.Method] = [
                .slidingLog, .slidingCounter, .tokenBucket(.minutes(1)), .fixedWindow(.minutes(1), phase: .seconds(17)),
            ]
            return known + [
                Figure(
                    "auto, 150 at once, longest wait", wait(coarse, .auto(.minutes(1)), 150, settings), "ms",
                    target: .atMost(0)),
                Figure("auto, the first time", wait(coarse, .auto(.minutes(1)), 150, settings, uses: 0), "ms"),
            ]
        })

    /// The longest wait of the last burst, in milliseconds, over some ways of counting.
    private static func wait(
        _ methods: [RateEnforcement.Method], _ pacing: Pacing, _ count: Int, _ settings: FigureSettings, uses: Int = 3
    ) -> Double {
        methods.map { method in
            let instants = (0...uses).flatMap { use in
                Array(repeating: Rehearsal.start + .minutes(3) * use, count: count)
            }
            var scene = Scene(
                rules: PacingFigures.rules(600, pacing), callers: [SceneCaller(Identity(), .script(instants))],
                counterpart: RatedCounterpart([RateEnforcement(method, perMinute: 600)], hint: .seconds(1)),
                seed: settings.seed)
            scene.run(for: .minutes(3) * (uses + 1))
            let last = scene.requests.suffix(count)
            return last.map { Double(($0.sentAt - $0.submittedAt).nanoseconds) / 1e6 }.max() ?? 0
        }.max() ?? 0
    }
}
