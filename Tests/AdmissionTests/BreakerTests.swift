import Rehearsal
import Testing

@testable import Admission

@Suite("Breaker")
struct BreakerTests {
    static let rules = BreakerRules(
        failures: 3, percent: 50, ofAtLeast: 8, within: .seconds(10), openFor: .seconds(30))

    /// A breaker that has just opened at ``Instant/start``.
    static var opened: Breaker {
        var breaker = Breaker(rules)
        for _ in 0..<3 { breaker.fail() }
        return breaker
    }

    @Test(
        "opens on failures in a row or on a share of enough verdicts",
        arguments: [
            ("xxx", true), ("xx", false), ("xx.xx.", false), ("xx.xxx", true), ("x.x.x.x.", true), ("x.x.x.x", false),
            ("....x.x.x.x", false), ("....x.x.x.xx", false), ("..x.x.x.xx", true), (".....xx.", false), ("", false),
            ("x.x.x..x", true),
        ])
    func trips(verdicts: String, opens: Bool) {
        var breaker = Breaker(Self.rules)
        for verdict in verdicts { if verdict == "x" { breaker.fail() } else { breaker.succeed() } }
        #expect(breaker.isOpen == opens)
        #expect(breaker.opening(now: .start) == (opens ? .after(.seconds(30)) : .start))
        #expect(breaker.openUntil == (opens ? .after(.seconds(30)) : nil))
    }

    @Test("what a share is counted of leaves it a tenth at a time", arguments: [(8, true), (9, true), (10, false)])
    func leaves(seconds: Int, opens: Bool) {
        var breaker = Breaker(Self.rules)
        for _ in 0..<3 {
            breaker.fail()
            breaker.succeed()
        }
        breaker.fail(.after(.seconds(seconds)))
        breaker.succeed(.after(.seconds(seconds)))
        #expect(breaker.isOpen == opens)
    }

    @Test("one probe, then two, then four; three successes in a row close it")
    func recovers() {
        var breaker = Self.opened
        let now = Instant.after(.seconds(30))
        #expect(breaker.opening(now: .after(.seconds(29))) == now && breaker.opening(now: now) == now)
        var underWay = 0
        for allowance in [1, 2, 4] {
            while breaker.opening(now: now) == now {
                breaker.sent(now: now)
                underWay += 1
            }
            #expect(underWay == allowance && breaker.opening(now: now) == .never)
            #expect(breaker.isOpen && breaker.openUntil == nil)
            breaker.succeeded(sentAt: now, now: now)
            underWay -= 1
        }
        #expect(!breaker.isOpen && breaker.opening(now: now) == now && !breaker.watches)
    }

    @Test("a failed probe opens it again for as long, and the other probes' verdicts no longer count")
    func reopens() {
        var breaker = Self.opened
        let (first, probing) = (Instant.after(.seconds(30)), Instant.after(.seconds(31)))
        breaker.succeed(first)
        breaker.sent(now: probing)
        breaker.sent(now: probing)
        breaker.failed(sentAt: probing, now: .after(.seconds(33)))
        #expect(breaker.openUntil == .after(.seconds(63)))
        breaker.failed(sentAt: probing, now: .after(.seconds(40)))
        #expect(breaker.openUntil == .after(.seconds(63)))
        breaker.sent(now: .after(.seconds(63)))
        breaker.succeeded(sentAt: probing, now: .after(.seconds(64)))
        breaker.abandoned(sentAt: probing)
        #expect(breaker.opening(now: .after(.seconds(64))) == .never)
        breaker.succeeded(sentAt: .after(.seconds(63)), now: .after(.seconds(65)))
        #expect(breaker.opening(now: .after(.seconds(65))) == .after(.seconds(65)))
    }

    @Test("an abandoned probe leaves its place to another and proves nothing")
    func abandons() {
        var breaker = Self.opened
        let now = Instant.after(.seconds(30))
        for _ in 0..<5 {
            breaker.sent(now: now)
            #expect(breaker.opening(now: now) == .never)
            breaker.abandoned(sentAt: now)
            #expect(breaker.opening(now: now) == now && breaker.isOpen)
        }
        var closed = Breaker(Self.rules)
        closed.fail()
        closed.fail()
        closed.sent(now: .start)
        closed.abandoned(sentAt: .start)
        closed.fail()
        #expect(closed.isOpen)
    }

    @Test("attempts from before an outage neither close it, nor prolong it, nor start another")
    func late() {
        // All of them sent in the instant in which it opens: the hardest to tell apart.
        var breaker = Self.opened
        breaker.succeeded(sentAt: .start, now: .after(.seconds(1)))
        breaker.failed(sentAt: .start, now: .after(.seconds(2)))
        #expect(breaker.openUntil == .after(.seconds(30)))
        let now = Instant.after(.seconds(30))
        for _ in 0..<3 {
            breaker.failed(sentAt: .start, now: now)
            breaker.succeeded(sentAt: .start, now: now)
            breaker.succeed(now)
        }
        #expect(!breaker.isOpen)
        for _ in 0..<20 { breaker.failed(sentAt: .start, now: now) }
        #expect(!breaker.isOpen && !breaker.watches)
    }

    @Test("probes that end after it closed count as ordinary attempts")
    func afterClosing() {
        var breaker = Self.opened
        let now = Instant.after(.seconds(30))
        breaker.succeed(now)
        breaker.succeed(now)
        for _ in 0..<4 { breaker.sent(now: now) }
        breaker.succeeded(sentAt: now, now: now)
        #expect(!breaker.isOpen)
        breaker.failed(sentAt: now, now: now)
        breaker.failed(sentAt: now, now: now)
        #expect(!breaker.isOpen && breaker.watches)
        breaker.failed(sentAt: now, now: now)
        #expect(breaker.isOpen)
    }

    @Test("an opening of no length is still told from what went before it")
    func noLength() {
        var breaker = Breaker(BreakerRules(failures: 1, openFor: .zero))
        breaker.fail()
        let next = breaker.opening(now: .start)
        #expect(next > .start)
        for _ in 0..<3 { breaker.succeed(next) }
        #expect(!breaker.isOpen)
    }

    @Test("successes are worth telling early while a failure counts or it is not closed")
    func watches() {
        var breaker = Breaker(Self.rules)
        #expect(!breaker.watches)
        breaker.fail()
        #expect(breaker.watches)
        breaker.succeed()
        #expect(!breaker.watches)
        #expect(Self.opened.watches)
    }

    @Test("new rules keep the state: what was counted counts on, and an opening stands")
    func replaces() {
        var breaker = Self.opened
        breaker.replace(BreakerRules(failures: 1, openFor: .seconds(5)))
        #expect(breaker.openUntil == .after(.seconds(30)))
        breaker.fail(.after(.seconds(30)))
        #expect(breaker.openUntil == .after(.seconds(35)))

        var counting = Breaker(Self.rules)
        for _ in 0..<3 {
            counting.fail()
            counting.succeed()
        }
        counting.replace(BreakerRules(failures: 9, percent: 50, ofAtLeast: 8, within: .seconds(100)))
        counting.fail(.after(.seconds(50)))
        counting.succeed(.after(.seconds(50)))
        #expect(counting.isOpen)
    }

    @Test(
        "verdicts that fall together, far from the origin or before it are counted alike",
        arguments: [-1_000_001, 0, 9_000_000_000])
    func standing(seconds: Int) {
        var breaker = Breaker(Self.rules)
        let now = Instant(nanoseconds: 0) + .seconds(seconds)
        for _ in 0..<4 {
            breaker.succeed(now)
            #expect(!breaker.isOpen)
            breaker.fail(now)
        }
        #expect(breaker.isOpen)
    }

    @Test("agrees with a list of all that happened", arguments: seeds(40))
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let rules = BreakerRules(
            failures: Int.random(in: 1...6, using: &random), percent: Int.random(in: 1...100, using: &random),
            ofAtLeast: Int.random(in: 1...20, using: &random), within: .seconds(Int.random(in: 1...30, using: &random)),
            openFor: .seconds(Int.random(in: 1...20, using: &random)))
        var breaker = Breaker(rules)
        var naive = NaiveBreaker(rules)
        var underWay: [(sentAt: Instant, attempt: NaiveBreaker.Attempt)] = []
        var now = Instant.start
        var failing = 30
        for step in 0..<3_000 {
            // A clock that stands still now and then, and an upstream that has better and worse times.
            if random.chance(percent: 70) { now = now + random.interval(upTo: .seconds(2)) }
            if random.chance(percent: 2) { failing = random.one(of: [0, 5, 30, 60, 100]) }
            if random.chance(percent: 50), breaker.opening(now: now) <= now {
                breaker.sent(now: now)
                underWay.append((now, naive.sent()))
            } else if !underWay.isEmpty {
                let (sentAt, attempt) = underWay.remove(at: Int.random(in: 0..<underWay.count, using: &random))
                if random.chance(percent: 10) {
                    breaker.abandoned(sentAt: sentAt)
                    naive.end(attempt, isFailure: nil, now: now)
                } else {
                    let isFailure = random.chance(percent: failing)
                    if isFailure {
                        breaker.failed(sentAt: sentAt, now: now)
                    } else {
                        breaker.succeeded(sentAt: sentAt, now: now)
                    }
                    naive.end(attempt, isFailure: isFailure, now: now)
                }
            }
            guard breaker.opening(now: now) == naive.opening(now: now), breaker.isOpen == naive.isOpen else {
                Issue.record("differs at step \(step), seed \(seed)")
                return
            }
        }
    }
}

extension Breaker {
    /// One attempt that fails at once.
    fileprivate mutating func fail(_ now: Instant = .start) {
        sent(now: now)
        failed(sentAt: now, now: now)
    }

    fileprivate mutating func succeed(_ now: Instant = .start) {
        sent(now: now)
        succeeded(sentAt: now, now: now)
    }
}

/// A breaker restated as a list of all attempts and verdicts since it last changed.
private struct NaiveBreaker {
    struct Attempt {
        let number: Int
        let opening: Int
    }

    let rules: BreakerRules
    var openings = 0
    var openUntil: Instant?
    var isProbing = false
    var sends = 0
    var probes: Set<Int> = []
    var verdicts: [(at: Instant, isFailure: Bool)] = []

    init(_ rules: BreakerRules) { self.rules = rules }

    var isOpen: Bool { openUntil != nil || isProbing }

    func opening(now: Instant) -> Instant {
        if let openUntil { return max(openUntil, now) }
        guard isProbing else { return now }
        return probes.count < [1, 2, 4][verdicts.count] ? now : .never
    }

    mutating func sent() -> Attempt {
        sends += 1
        if openUntil != nil { (openUntil, isProbing, probes, verdicts) = (nil, true, [], []) }
        if isProbing { probes.insert(sends) }
        return Attempt(number: sends, opening: openings)
    }

    mutating func end(_ attempt: Attempt, isFailure: Bool?, now: Instant) {
        guard attempt.opening == openings, openUntil == nil else { return }
        probes.remove(attempt.number)
        guard let isFailure else { return }
        verdicts.append((now, isFailure))
        if isProbing, !isFailure, verdicts.count == 3 { (isProbing, verdicts) = (false, []) }
        guard isProbing && isFailure || !isProbing && isTripped(now) else { return }
        openings += 1
        (openUntil, isProbing) = (now + rules.openFor, false)
    }

    func isTripped(_ now: Instant) -> Bool {
        let tenth = rules.within.nanoseconds / 10
        let recent = verdicts.filter { now.nanoseconds / tenth - $0.at.nanoseconds / tenth < 10 }
        let failures = recent.count(where: \.isFailure)
        let inRow = verdicts.reversed().prefix(while: \.isFailure).count
        return inRow >= rules.failures
            || recent.count >= rules.ofAtLeast && failures * 100 >= rules.percent * recent.count
    }
}
