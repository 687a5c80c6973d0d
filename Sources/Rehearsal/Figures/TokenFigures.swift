import Admission

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Whether a limit of tokens holds where nobody knows beforehand how many a request will take.
enum TokenFigures {
    static let bursts = FigureGroup(
        name: "tokens",
        method:
            "1 000 000 a minute, half as much again asked for, in bursts (coefficient of variation 13); counted over "
            + "any 60 s after ten minutes; input guessed a fifth too high, give or take 15 %",
        measure: { settings in TokenCount.Method.allCases.flatMap { counted($0, settings) } })

    private static let limit = 1_000_000

    private static func counted(_ method: TokenCount.Method, _ settings: FigureSettings) -> [Figure] {
        let minutes = max(15, 60 / settings.haste)
        let sizes = sizes(settings)
        let rules = GateRules(
            limits: [
                Limit(name: "tokens", terms: Limit.Terms(rates: [Limit.Rate(limit, per: .minutes(1), of: .tokens)]))
            ],
            pacing: .auto(.minutes(1)), queue: PacingFigures.patient, tokenCounting: method.counting)
        // What counts against the limit is more than what is used where the whole bound is held.
        let mean = sizes.reduce(0) { $0 + $1.used.total } / sizes.count
        let gap = Interval.minutes(1) * mean / (limit * 3 / 2)
        var caller = SceneCaller(
            Identity(model: "model"), .script(arrivals(mean: gap, minutes: minutes, seed: settings.seed)),
            hold: .milliseconds(500)...(.seconds(8)))
        caller.sizes = sizes
        let settled = Rehearsal.start + .minutes(10)
        var scene = Scene(
            rules: rules, callers: [caller], counterpart: TokenCount(method, limit: limit, countsFrom: settled),
            seed: settings.seed)
        scene.run(for: .minutes(minutes))
        let count = scene.counterpart
        let use = Double(count.sum) / Double(limit * (minutes - 10))
        let isJudged = method == .atArrival
        return [
            Figure(
                "\(method.rawValue): fullest minute", Double(count.peak) / Double(limit) * 100, "%",
                target: isJudged ? .atMost(100) : .none),
            Figure("\(method.rawValue): use", use * 100, "%", target: isJudged ? .atLeast(95) : .none),
        ]
    }

    /// Bursts of near eighty-five, exponential pauses: a coefficient of variation of 13 follows from `2/q - 1 = 13²`
    /// where one gap in `1/q` is a pause and the others are next to nothing.
    private static func arrivals(mean: Interval, minutes: Int, seed: UInt64) -> [Instant] {
        var random = SplitMix64(seed: seed)
        var instants: [Instant] = []
        var at = Rehearsal.start
        let end = at + .minutes(minutes)
        while at < end {
            instants.append(at)
            let isPause = Int.random(in: 0..<85, using: &random) == 0
            let drawn = -log(Double.random(in: 1e-9...1, using: &random))
            let scale = isPause ? 85.0 : 0.001
            at = at + Interval(nanoseconds: Int64(Double(mean.nanoseconds) * scale * drawn))
        }
        return instants
    }

    /// Recorded sizes, or such as are drawn from lognormal distributions with medians of 1 000 and 120.
    private static func sizes(_ settings: FigureSettings) -> [SceneSize] {
        var random = SplitMix64(seed: settings.seed &+ 1)
        var used = settings.sizes
        while settings.sizes.isEmpty, used.count < 10_000 {
            used.append(
                Tokens(
                    input: lognormal(median: 1000, spread: 0.9, &random),
                    output: lognormal(median: 120, spread: 1.1, &random)))
        }
        return used.map { tokens in
            let guess = tokens.input * 12 * Int.random(in: 85...115, using: &random) / 1000
            // A power of two that holds the answer, as applications set it.
            var bound = 1024
            while bound < tokens.output { bound *= 2 }
            return SceneSize(claim: TokenClaim(input: guess, outputBound: bound), used: tokens)
        }
    }

    private static func lognormal(median: Double, spread: Double, _ random: inout SplitMix64) -> Int {
        // The sum of twelve even draws is near enough to a normal distribution.
        let normal = (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0...1, using: &random) }
        return max(1, Int(median * exp(spread * normal)))
    }
}
