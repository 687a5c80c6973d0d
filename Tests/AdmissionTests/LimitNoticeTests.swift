import Rehearsal
import Testing

@testable import Admission

@Suite("What a provider says of its limits")
struct LimitNoticeTests {
    private func bench(_ quota: Int, _ more: Limit...) -> Bench { Bench([rate(quota)] + more, pacing: .burst) }

    /// Asks as often as something goes; says how many went.
    private func go(_ bench: inout Bench, at now: Instant, model: String = "", atMost: Int = 2000) -> Int {
        for count in 0..<atMost {
            let name = "\(now.nanoseconds) \(count)"
            guard bench.ask(name, model: model, deadline: now, at: now) == "+" else { return count }
            bench.settle(name, at: now)
        }
        return atMost
    }

    private func notice(
        _ bench: inout Bench, limit: Int? = nil, remaining: Int? = nil, reset: Interval? = nil,
        _ refill: LimitNotice.Refill = .continuous, at now: Instant
    ) {
        let name = "notice \(now.nanoseconds)"
        guard bench.ask(name, deadline: now, at: now) == "+", let permit = bench.permits[name] else { return }
        let notice = LimitNotice(
            .requests, per: .minutes(1), limit: limit, remaining: remaining, reset: reset, refill: refill)
        bench.gate.noticed(permit, [notice], now: now)
        bench.settle(name, at: now)
    }

    private func lowered(_ bench: Bench, at now: Instant) -> Int? {
        var gate = bench.gate
        return gate.report(now: now).limits[0].cells[0].rates[0].lowered
    }

    @Test("A smaller limit is kept to while it says so, a larger one means nothing", arguments: [300, 500, 9000])
    func limit(told: Int) {
        var bench = bench(500)
        notice(&bench, limit: told, at: .start)
        #expect(lowered(bench, at: .start) == (told < 500 ? told : nil))
        #expect(go(&bench, at: .after(.milliseconds(1))) == min(told, 500) - 1)
        #expect(lowered(bench, at: .after(.seconds(119))) == (told < 500 ? told : nil))
        #expect(lowered(bench, at: .after(.minutes(3))) == nil)
        #expect(go(&bench, at: .after(.minutes(3))) == 500)
    }

    @Test("A limit that stands for several of the provider's is the largest that it named lately")
    func severalLimits() {
        var bench = bench(500)
        for second in 0..<200 {
            notice(&bench, limit: second % 2 == 0 ? 20 : 400, at: .after(.seconds(second)))
            if second > 0 { #expect(lowered(bench, at: .after(.seconds(second))) == 400) }
        }
    }

    @Test("What others have used of a bucket is not used again, and comes back bit by bit")
    func foreignUse() {
        var bench = bench(60)
        #expect(go(&bench, at: .start, atMost: 9) == 9)
        notice(&bench, limit: 60, remaining: 20, reset: .seconds(40), at: .start)
        #expect(lowered(bench, at: .start) == 30)
        #expect(go(&bench, at: .start) == 20)
        let later = go(&bench, at: .after(.seconds(16)))
        #expect((14...16).contains(later), "\(later)")
        #expect(lowered(bench, at: .after(.seconds(31))) == nil)
    }

    @Test("Of a bucket of ten seconds what others have used is told from what it never holds")
    func shallowBucket() {
        var bench = bench(600)
        #expect(go(&bench, at: .start, atMost: 60) == 60)
        // Of 100 that fit ours have taken 61, and nothing is missing.
        notice(&bench, limit: 600, remaining: 39, reset: .milliseconds(6100), at: .start)
        #expect(lowered(bench, at: .start) == nil)
        notice(&bench, limit: 600, remaining: 8, reset: .milliseconds(9200), at: .after(.milliseconds(1)))
        #expect(lowered(bench, at: .after(.milliseconds(1))) != nil)
        #expect(go(&bench, at: .after(.milliseconds(2))) == 8)
        #expect(lowered(bench, at: .after(.seconds(6))) == nil)
    }

    @Test("What an answer says is of the time when its request was sent", arguments: [1, 30, 61, 100])
    func lateAnswer(seconds: Int) {
        var bench = bench(600)
        notice(&bench, limit: 600, remaining: 200, reset: .seconds(1), at: .start)
        #expect(go(&bench, at: .after(.milliseconds(1)), atMost: 400) == 400)
        #expect(bench.ask("slow", at: .after(.milliseconds(2))) == "+")
        let word = LimitNotice(.requests, per: .minutes(1), limit: 600, remaining: 198, reset: .seconds(40))
        let late = Instant.after(.seconds(seconds))
        bench.permits["slow"].map { bench.gate.noticed($0, [word], now: late) }
        #expect(lowered(bench, at: late) == nil)
    }

    @Test("Of a window that is spent nothing goes before its reset", arguments: [5, 30])
    func spent(seconds: Int) {
        var bench = bench(60)
        notice(&bench, limit: 60, remaining: 0, reset: .seconds(seconds), .atReset, at: .start)
        #expect(go(&bench, at: .after(.seconds(seconds) - .milliseconds(1))) == 0)
        #expect(go(&bench, at: .after(.seconds(seconds)), atMost: 1) == 1)
    }

    @Test("No word is believed for longer than a minute", arguments: [LimitNotice.Refill.continuous, .atReset])
    func belief(refill: LimitNotice.Refill) {
        var bench = Bench(
            [Limit(name: "day", terms: Limit.Terms(rates: [Limit.Rate(1000, per: .days(1))]))], pacing: .burst)
        #expect(bench.ask("a") == "+")
        let notice = LimitNotice(
            .requests, per: .days(1), limit: 1000, remaining: 0, reset: .hours(20), refill: refill)
        bench.permits["a"].map { bench.gate.noticed($0, [notice], now: .start) }
        #expect(go(&bench, at: .after(.milliseconds(10))) == 0)
        #expect(go(&bench, at: .after(.seconds(61)), atMost: 3) == 3)
    }

    @Test("A provider that always says that nothing is left is asked again and again")
    func alwaysSpent() {
        for refill in [LimitNotice.Refill.continuous, .atReset] {
            var bench = bench(60)
            for second in 0..<600 {
                notice(&bench, limit: 60, remaining: 0, reset: .hours(1), refill, at: .after(.seconds(second)))
            }
            #expect(go(&bench, at: .after(.seconds(661)), atMost: 1) == 1, "\(refill)")
        }
    }

    @Test("More than we have left, numbers of a narrower limit, and late answers change nothing")
    func noNews() {
        var bench = bench(100)
        #expect(bench.ask("early") == "+")
        #expect(go(&bench, at: .after(.seconds(1)), atMost: 50) == 50)
        notice(&bench, limit: 100, remaining: 90, reset: .seconds(1), at: .after(.seconds(2)))
        notice(&bench, limit: 10, remaining: 0, reset: .seconds(60), at: .after(.seconds(3)))
        let late = LimitNotice(.requests, per: .minutes(1), limit: 1, remaining: 0, reset: .seconds(60))
        bench.permits["early"].map { bench.gate.noticed($0, [late], now: .after(.seconds(4))) }
        #expect(go(&bench, at: .after(.seconds(5))) == 47)
    }

    @Test("Other units, other windows and limits of our callers are not touched")
    func others() {
        let own = Limit(
            name: "tenant", per: [.tenant], terms: Limit.Terms(rates: [Limit.Rate(80, per: .minutes(1))]))
        var bench = bench(100, own)
        #expect(bench.ask("a") == "+")
        let notices = [
            LimitNotice(.tokens, per: .minutes(1), limit: 1, remaining: 0, reset: .seconds(9)),
            LimitNotice(.requests, per: .seconds(1), limit: 1, remaining: 0, reset: .seconds(9)),
            LimitNotice(.requests, per: .minutes(1), limit: 90, remaining: 89, reset: .seconds(1)),
        ]
        bench.permits["a"].map { bench.gate.noticed($0, notices, now: .start) }
        var gate = bench.gate
        let report = gate.report(now: .start)
        #expect(report.limits[0].cells[0].rates[0].lowered == 90 && report.limits[1].cells[0].rates[0].lowered == nil)
        #expect(go(&bench, at: .start) == 79)
    }

    @Test("Whatever it says, no window has more than its limit, and something goes every minute", arguments: seeds(20))
    func anything(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bench = Bench([rate(60)], pacing: .window(.seconds(1)))
        var sent: [Instant] = []
        var now = Instant.start
        while now < .after(.minutes(10)) {
            let name = "\(now.nanoseconds)"
            if bench.ask(name, deadline: now, at: now) == "+", let permit = bench.permits[name] {
                sent.append(now)
                let notice = LimitNotice(
                    .requests, per: .minutes(1), limit: Int.random(in: 1...200, using: &random),
                    remaining: Int.random(in: 0...100, using: &random),
                    reset: .milliseconds(Int.random(in: 0...200_000, using: &random)),
                    refill: Bool.random(using: &random) ? .continuous : .atReset)
                bench.gate.noticed(permit, [notice], now: now)
                bench.settle(name, at: now)
            }
            now = now + .milliseconds(Int.random(in: 1...900, using: &random))
        }
        for (place, instant) in sent.enumerated() {
            let within = sent[place...].prefix { $0 - instant < .minutes(1) }.count
            #expect(within <= 60, "seed \(seed)")
        }
        for (one, next) in zip(sent, sent.dropFirst()) { #expect(next - one < .seconds(62), "seed \(seed)") }
        #expect(now - (sent.last ?? .start) < .seconds(62), "seed \(seed)")
    }

    // MARK: Which limit a refusal met

    private func tokens(_ quota: Int, name: String, match: String? = nil) -> Limit {
        Limit(
            name: name, match: match.map { [Limit.Match(.model, [Glob($0)])] } ?? [],
            terms: Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1), of: .tokens)]))
    }

    @Test(
        "A refusal pauses the limit that it names, and all where the rules have no such limit",
        arguments: [
            // Named, may requests with tokens go, may requests without.
            (ExceededLimit(.tokens), false, true), (ExceededLimit(.inputTokens, per: .minutes(1)), false, true),
            (ExceededLimit(.requests), false, false), (nil, false, false),
        ] as [(ExceededLimit?, Bool, Bool)])
    func exceeded(exceeded: ExceededLimit?, withTokens: Bool, without: Bool) {
        var bench = bench(100, tokens(10_000, name: "tokens"))
        #expect(bench.ask("a", tokens: TokenClaim(input: 10, outputBound: 10)) == "+")
        let now = Instant.after(.milliseconds(50))
        _ = bench.permits["a"].map {
            bench.gate.throttled($0, comeBack: .seconds(5), exceeded: exceeded, now: now)
        }
        let claim = TokenClaim(input: 10, outputBound: 10)
        #expect((bench.ask("b", deadline: now, tokens: claim, at: now) == "+") == withTokens)
        #expect((bench.ask("c", deadline: now, at: now) == "+") == without)
        let later = Instant.after(.milliseconds(5100))
        #expect(bench.ask("d", deadline: later, tokens: claim, at: later) == "+")
    }

    @Test("A refusal that names tokens pauses those of its own model, where it has a limit of its own")
    func exceededModel() {
        var bench = bench(100, tokens(10_000, name: "one", match: "one"), tokens(90_000, name: "all"))
        let claim = TokenClaim(input: 10, outputBound: 10)
        #expect(bench.ask("a", model: "one", tokens: claim) == "+")
        _ = bench.permits["a"].map {
            bench.gate.throttled($0, comeBack: .seconds(5), exceeded: ExceededLimit(.tokens), now: .start)
        }
        #expect(bench.ask("b", model: "one", deadline: .start, tokens: claim) == "-")
        #expect(bench.ask("c", model: "two", deadline: .start, tokens: claim) == "+")
    }

    @Test("A refusal teaches nothing of limits that it does not name")
    func lesson() {
        var bench = bench(100, tokens(10_000, name: "tokens"))
        #expect(bench.ask("a", tokens: TokenClaim(input: 10, outputBound: 10)) == "+")
        _ = bench.permits["a"].map {
            bench.gate.throttled($0, comeBack: nil, exceeded: ExceededLimit(.tokens), now: .start)
        }
        let limits = bench.gate.report(now: .start).limits
        #expect(limits[0].cells[0].share == 1000 && limits[1].cells[0].share == 900)
    }

    @Test("What was told outlives a change of the rules")
    func reload() {
        var bench = bench(500)
        notice(&bench, limit: 300, at: .start)
        var rules = bench.gate.rules
        rules.limits[0].terms.inFlight = 900
        bench.gate.replace(rules, now: .start)
        #expect(lowered(bench, at: .start) == 300)
        rules.limits[0].terms.rates = [Limit.Rate(200, per: .minutes(1))]
        bench.gate.replace(rules, now: .start)
        #expect(lowered(bench, at: .start) == nil)
        #expect(go(&bench, at: .after(.milliseconds(1))) == 199)
    }
}
