import Admission
import Rehearsal
import Testing

@Suite("Rehearsals")
struct RehearsalTests {
    private static let evenly = Pacing.window(.seconds(1))

    struct Saturation: CustomTestStringConvertible, Sendable {
        let perMinute: Int
        let minutes: Int
        /// At least so much of the limit is used, in thousandths.
        let use: Int
        var testDescription: String { "\(perMinute) a minute" }
    }

    @Test(
        "a saturated rate is used to 99 % and no way of counting finds it broken",
        arguments: [
            Saturation(perMinute: 60, minutes: 20, use: 983), Saturation(perMinute: 120, minutes: 10, use: 990),
            Saturation(perMinute: 600, minutes: 5, use: 990), Saturation(perMinute: 3000, minutes: 3, use: 990),
            Saturation(perMinute: 30000, minutes: 1, use: 990),
        ])
    func saturatedRate(_ saturation: Saturation) {
        for seed in seeds(1) {
            var random = SplitMix64(seed: seed)
            let rates = RateEnforcement.all(perMinute: saturation.perMinute, random: &random)
            let limit = Limit(
                name: "rate", terms: Limit.Terms(rates: [Limit.Rate(saturation.perMinute, per: .minutes(1))]))
            let backlog = max(10, saturation.perMinute / 60)
            var rehearsal = Rehearsal(
                rules: GateRules(limits: [limit], pacing: Self.evenly),
                callers: [Caller(Identity(), .backlogged(backlog))], upstream: Upstream(rates: rates), seed: seed)
            rehearsal.run(for: .minutes(saturation.minutes))
            let findings = rehearsal.findings
            #expect(findings.complaints.isEmpty, "seed \(seed)")
            #expect(findings.violations.isEmpty, "seed \(seed)")
            #expect(findings.sends * 1000 >= saturation.perMinute * saturation.minutes * saturation.use, "seed \(seed)")
        }
    }

    @Test("on and off demand breaks no way of counting either", arguments: seeds(6))
    func demandInBursts(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limit = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(600, per: .minutes(1))]))
        let callers = (1...4).map { index in
            let every = Interval.seconds(2) + random.interval(upTo: .seconds(20))
            return Caller(Identity(tenant: "\(index)"), .bursty(10 * index, every: every), cancels: 10)
        }
        var rehearsal = Rehearsal(
            rules: GateRules(limits: [limit], pacing: Self.evenly), callers: callers,
            upstream: Upstream(rates: RateEnforcement.all(perMinute: 600, random: &random)), seed: seed)
        rehearsal.run(for: .minutes(5))
        #expect(rehearsal.findings.complaints.isEmpty, "seed \(seed)")
        #expect(rehearsal.findings.violations.isEmpty, "seed \(seed)")
        #expect(rehearsal.findings.sends > 300)
    }

    @Test("backlogged tenants share slots by weight and leave none unused", arguments: seeds(3))
    func slotsByWeight(seed: UInt64) {
        let weights = Dictionary(uniqueKeysWithValues: (1...20).map { ("t\($0)", 1 + $0 % 4) })
        let rules = GateRules(
            limits: [Limit(name: "slots", terms: Limit.Terms(inFlight: 16))],
            fairness: FairnessRules(weights: [.tenant: weights]))
        let callers = weights.keys.sorted().map { Caller(Identity(tenant: $0), .backlogged(12)) }
        let upstream = Upstream(shortest: .milliseconds(100), longest: .seconds(1))
        var rehearsal = Rehearsal(rules: rules, callers: callers, upstream: upstream, seed: seed)
        rehearsal.run(for: .minutes(3))
        let findings = rehearsal.findings
        #expect(findings.complaints.isEmpty, "seed \(seed)")
        #expect(findings.peakAtProvider <= 16)
        #expect(Double(findings.slotTime) / Double(16 * Interval.minutes(3).nanoseconds) >= 0.995, "seed \(seed)")
        #expect(findings.fairness(weights: weights) >= 0.99, "seed \(seed)")
    }

    @Test("a light tenant waits at most two sends behind a flooder", arguments: seeds(3))
    func lightTenant(seed: UInt64) throws {
        let limit = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(600, per: .minutes(1))]))
        let callers = [
            Caller(Identity(tenant: "flooder"), .backlogged(100)),
            Caller(Identity(tenant: "light"), .steady(every: .seconds(1))),
        ]
        var rehearsal = Rehearsal(
            rules: GateRules(limits: [limit], pacing: Self.evenly), callers: callers, upstream: Upstream(), seed: seed)
        rehearsal.run(for: .minutes(3))
        #expect(rehearsal.findings.complaints.isEmpty, "seed \(seed)")
        let wait = try #require(rehearsal.findings.longestWait["light"])
        #expect(wait <= .milliseconds(202), "seed \(seed)")
    }

    @Test("a provider that allows less than was said is waited for, and every request ends once", arguments: seeds(4))
    func throttled(seed: UInt64) {
        let limit = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(600, per: .minutes(1))]))
        let callers = (1...5).map { Caller(Identity(tenant: "\($0)"), .backlogged(4), deadline: .seconds(30)) }
        let strict = RateEnforcement(.tokenBucket(.seconds(1)), perMinute: 300)
        let upstream = Upstream(rates: [strict], throttles: true, retryAfter: .seconds(3))
        var rehearsal = Rehearsal(
            rules: GateRules(limits: [limit], pacing: Self.evenly), callers: callers, upstream: upstream, seed: seed)
        rehearsal.run(for: .minutes(3))
        let findings = rehearsal.findings
        #expect(findings.complaints.isEmpty, "seed \(seed)")
        #expect(!findings.violations.isEmpty)
        #expect(findings.served > 200)
    }

    /// A provider of 300 a minute, callers who would have 600, and what its answers say.
    private func told(_ notices: [LimitNotice], perMinute: Int, seed: UInt64) -> Findings {
        let limit = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(600, per: .minutes(1))]))
        let callers = (1...5).map { Caller(Identity(tenant: "\($0)"), .backlogged(4), deadline: .seconds(30)) }
        var upstream = Upstream(
            rates: [RateEnforcement(.tokenBucket(.seconds(60)), perMinute: perMinute)], throttles: true,
            retryAfter: .seconds(3))
        upstream.notices = notices
        var rehearsal = Rehearsal(
            rules: GateRules(limits: [limit], pacing: Self.evenly), callers: callers, upstream: upstream, seed: seed)
        rehearsal.run(for: .minutes(5))
        #expect(rehearsal.findings.complaints.isEmpty, "seed \(seed): \(rehearsal.findings.complaints)")
        return rehearsal.findings
    }

    @Test("a provider that tells of a smaller limit is believed, and refuses nothing", arguments: seeds(4))
    func tellsLimit(seed: UInt64) {
        let silent = told([], perMinute: 300, seed: seed)
        let told = told([LimitNotice(.requests, per: .minutes(1), limit: 300)], perMinute: 300, seed: seed)
        #expect(!silent.violations.isEmpty, "seed \(seed)")
        #expect(told.violations.isEmpty, "seed \(seed)")
        #expect(told.served >= 5 * 300 * 95 / 100, "seed \(seed): \(told.served)")
    }

    @Test("a provider that promises more than was said is not believed", arguments: seeds(2))
    func promises(seed: UInt64) {
        let lie = LimitNotice(.requests, per: .minutes(1), limit: 90_000, remaining: 90_000, reset: .zero)
        #expect(told([lie], perMinute: 600, seed: seed).violations.isEmpty, "seed \(seed)")
    }

    @Test("limits hold at the provider whatever callers do", arguments: seeds(10))
    func mixedCallers(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let distinct = Limit.Distinct(atMost: 3, of: [.tenant, .job])
        let rules = GateRules(
            limits: [
                Limit(
                    name: "account",
                    terms: Limit.Terms(inFlight: 8, rates: [Limit.Rate(1200, per: .minutes(1))])),
                Limit(name: "tenant", per: [.tenant], terms: Limit.Terms(inFlight: 3)),
                Limit(name: "jobs", terms: Limit.Terms(distinct: distinct)),
                Limit(
                    name: "model", match: [Limit.Match(.model, [Glob("m*")])],
                    terms: Limit.Terms(rates: [Limit.Rate(300, per: .minutes(1))])),
            ],
            pacing: Self.evenly,
            queue: QueueRules(maxRequests: 60, maxRequestsPerTenant: 25, timeout: .seconds(10)))
        let callers = (0..<12).map { index in
            let identity = Identity(
                tenant: "t\(index % 4)", job: index % 3 == 0 ? "" : "j\(index)",
                priority: Priority.allCases[index % 3], model: index % 2 == 0 ? "m" : "n")
            let habits: [Caller.Habit] = [
                .backlogged(8), .steady(every: .milliseconds(300)), .bursty(15, every: .seconds(4)),
            ]
            return Caller(identity, habits[Int(random.next() % 3)], cancels: 20, deadline: .seconds(20))
        }
        var rehearsal = Rehearsal(
            rules: rules, callers: callers,
            upstream: Upstream(
                rates: RateEnforcement.all(perMinute: 1200, random: &random), longest: .seconds(2)), seed: seed)
        rehearsal.run(for: .minutes(2))
        #expect(rehearsal.findings.complaints.isEmpty, "seed \(seed)")
        #expect(rehearsal.findings.violations.isEmpty, "seed \(seed)")
        #expect(rehearsal.findings.peakAtProvider <= 8)
        #expect(rehearsal.findings.peakPerTenant <= 3)
        #expect(rehearsal.findings.served > 100)
    }

    @Test("one seed gives one course of events")
    func repeatable() {
        func sends(_ seed: UInt64) -> Int {
            let callers = [Caller(Identity(), .steady(every: .milliseconds(70)), cancels: 30)]
            let limit = Limit(name: "slots", terms: Limit.Terms(inFlight: 2))
            var rehearsal = Rehearsal(
                rules: GateRules(limits: [limit]), callers: callers,
                upstream: Upstream(longest: .seconds(1)), seed: seed)
            rehearsal.run(for: .minutes(1))
            return rehearsal.findings.sends
        }
        #expect(sends(7) == sends(7))
        #expect(Set((1...8).map { sends($0) }).count > 1)
    }
}
