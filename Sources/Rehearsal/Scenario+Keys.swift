import Admission

extension Author {
    /// Several keys with rates, slots or both, to share which everybody wants more than there is. The provider counts
    /// each key for itself; some are turned away for a while.
    mutating func keyed() -> Scenario {
        let count = random.int(2...5)
        var (pacing, _, _) = rate()
        if case .burst = pacing { pacing = .window(.seconds(60)) }
        var limits: [Limit] = []
        var accounts: [KeyAccount] = []
        for key in 0..<count {
            let quota = random.one(of: [60, 120, 300, 600])
            let slots = random.one(of: [nil, nil, random.int(2...20)])
            let terms = Limit.Terms(inFlight: slots, rates: [Limit.Rate(quota, per: .minutes(1))])
            limits.append(Limit(name: "k\(key)/own", terms: terms, keys: [key]))
            accounts.append(KeyAccount(rates: enforcements(quota, pacing)))
        }
        if random.chance(percent: 30) {
            let most = random.int(3...40)
            limits.insert(Limit(name: "all", terms: Limit.Terms(inFlight: most)), at: 0)
        }
        if random.chance(percent: 30) {
            let large = [Limit.Match(.model, [Glob("m1")])]
            limits.append(Limit(name: "k0/large", match: large, terms: Limit.Terms(inFlight: 2), keys: [0]))
        }
        if random.chance(percent: 40) {
            accounts[0].isRefused = Upstream.Outage(every: length / 3, length: length / 10)
        }
        let keys = (0..<count).map { "k\($0)" }
        let rules = GateRules(limits: limits, pacing: pacing, queue: queue(), keys: keys)
        let callers = (0..<random.int(2...6)).map { _ in caller(perMinute: 400) }
        var scenario = Scenario(rules: rules, callers: callers, upstream: upstream())
        scenario.upstream.keys = accounts
        scenario.promises.throttles = 0
        return scenario
    }

    /// The ways of counting that may not find a quota broken that is spread so.
    private mutating func enforcements(_ quota: Int, _ pacing: Pacing) -> [RateEnforcement] {
        let (minute, ten) = (random.interval(upTo: .seconds(60)), random.interval(upTo: .seconds(10)))
        if pacing == .window(.seconds(1)) { return RateEnforcement.all(perMinute: quota, random: &random) }
        var methods: [RateEnforcement.Method] = [
            .slidingLog, .tokenBucket(.seconds(60)), .fixedWindow(.seconds(60), phase: minute),
        ]
        if pacing == .window(.seconds(10)) {
            methods += [.tokenBucket(.seconds(10)), .fixedWindow(.seconds(10), phase: ten)]
        }
        return methods.map { RateEnforcement($0, perMinute: quota) }
    }
}
