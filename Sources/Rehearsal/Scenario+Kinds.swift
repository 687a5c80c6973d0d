import Admission

/// The worlds themselves.
extension Author {
    mutating func saturatedRate() -> Scenario {
        let (pacing, quota, rates) = rate()
        let (callers, fairness) = backlog(random.int(5...30))
        let limit = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1))]))
        let rules = GateRules(limits: [limit], pacing: pacing, fairness: fairness)
        var scenario = Scenario(rules: rules, callers: callers, upstream: upstream(rates))
        scenario.promises.throttles = 0
        return scenario
    }

    mutating func saturatedSlots() -> Scenario {
        let slots = random.int(1...8)
        let (callers, fairness) = backlog(slots + random.int(4...20))
        let limit = Limit(name: "slots", terms: Limit.Terms(inFlight: slots))
        let rules = GateRules(limits: [limit], fairness: fairness)
        var scenario = Scenario(rules: rules, callers: callers, upstream: upstream())
        for index in scenario.callers.indices {
            scenario.callers[index].slowReads = random.one(of: [0, 0, 10, 50])
        }
        return scenario
    }

    /// One tenant's answers are much longer than the others', and nobody says so.
    mutating func saturatedTokens() -> Scenario {
        let quota = random.one(of: [60_000, 200_000])
        var (callers, fairness) = backlog(random.int(8...20))
        for index in callers.indices {
            let output = index == 0 ? quota / 200...quota / 100 : quota / 8000...quota / 4000
            callers[index].tokens = Caller.TokenHabit(
                input: 5...20, output: output, claim: random.one(of: [60, 100, 150]))
            callers[index].cancels = 0
        }
        let limit = Limit(
            name: "tokens", terms: Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1), of: .tokens)]))
        let rules = GateRules(limits: [limit], fairness: fairness)
        var upstream = upstream()
        (upstream.tellsUsage, upstream.isLongTailed, upstream.faults.losses) = (100, false, 0)
        return Scenario(rules: rules, callers: callers, upstream: upstream)
    }

    /// What a tenant's attempts usually take says nothing about one priority's: only the correction at the end does.
    mutating func prioritised() -> Scenario {
        let slots = random.int(2...6)
        let (pacing, quota, rates) = rate()
        let isPaced = random.chance(percent: 30)
        let terms =
            isPaced ? Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1))]) : Limit.Terms(inFlight: slots)
        let weights = random.one(of: [FairnessRules.priorityWeights, ["high": 2], [:]])
        let rules = GateRules(
            limits: [Limit(name: "account", terms: terms)], pacing: pacing,
            fairness: FairnessRules(weights: [.priority: weights]))
        let (long, tenants) = (random.one(of: Priority.allCases), random.int(1...2))
        var scenario = Scenario(rules: rules, callers: [], upstream: upstream(isPaced ? rates : []))
        (scenario.upstream.shortest, scenario.upstream.longest) = (.milliseconds(50), .milliseconds(150))
        (scenario.upstream.isLongTailed, scenario.upstream.connects, scenario.upstream.faults.losses) = (false, 0, 0)
        for tenant in 0..<tenants {
            for priority in Priority.allCases {
                let identity = Identity(tenant: "t\(tenant)", priority: priority)
                var caller = Caller(identity, .backlogged(slots + random.int(8...20)))
                caller.jobs = random.one(of: [0, 3])
                (caller.slowReads, caller.slowness) = (priority == long ? 100 : 0, .milliseconds(1500))
                scenario.callers.append(caller)
            }
        }
        scenario.promises.throttles = isPaced ? 0 : nil
        return scenario
    }

    mutating func mixed() -> Scenario {
        let (pacing, quota, rates) = rate()
        let minute = Interval.minutes(1)
        var limits = [
            Limit(
                name: "account",
                terms: Limit.Terms(inFlight: random.int(2...30), rates: [Limit.Rate(quota, per: minute)])),
            Limit(
                name: "tenant", per: [.tenant],
                terms: Limit.Terms(inFlight: random.int(1...6), rates: [Limit.Rate(max(6, quota / 3), per: minute)]),
                overrides: ["t1": Limit.Terms(inFlight: 1), "t2": Limit.Terms(inFlight: 8)]),
            Limit(
                name: "jobs",
                terms: Limit.Terms(distinct: Limit.Distinct(atMost: random.int(1...5), of: [.tenant, .job]))),
            Limit(name: "job", per: [.tenant, .job], terms: Limit.Terms(inFlight: random.int(1...3))),
            Limit(
                name: "model", match: [Limit.Match(.model, [Glob("m*")])],
                terms: Limit.Terms(rates: [
                    Limit.Rate(max(6, quota / 2), per: minute), Limit.Rate(quota * 10, per: .hours(1)),
                ])),
            Limit(name: "key", per: [.credential], terms: Limit.Terms(inFlight: random.int(2...9))),
            Limit(name: "watched", per: [.tenant], terms: Limit.Terms(inFlight: 1), mode: .observe),
        ]
        limits.removeAll { $0.name != "account" && random.chance(percent: 40) }
        let levels: [[Dimension]] = [
            [.tenant, .priority, .job], [.tenant, .priority, .job], [.tenant], [.priority, .tenant], [],
        ]
        let rules = GateRules(
            limits: limits, pacing: pacing, queue: queue(), fairness: FairnessRules(levels: random.one(of: levels)))
        let callers = (0..<random.int(3...10)).map { _ in caller(perMinute: quota / 4) }
        var scenario = Scenario(rules: rules, callers: callers, upstream: upstream(rates))
        scenario.promises.throttles = 0
        return scenario
    }

    mutating func tokens() -> Scenario {
        let quota = random.one(of: [20_000, 100_000])
        let counting = random.one(of: [TokenCounting.usage, .reservedUsage, .reservation])
        let claim = counting == .usage ? random.one(of: [50, 100, 200]) : 100
        let units: [Limit.Unit] = random.one(of: [[.tokens], [.inputTokens, .outputTokens]])
        let limit = Limit(
            name: "tokens",
            terms: Limit.Terms(
                inFlight: random.int(4...20), rates: units.map { Limit.Rate(quota, per: .minutes(1), of: $0) }))
        let rules = GateRules(limits: [limit], queue: queue(), tokenCounting: counting)
        let callers = (0..<random.int(2...6)).map { _ in
            var caller = caller(perMinute: random.int(10...60))
            caller.tokens = Caller.TokenHabit(
                input: 10...quota / 50, output: 1...quota / 100, claim: claim,
                bound: counting == .usage ? random.one(of: [nil, 4]) : random.int(1...5))
            return caller
        }
        var scenario = Scenario(rules: rules, callers: callers, upstream: upstream())
        scenario.upstream.quotas = units.map { unit in
            let phase = random.interval(upTo: .seconds(60))
            let method = random.one(of: [
                RateEnforcement.Method.slidingLog, .tokenBucket(.seconds(60)),
                .fixedWindow(.seconds(60), phase: phase),
            ])
            return ProviderQuota(
                RateEnforcement(method, quota: quota, per: .minutes(1)), of: unit, counting: counting)
        }
        scenario.upstream.throttles = counting == .usage
        scenario.upstream.pace = random.one(of: [nil, Upstream.Pace()])
        scenario.promises.throttles = counting == .usage ? nil : 0
        scenario.promises.judgesTokens = counting != .usage
        return scenario
    }

    mutating func failing() -> Scenario {
        let quota = random.one(of: [60, 300])
        let limit = Limit(
            name: "account",
            terms: Limit.Terms(inFlight: random.int(2...20), rates: [Limit.Rate(quota, per: .minutes(1))]))
        let breakers: [BreakerRules?] = [nil, BreakerRules(ofAtLeast: 1_000_000), BreakerRules()]
        let rules = GateRules(
            limits: [limit], queue: queue(), breaker: random.one(of: breakers),
            adaptive: random.one(of: [nil, AdaptiveRules(min: 1, max: 20)]))
        let callers = (0..<random.int(2...5)).map { _ in caller(perMinute: quota / 2) }
        var upstream = upstream()
        let always = Upstream.Outage(every: length, length: length)
        let often = Upstream.Outage(every: length / 5, length: length / 20)
        upstream.faults = Upstream.Faults(
            overloads: random.one(of: [0, 20, 300]), breaks: random.one(of: [0, 20, 300]),
            losses: random.one(of: [0, 20, 300]), outage: random.one(of: [nil, always, often]))
        return Scenario(rules: rules, callers: callers, upstream: upstream)
    }

    mutating func lying() -> Scenario {
        let (pacing, quota, rates) = rate()
        let limits = [
            Limit(name: "account", terms: Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1))])),
            Limit(
                name: "model", per: [.model],
                terms: Limit.Terms(inFlight: random.int(2...20), rates: [Limit.Rate(quota, per: .minutes(1))])),
        ]
        let rules = GateRules(limits: random.one(of: [[limits[0]], limits]), pacing: pacing, queue: queue())
        let callers = (0..<random.int(2...6)).map { _ in caller(perMinute: quota / 3) }
        var upstream = upstream([random.one(of: rates)])
        for index in upstream.rates.indices { upstream.rates[index].countsRefused = random.chance(percent: 50) }
        upstream.throttles = true
        upstream.retryAfter = .seconds(random.int(1...20))
        upstream.hintless = random.one(of: [0, 30, 100])
        upstream.reduction = Upstream.Reduction(
            at: Upstream.Outage(every: length / 3, length: length / 8), share: random.int(20...90))
        if random.chance(percent: 40) { upstream.ramp = RampLimit(floor: max(2, quota / 4)) }
        return Scenario(rules: rules, callers: callers, upstream: upstream)
    }

    mutating func auto() -> Scenario {
        let quota = random.one(of: [60, 300, 600, 1200])
        let limit = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1))]))
        let rules = GateRules(limits: [limit], pacing: .auto(.seconds(60)), queue: queue())
        let callers = (0..<random.int(2...6)).map { _ in caller(perMinute: quota / 3) }
        let ways = RateEnforcement.all(perMinute: quota, random: &random).filter { $0.method != .slidingCounter }
        var upstream = upstream([random.one(of: ways)])
        (upstream.throttles, upstream.retryAfter) = (true, .seconds(random.int(1...5)))
        // Whoever waits longer for a connection is taken for accepted.
        upstream.connecting = .milliseconds(200)
        var scenario = Scenario(rules: rules, callers: callers, upstream: upstream)
        // Five on a plain way (see the figures). Here making a connection takes up to 200 ms, so that what was let go
        // first may be sent last, and refusals come when the next ones are on their way: eleven in one of 27 worlds.
        scenario.promises.throttles = 15
        return scenario
    }

    mutating func daily() -> Scenario {
        let budget = random.one(of: [50, 400])
        let limit = Limit(
            name: "day",
            terms: Limit.Terms(rates: [Limit.Rate(60, per: .minutes(1)), Limit.Rate(budget, per: .days(1))]))
        let (zone, midnight) = midnight()
        let rules = GateRules(limits: [limit], queue: queue(), dayZone: zone)
        let callers = (0..<3).map { _ in caller(perMinute: 30) }
        // Midnight comes halfway.
        let untilMidnight = length / 2
        let phase = Interval.days(20_000) - untilMidnight - Interval(nanoseconds: Rehearsal.start.nanoseconds)
        let methods: [RateEnforcement.Method] = [
            .fixedWindow(.days(1), phase: phase), .slidingLog,
        ]
        let rates = [
            RateEnforcement(methods[0], quota: budget, per: .days(1)), RateEnforcement(methods[1], perMinute: 60),
        ]
        var scenario = Scenario(rules: rules, callers: callers, upstream: upstream(rates))
        let arrival = Rehearsal.start + untilMidnight
        scenario.wallClock = WallClockOffset(nanoseconds: midnight * 1_000_000_000 - arrival.nanoseconds)
        scenario.promises.throttles = 0
        return scenario
    }

    /// A zone and one of its midnights, in seconds since 1970 UTC; of the Pacific's also those around a change of the
    /// clock, as the tz database has them (America/Los_Angeles, 2026).
    private mutating func midnight() -> (zone: ResetZone, unixSeconds: Int64) {
        guard random.chance(percent: 50) else {
            let offset = random.int(-12...14) * 3600
            return (.fixed(secondsEastOfUTC: offset), 20_000 * 86_400 - Int64(offset))
        }
        // 15 January and July, 8 and 9 March, 1 and 2 November.
        let far: [(Int64, Int64)] = [(20_468, 8), (20_649, 7)]
        let near: [(Int64, Int64)] = [(20_520, 8), (20_521, 7), (20_758, 7), (20_759, 8)]
        // The provider here counts days of 24 hours, from this midnight on and back from it.
        let (day, hour) = random.one(of: length < .hours(20) ? far + near : far)
        return (.pacific, day * 86_400 + hour * 3600)
    }

    mutating func clustered() -> Scenario {
        let quota = random.one(of: [120, 300])
        let limit = Limit(
            name: "account",
            terms: Limit.Terms(
                inFlight: random.int(8...40),
                rates: [Limit.Rate(quota, per: .minutes(1)), Limit.Rate(400_000, per: .minutes(1), of: .tokens)]))
        let rules = GateRules(limits: [limit], pacing: .window(.seconds(1)), queue: queue())
        let callers = (0..<random.int(2...6)).map { index in
            let mean = Interval.minutes(1) / (quota / 4)
            var caller = Caller(Identity(tenant: "t\(index)"), .clustered(mean: mean, variation: 13))
            caller.tokens = Caller.TokenHabit(input: 50...6000, output: 1...150, claim: random.int(50...200))
            caller.deadline = random.one(of: [.forever, .seconds(20)])
            return caller
        }
        var upstream = upstream(RateEnforcement.all(perMinute: quota, random: &random))
        upstream.pace = Upstream.Pace()
        var scenario = Scenario(rules: rules, callers: callers, upstream: upstream)
        scenario.promises.throttles = 0
        return scenario
    }
}
