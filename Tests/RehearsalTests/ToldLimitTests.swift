import Admission
import Rehearsal
import Testing

@Suite("Rehearsals with a provider that tells where its limits stand")
struct ToldLimitTests {
    /// A provider's way of counting, how it shows what is left, and how long its answers take.
    struct Case: CustomTestStringConvertible, Sendable {
        let method: RateEnforcement.Method
        let moment: Upstream.Telling.Moment
        var refill = LimitNotice.Refill.continuous
        var longest = Interval.milliseconds(400)

        var testDescription: String { "\(method), told at the \(moment), \(refill), up to \(longest)" }

        static let all: [Case] = Upstream.Telling.Moment.allCases.flatMap { moment in
            let lengths: [Interval] = [.seconds(1), .seconds(10), .seconds(60)]
            let buckets = lengths.map { RateEnforcement.Method.tokenBucket($0) }
            let window = RateEnforcement.Method.fixedWindow(.seconds(60), phase: .milliseconds(370))
            let finely = RateEnforcement.Method.fixedWindow(.seconds(10), phase: .milliseconds(370))
            return (buckets + [window, finely, .slidingLog]).map { Case(method: $0, moment: moment) }
                + [window, .slidingLog].map { Case(method: $0, moment: moment, refill: .atReset) }
                // Answers that are told whole, so that their heads come half a minute later.
                + [buckets[1], window].map { Case(method: $0, moment: moment, longest: .seconds(30)) }
        }
    }

    private func findings(
        _ way: Case, _ upstream: Upstream, pacing: Interval, perMinute: Int, seed: UInt64
    ) -> Findings {
        let limit = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(perMinute, per: .minutes(1))]))
        // As many as are under way at this rate, and some more.
        let backlog = perMinute * Int((way.longest + .seconds(2)).nanoseconds / 1_000_000_000) / 60
        var rehearsal = Rehearsal(
            rules: GateRules(limits: [limit], pacing: .window(pacing)),
            callers: [Caller(Identity(), .backlogged(backlog))], upstream: upstream, seed: seed)
        rehearsal.run(for: .minutes(2))
        #expect(rehearsal.findings.complaints.isEmpty, "seed \(seed): \(rehearsal.findings.complaints)")
        return rehearsal.findings
    }

    private func upstream(_ way: Case, perMinute: Int) -> Upstream {
        Upstream(
            rates: [RateEnforcement(way.method, perMinute: perMinute)], throttles: true, delay: .milliseconds(1),
            jitter: .milliseconds(9), shortest: .milliseconds(1), longest: way.longest)
    }

    private func both(_ way: Case, perMinute: Int, seed: UInt64) -> (silent: Findings, told: Findings) {
        let pacing = RateEnforcement(way.method, perMinute: perMinute).finestWindow
        var upstream = upstream(way, perMinute: perMinute)
        let silent = findings(way, upstream, pacing: pacing, perMinute: perMinute, seed: seed)
        upstream.tells = Upstream.Telling(at: way.moment, refill: way.refill)
        return (silent, findings(way, upstream, pacing: pacing, perMinute: perMinute, seed: seed))
    }

    @Test("what a provider says that nobody else uses costs little of the first two minutes", arguments: Case.all)
    func alone(way: Case) {
        for perMinute in way.longest > .seconds(1) ? [120] : [120, 600] {
            let (silent, told) = both(way, perMinute: perMinute, seed: 1)
            #expect(told.violations == silent.violations)
            // A fortieth at most: until two windows have been told apart from a limit, the words may be taken for others' use.
            #expect(told.sends * 1000 >= silent.sends * 975, "\(perMinute): \(told.sends) of \(silent.sends)")
        }
    }
}
