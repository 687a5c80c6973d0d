import Admission

extension Scenario {
    /// What a world is about.
    package enum Kind: String, CaseIterable, Sendable {
        /// Everybody wants more than a rate, or more than some slots; shares and use are exact.
        case saturatedRate, saturatedSlots, saturatedTokens
        /// Every tenant wants more in each of its priorities, and the answers of one priority are much longer.
        case prioritised
        /// Many limits, many habits.
        case mixed
        /// Limits in tokens, counted in one of three ways.
        case tokens
        /// Failures, outages, lost messages.
        case failing
        /// The provider grants less than was said, for a while or to whoever grows too fast.
        case lying
        /// How finely the provider counts has to be found out.
        case auto
        /// Budgets of a calendar day, whose midnight comes.
        case daily
        /// A code assistant's clusters.
        case clustered
        /// Several keys, each with limits of its own, some of which are turned away for a while.
        case keyed
    }

    /// The world of a seed: its rules, callers and provider, to run for so long.
    package static func random(seed: UInt64, for length: Interval) -> Scenario {
        var author = Author(seed: seed, length: length)
        let kind = Kind.allCases[Int(seed % UInt64(Kind.allCases.count))]
        var scenario = author.scenario(kind)
        scenario.kind = kind
        author.addIncidents(to: &scenario)
        return scenario
    }
}

extension Rehearsal {
    /// What is seen of the world of a seed. The same seed and length give the same course of events.
    package static func run(seed: UInt64, for length: Interval) -> Findings {
        var rehearsal = Rehearsal(Scenario.random(seed: seed, for: length), seed: seed)
        rehearsal.run(for: length)
        return rehearsal.findings
    }
}

/// What is seen of the world of a seed in so many hours.
package func rehearse(seed: UInt64, hours: Int) -> Findings {
    Rehearsal.run(seed: seed, for: .hours(hours))
}

/// Writes scenarios.
struct Author {
    var random: SplitMix64
    let length: Interval

    init(seed: UInt64, length: Interval) {
        // Not the numbers that the world itself draws.
        random = SplitMix64(seed: seed &* 0x2545_F491_4F6C_DD1D &+ 1)
        self.length = length
    }

    mutating func scenario(_ kind: Scenario.Kind) -> Scenario {
        switch kind {
        case .saturatedRate: saturatedRate()
        case .saturatedSlots: saturatedSlots()
        case .saturatedTokens: saturatedTokens()
        case .prioritised: prioritised()
        case .mixed: mixed()
        case .tokens: tokens()
        case .failing: failing()
        case .lying: lying()
        case .auto: auto()
        case .daily: daily()
        case .clustered: clustered()
        case .keyed: keyed()
        }
    }

    // MARK: Parts

    /// A pacing, a quota that can be paced so, and the ways of counting that may not find it broken.
    mutating func rate() -> (pacing: Pacing, quota: Int, rates: [RateEnforcement]) {
        switch random.int(0...3) {
        case 0:
            let quota = random.one(of: [30, 100, 250, 500])
            return (.burst, quota, coarse(quota))
        case 1:
            let quota = random.one(of: [60, 100, 300, 500])
            return (.window(.seconds(60)), quota, coarse(quota))
        case 2:
            let quota = random.one(of: [60, 300, 600])
            let phase = random.interval(upTo: .seconds(10))
            let tens: [RateEnforcement.Method] = [.tokenBucket(.seconds(10)), .fixedWindow(.seconds(10), phase: phase)]
            return (
                .window(.seconds(10)), quota, coarse(quota) + tens.map { RateEnforcement($0, perMinute: quota) }
            )
        default:
            let quota = random.one(of: [60, 120, 300, 600, 1200])
            return (.window(.seconds(1)), quota, RateEnforcement.all(perMinute: quota, random: &random))
        }
    }

    /// The ways that count whole minutes and nothing else.
    private mutating func coarse(_ quota: Int) -> [RateEnforcement] {
        let phase = random.interval(upTo: .seconds(60))
        let methods: [RateEnforcement.Method] = [
            .slidingLog, .tokenBucket(.seconds(60)), .fixedWindow(.seconds(60), phase: phase),
        ]
        return methods.map { RateEnforcement($0, perMinute: quota) }
    }

    mutating func upstream(_ rates: [RateEnforcement] = []) -> Upstream {
        let shortest = Interval.milliseconds(random.int(50...800))
        var upstream = Upstream(
            rates: rates, delay: .milliseconds(random.int(1...60)),
            jitter: .milliseconds(random.one(of: [1, 5, 10, 50])), shortest: shortest,
            longest: shortest * random.int(1...8))
        upstream.isLongTailed = random.chance(percent: 25)
        if random.chance(percent: 50) {
            upstream.connects = random.one(of: [5, 30, 100])
            upstream.unconnected = random.one(of: [0, 20, 200])
        }
        if random.chance(percent: 30) { upstream.faults.losses = random.int(1...20) }
        upstream.tellsUsage = random.one(of: [100, 100, 80])
        upstream.tellsUsageEarly = random.one(of: [0, 50])
        return upstream
    }

    /// Tenants that always want more, and the weights they have.
    mutating func backlog(_ count: Int) -> (callers: [Caller], fairness: FairnessRules) {
        let tenants = (0..<random.int(2...5)).map { "t\($0)" }
        let weights = Dictionary(uniqueKeysWithValues: tenants.map { ($0, random.int(1...4)) })
        let callers = tenants.map { tenant in
            var caller = Caller(Identity(tenant: tenant), .backlogged(count), cancels: random.one(of: [0, 0, 5]))
            if random.chance(percent: 30) { caller.jobs = 3 }
            if random.chance(percent: 30) { caller.priorities = Priority.allCases }
            return caller
        }
        var all = FairnessRules().weights
        all[.tenant] = weights
        return (callers, FairnessRules(weights: all))
    }

    /// Somebody among several, with some habit that wants about so many requests a minute.
    mutating func caller(perMinute: Int) -> Caller {
        let mean = Interval.minutes(1) / max(1, perMinute)
        let habits: [Caller.Habit] = [
            .backlogged(random.int(1...12)), .steady(every: mean), .poisson(mean: mean),
            .clustered(mean: mean, variation: 13), .onOff(every: mean / 3, on: .seconds(20), off: .seconds(40)),
            .bursty(max(1, perMinute / 3), every: .seconds(20)), .bursty(random.int(100...300), every: .minutes(3)),
        ]
        var caller = Caller(
            Identity(
                tenant: "t\(random.int(0...4))", job: random.one(of: ["", "j"]),
                model: random.one(of: ["m1", "m2", "n"]),
                credential: random.one(of: ["k1", "k2"])),
            random.one(of: habits), cancels: random.one(of: [0, 5, 30]),
            deadline: random.one(of: [.forever, .forever, .seconds(5), .seconds(45)]))
        caller.patience = .seconds(random.one(of: [1, 5, 30]))
        caller.jobs = random.one(of: [0, 0, 4])
        caller.priorities = random.one(of: [[], Priority.allCases])
        caller.slowReads = random.one(of: [0, 0, 10])
        return caller
    }

    mutating func queue() -> QueueRules {
        QueueRules(
            maxRequests: random.one(of: [20, 100, 1000]), maxRequestsPerTenant: random.one(of: [10, 50, 200]),
            timeout: .seconds(random.one(of: [2, 15, 60])))
    }

    // MARK: Incidents

    /// Reloads, better knowledge of the way, a pause by hand, a drain at the end.
    mutating func addIncidents(to scenario: inout Scenario) {
        if random.chance(percent: 30) { addReload(to: &scenario) }
        if random.chance(percent: 20) { addChangeOfJitter(to: &scenario) }
        if random.chance(percent: 10) {
            let at = random.interval(upTo: length)
            scenario.steps.append(Scenario.Step(at: at, .pause(for: .seconds(random.int(1...20)))))
        }
        if random.chance(percent: 20) { scenario.steps.append(Scenario.Step(at: length - length / 30, .drain)) }
    }

    /// Lower numbers for a while, which the provider's own can't find broken.
    private mutating func addReload(to scenario: inout Scenario) {
        var rules = scenario.rules
        for index in rules.limits.indices {
            lower(&rules.limits[index].terms)
            for name in rules.limits[index].overrides.keys.sorted() {
                if var terms = rules.limits[index].overrides[name] {
                    lower(&terms)
                    rules.limits[index].overrides[name] = terms
                }
            }
        }
        // What was found out of a limit is found out again of another.
        scenario.promises.throttles = scenario.promises.throttles.map { $0 * 3 }
        rules.queue.timeout = .seconds(random.int(5...60))
        rules.queue.maxRequests = max(5, rules.queue.maxRequests / 2)
        scenario.steps.append(Scenario.Step(at: length / 3, .replace(rules)))
        scenario.steps.append(Scenario.Step(at: length / 3 * 2, .replace(scenario.rules)))
    }

    private mutating func lower(_ terms: inout Limit.Terms) {
        terms.inFlight = terms.inFlight.map { max(1, $0 * random.int(50...100) / 100) }
        for index in terms.rates.indices {
            terms.rates[index].quota = max(1, terms.rates[index].quota * random.int(50...100) / 100)
        }
    }

    /// The way is never less even than the gate knows, also for what was sent a window ago.
    private mutating func addChangeOfJitter(to scenario: inout Scenario) {
        let old = scenario.upstream.jitter
        let (lower, higher) = (old / 2, old * random.int(2...4))
        let start = length / 4
        scenario.steps += [
            Scenario.Step(at: start, .setJitter(lower)),
            Scenario.Step(at: start + .seconds(130), .tellJitter(lower)),
            Scenario.Step(at: start + .seconds(200), .tellJitter(higher)),
            Scenario.Step(at: start + .seconds(201), .setJitter(higher)),
        ]
    }
}
