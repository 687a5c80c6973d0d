import Rehearsal
import Testing

@testable import Admission

@Suite("Calendar budget")
struct CalendarBudgetTests {
    /// 2026-01-01T00:00:00Z.
    static let newYear: Int64 = 1_767_225_600
    /// Instants here begin 1000 s before the year does, in UTC.
    static let offset = WallClockOffset(nanoseconds: (newYear - 1000) * 1_000_000_000 - Instant.start.nanoseconds)
    static let midnight = Instant.after(.seconds(1000))

    static func budget(_ quota: Int, _ zone: ResetZone = .utc) -> CalendarBudget {
        CalendarBudget(quota: quota, zone: zone, offset: offset)
    }

    static func unix(_ second: Int64) -> Instant { offset.instant(unixSeconds: second) }

    @Test("what the day has left goes at once, the rest after its end and the doubt about it")
    func spends() {
        var budget = Self.budget(10)
        #expect(budget.earliest(for: 10, now: .start) == .start)
        budget.charge(7, at: .start)
        #expect(budget.earliest(for: 3, now: .start) == .start && budget.used(now: .start) == 7)
        #expect(budget.earliest(for: 4, now: .start) == Self.midnight + .seconds(2))
        budget.charge(3, at: .start)
        #expect(budget.earliest(for: 1, now: .start) == Self.midnight + .seconds(2))
        #expect(budget.earliest(for: 0, now: .start) == .start)
        let late = Self.midnight + .seconds(2)
        #expect(budget.earliest(for: 10, now: late) == late && budget.used(now: late) == 0)
        #expect(budget.earliest(for: 1, now: late - Interval(nanoseconds: 1)) == late)
    }

    @Test("more than the quota goes when the day is untouched")
    func large() {
        var budget = Self.budget(10)
        #expect(budget.earliest(for: 11, now: .start) == .start)
        budget.charge(25, at: .start)
        #expect(budget.earliest(for: .max, now: .start) == Self.midnight + .seconds(2))
        let tomorrow = Self.midnight + .hours(1)
        budget.charge(1, at: tomorrow)
        #expect(budget.earliest(for: 11, now: tomorrow) == Self.midnight + .hours(24) + .seconds(2))
        #expect(budget.earliest(for: 9, now: tomorrow) == tomorrow)
    }

    @Test(
        "what is sent near midnight counts for both days",
        arguments: [
            (-2_001, true, false), (-2_000, true, true), (-1, true, true), (0, true, true), (1_999, true, true),
            (2_000, false, true),
        ])
    func nearMidnight(milliseconds: Int, countsBefore: Bool, countsAfter: Bool) {
        var budget = Self.budget(1)
        budget.charge(1, at: Self.midnight + .milliseconds(milliseconds))
        #expect((budget.earliest(for: 1, now: .start) > .start) == countsBefore)
        let after = Self.midnight + .seconds(3)
        #expect((budget.earliest(for: 1, now: after) > after) == countsAfter)
        #expect(budget.used(now: after) == (countsAfter ? 1 : 0))
    }

    @Test("a day that is full already through what was sent just before it is waited out as well")
    func twoDays() {
        var budget = Self.budget(1)
        budget.charge(1, at: Self.midnight - .seconds(1))
        #expect(budget.earliest(for: 1, now: .start) == Self.midnight + .hours(24) + .seconds(2))
        #expect(budget.earliest(for: 1, now: Self.midnight) == Self.midnight + .hours(24) + .seconds(2))
    }

    @Test("what is taken back makes room again, and never more than was taken")
    func takesBack() {
        var budget = Self.budget(5)
        budget.charge(5, at: .start)
        budget.uncharge(2, at: .start)
        #expect(budget.used(now: .start) == 3 && budget.earliest(for: 2, now: .start) == .start)
        budget.uncharge(99, at: .start)
        budget.uncharge(1, at: Self.midnight + .hours(99))
        #expect(budget.used(now: .start) == 0)
        let edge = Self.midnight - .seconds(1)
        budget.charge(5, at: edge)
        budget.uncharge(5, at: edge)
        #expect(budget.used(now: edge) == 0 && budget.earliest(for: 5, now: edge) == edge)
    }

    @Test("a charge that lies ahead ends no day")
    func ahead() {
        var budget = Self.budget(2)
        budget.charge(2, at: .start)
        budget.charge(1, at: Self.midnight + .hours(1))
        #expect(budget.used(now: .start) == 2)
        #expect(budget.earliest(for: 1, now: .start) == Self.midnight + .seconds(2))
        #expect(budget.earliest(for: 2, now: .start) == Self.midnight + .hours(24) + .seconds(2))
        budget.charge(1, at: Self.midnight + .hours(30))
        #expect(budget.earliest(for: 1, now: .start) == Self.midnight + .seconds(2))
    }

    @Test(
        "days of 23 and 25 hours end when they end",
        arguments: [(1_772_956_800, 23), (1_793_516_400, 25), (1_773_039_600, 24)] as [(Int64, Int)])
    func changes(midnight: Int64, hours: Int) {
        var budget = Self.budget(1, .pacific)
        let beginning = Self.unix(midnight)
        budget.charge(1, at: beginning + .seconds(2))
        let end = beginning + .hours(hours)
        #expect(budget.earliest(for: 1, now: beginning + .hours(3)) == end + .seconds(2))
        #expect(budget.earliest(for: 1, now: end - .seconds(1)) == end + .seconds(2))
    }

    @Test("a corrected clock moves the midnight")
    func corrected() {
        var budget = Self.budget(1)
        budget.charge(1, at: .start)
        budget.offset.nanoseconds += 100_000_000_000
        #expect(budget.earliest(for: 1, now: .start) == .after(.seconds(902)))
    }

    @Test("amounts and instants at the ends of their ranges do not trap")
    func overflow() {
        var budget = Self.budget(.max)
        for _ in 0..<3 { budget.charge(.max, at: .start) }
        budget.charge(.min, at: .start)
        #expect(budget.used(now: .start) == .max)
        #expect(budget.earliest(for: 1, now: .start) == Self.midnight + .seconds(2))
        budget.uncharge(.min, at: .start)
        #expect(budget.used(now: .start) == .max)
        budget.charge(.max, at: .never)
        #expect(budget.earliest(for: 1, now: .never) == .never)
        budget.charge(1, at: Instant(nanoseconds: .min))
        #expect(budget.earliest(for: 1, now: .never) == .never)
    }

    @Test("a provider whose clock differs by up to 2 s never counts more than the quota", arguments: seeds(20))
    func provider(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let quota = random.one(of: [1, 2, 10, 100])
        // Across the night in which a day has 25 hours.
        let zone = random.one(of: [ResetZone.pacific, .utc, .fixed(secondsEastOfUTC: -19_800)])
        var budget = Self.budget(quota, zone)
        var now = Self.unix(1_793_400_000)
        let skew = Int64.random(in: -1_999_999_999...1_999_999_999, using: &random)
        var counts: [Int64: Int] = [:]
        var charges: [(units: Int, at: Instant)] = []
        for _ in 0..<2_000 {
            let units = Int.random(in: 1...quota, using: &random)
            let earliest = budget.earliest(for: units, now: now)
            guard earliest <= now || budget.earliest(for: units, now: earliest) == earliest else {
                Issue.record("the instant told is not one, seed \(seed)")
                return
            }
            now =
                max(now, random.chance(percent: 50) ? earliest : earliest - .seconds(1))
                + random.interval(upTo: .minutes(9))
            guard budget.earliest(for: units, now: now) == now else { continue }
            budget.charge(units, at: now)
            charges.append((units, now))
            if random.chance(percent: 10), let last = charges.popLast() { budget.uncharge(last.units, at: last.at) }
        }
        for charge in charges {
            let seen = Instant(nanoseconds: charge.at.nanoseconds + skew)
            counts[zone.lastMidnight(before: Self.offset.unixSeconds(seen)), default: 0] += charge.units
        }
        #expect(counts.values.allSatisfy { $0 <= quota }, "seed \(seed)")
        #expect(counts.count > 5, "seed \(seed)")
    }
}
