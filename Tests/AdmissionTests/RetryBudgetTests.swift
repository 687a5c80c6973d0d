import Rehearsal
import Testing

@testable import Admission

@Suite("Retry budget")
struct RetryBudgetTests {
    static func budget(_ percent: Int, _ least: Int) -> RetryBudget {
        RetryBudget(RetryRules.Budget(percent: percent, leastPerMinute: least), now: .start)
    }

    @Test(
        "a share of the last minute's requests, and at least so many",
        arguments: [
            (10, 10, 0, 10), (10, 10, 100, 10), (10, 10, 109, 10), (10, 10, 110, 11), (10, 10, 1000, 100),
            (0, 0, 1000, 0), (0, 1, 1000, 1), (100, 0, 7, 7), (33, 0, 10, 3),
        ])
    func allowance(percent: Int, least: Int, requests: Int, allowed: Int) {
        var budget = Self.budget(percent, least)
        for _ in 0..<requests { budget.request(now: .start) }
        #expect(budget.allowance(now: .start) == allowed)
        for _ in 0..<allowed {
            #expect(budget.takeRetry(now: .start) == true)
        }
        #expect(budget.takeRetry(now: .start) == false && budget.used(now: .start) == allowed)
    }

    @Test("requests and repetitions leave after a minute", arguments: [(59, false), (60, true)])
    func leaves(seconds: Int, hasRoom: Bool) {
        var budget = Self.budget(10, 1)
        for _ in 0..<20 { budget.request(now: .start) }
        #expect(budget.takeRetry(now: .start) == true && budget.takeRetry(now: .start) == true)
        let later = Instant.after(.seconds(seconds))
        #expect(budget.allowance(now: later) == (hasRoom ? 1 : 2))
        #expect(budget.used(now: later) == (hasRoom ? 0 : 2))
        #expect(budget.takeRetry(now: later) == hasRoom)
    }

    @Test("a spent budget books the seconds in which older repetitions leave, each asker another instant")
    func books() {
        var budget = Self.budget(0, 3)
        for second in [0, 0, 5] { #expect(budget.reserve(now: .after(.seconds(second))) == .after(.seconds(second))) }
        let now = Instant.after(.seconds(10))
        #expect(budget.reserve(now: now) == .after(.seconds(60)))
        #expect(budget.reserve(now: now) == .after(.milliseconds(60_001)))
        #expect(budget.reserve(now: now) == .after(.seconds(65)))
        #expect(budget.reserve(now: now) == .never)
        #expect(budget.used(now: now) == 3 && budget.used(now: .after(.seconds(65))) == 3)
    }

    @Test("what is booked ahead is not taken by those who come in time for it")
    func keeps() {
        var budget = Self.budget(0, 1)
        #expect(budget.takeRetry(now: .start) == true)
        #expect(budget.reserve(now: .after(.seconds(1))) == .after(.seconds(60)))
        #expect(budget.takeRetry(now: .after(.seconds(60))) == false)
        #expect(budget.reserve(now: .after(.seconds(60))) == .after(.seconds(120)))
    }

    @Test("requests that come make room earlier")
    func earlier() {
        var budget = Self.budget(50, 1)
        let now = Instant.after(.seconds(10))
        #expect(budget.takeRetry(now: .start) == true)
        #expect(budget.reserve(now: now) == .after(.seconds(60)))
        for _ in 0..<4 { budget.request(now: now) }
        // Two in the minute up to 10 s, and two in that up to 60 s; of that up to 70 s the requests are no part.
        #expect(budget.reserve(now: now) == now)
        #expect(budget.reserve(now: now) == .never)
    }

    @Test("there is no room in a minute whose later end is booked out")
    func bookedOut() {
        var budget = Self.budget(50, 1)
        let now = Instant.after(.seconds(20))
        for _ in 0..<4 { budget.request(now: .start) }
        for _ in 0..<2 { #expect(budget.takeRetry(now: .start) == true) }
        #expect(budget.reserve(now: now) == .after(.seconds(60)))
        budget.giveBack(.start)
        // One of two is used in the minute up to now, but with another now that up to 60 s would have two of one.
        #expect(budget.used(now: now) == 1 && budget.allowance(now: now) == 2)
        #expect(budget.takeRetry(now: now) == false)
        #expect(budget.reserve(now: now) == .never)
    }

    @Test("what is given back makes room for the next, once, and never for an instant given already")
    func givesBack() {
        var budget = Self.budget(0, 2)
        for _ in 0..<2 { #expect(budget.takeRetry(now: .start) == true) }
        let (first, second) = (budget.reserve(now: .start), budget.reserve(now: .start))
        #expect(first == .after(.seconds(60)) && second == .after(.milliseconds(60_001)))
        budget.giveBack(first)
        #expect(budget.reserve(now: .start) == .after(.milliseconds(60_002)))
        #expect(budget.reserve(now: .start) == .never)
        budget.giveBack(.start)
        #expect(budget.used(now: .start) == 1)
        #expect(budget.reserve(now: .start) == .start)
        budget.giveBack(.never)
        budget.giveBack(.after(.seconds(-3)))
        budget.giveBack(.after(.seconds(120)))
        #expect(budget.reserve(now: .start) == .never)
    }

    @Test("a clock that stands still, begins before the origin or runs back spends the budget once")
    func standing() {
        var budget = RetryBudget(RetryRules.Budget(percent: 0, leastPerMinute: 2), now: Instant(nanoseconds: -5))
        #expect(
            budget.takeRetry(now: Instant(nanoseconds: -5)) == true
                && budget.takeRetry(now: Instant(nanoseconds: 5)) == true)
        #expect(budget.takeRetry(now: Instant(nanoseconds: -90_000_000_000)) == false)
        #expect(budget.reserve(now: Instant(nanoseconds: 0)) == Instant(nanoseconds: 60_000_000_000))
        #expect(budget.takeRetry(now: .after(.zero)) == true)
        #expect(budget.takeRetry(now: Instant(nanoseconds: 0)) == true)
        #expect(budget.takeRetry(now: Instant(nanoseconds: 0)) == false)
    }

    @Test("new rules count what was used under the old")
    func replaces() {
        var budget = Self.budget(0, 5)
        for _ in 0..<5 { #expect(budget.takeRetry(now: .start) == true) }
        budget.replace(RetryRules.Budget(percent: 0, leastPerMinute: 6))
        #expect(budget.takeRetry(now: .start) == true && budget.takeRetry(now: .start) == false)
        budget.replace(RetryRules.Budget(percent: 0, leastPerMinute: 2))
        #expect(
            budget.takeRetry(now: .after(.seconds(59))) == false && budget.takeRetry(now: .after(.seconds(60))) == true)
    }

    @Test("thousands booked for one second get as many instants within it")
    func thousands() {
        var budget = Self.budget(0, 3_000)
        for _ in 0..<3_000 { #expect(budget.takeRetry(now: .start) == true) }
        let booked = (0..<3_000).map { _ in budget.reserve(now: .start) }
        #expect(
            Set(booked).count == 3_000 && booked.allSatisfy { $0 >= .after(.seconds(60)) && $0 < .after(.seconds(61)) })
        #expect(budget.reserve(now: .start) == .never)
    }

    @Test("agrees with a list of all that happened, and no minute has more than its allowance", arguments: seeds(30))
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let rules = RetryRules.Budget(
            percent: random.one(of: [0, 1, 10, 50, 100]), leastPerMinute: random.one(of: [0, 1, 2, 10]))
        var budget = RetryBudget(rules, now: .start)
        var naive = NaiveRetryBudget(rules: rules)
        var booked: Set<Instant> = []
        var open: [Instant] = []
        var now = Instant.start
        for step in 0..<400 {
            if random.chance(percent: 40) {
                now = now + random.interval(upTo: .seconds(random.one(of: [1, 1, 5, 70])))
            }
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                budget.request(now: now)
                naive.requests.append(now)
            case 6 where !open.isEmpty:
                let instant = open.remove(at: Int.random(in: 0..<open.count, using: &random))
                budget.giveBack(instant)
                naive.giveBack(instant)
            default:
                let second = naive.reserve(now: now)
                let instant = budget.reserve(now: now)
                let isRight = second.map { $0 == naive.second(instant) && (instant == now || instant > now) }
                guard isRight ?? (instant == .never),
                    instant == now || instant == .never || booked.insert(instant).inserted
                else {
                    Issue.record("step \(step): \(instant), not in second \(String(describing: second)), seed \(seed)")
                    return
                }
                if instant < .never { open.append(instant) }
            }
            guard naive.isKept(asOf: now), budget.used(now: now) == naive.retries(endingWith: naive.second(now)) else {
                Issue.record("step \(step): a minute has more than its allowance, seed \(seed)")
                return
            }
        }
    }
}

/// A retry budget restated as lists of all requests and repetitions.
private struct NaiveRetryBudget {
    let rules: RetryRules.Budget
    var requests: [Instant] = []
    /// The seconds of repetitions, made and booked.
    var retries: [Int64] = []

    func second(_ instant: Instant) -> Int64 { instant.nanoseconds / 1_000_000_000 }

    func retries(endingWith last: Int64) -> Int { retries.count { $0 > last - 60 && $0 <= last } }

    private func allowance(endingWith last: Int64) -> Int {
        let recent = requests.count { second($0) > last - 60 && second($0) <= last }
        return max(rules.leastPerMinute, recent * rules.percent / 100)
    }

    /// Whether the minute that ends with any repetition from now on is within its allowance.
    func isKept(asOf now: Instant) -> Bool {
        Set(retries).allSatisfy { $0 < second(now) || retries(endingWith: $0) <= allowance(endingWith: $0) }
    }

    /// The first second after which all still is as it must be.
    mutating func reserve(now: Instant) -> Int64? {
        for candidate in second(now)...second(now) + 60 {
            retries.append(candidate)
            let held = Set(retries).filter { $0 >= candidate && $0 < candidate + 60 }
            if held.allSatisfy({ retries(endingWith: $0) <= allowance(endingWith: $0) }) { return candidate }
            retries.removeLast()
        }
        return nil
    }

    mutating func giveBack(_ instant: Instant) {
        if let index = retries.firstIndex(of: second(instant)) { retries.remove(at: index) }
    }
}
