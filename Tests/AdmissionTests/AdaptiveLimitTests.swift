import Testing

@testable import Admission

@Suite("Adaptive limit")
struct AdaptiveLimitTests {
    /// One after so many cuts, all of them far apart.
    static func limit(_ min: Int, _ max: Int, cuts: Int = 0) -> AdaptiveLimit {
        var limit = AdaptiveLimit(AdaptiveRules(min: min, max: max))
        for cut in 1...Swift.max(1, cuts) where cut <= cuts {
            limit.overloaded(sentAt: .after(.minutes(cut)), now: .after(.minutes(cut)))
        }
        return limit
    }

    @Test(
        "starts at the maximum and falls by three tenths, never below the minimum",
        arguments: [
            (5, 50, 0, 50), (5, 50, 1, 35), (5, 50, 2, 24), (5, 50, 3, 17), (5, 50, 7, 5), (5, 50, 20, 5), (1, 2, 1, 1),
            (1, 1, 3, 1), (1, 1_000_000, 1, 700_000), (8, 8, 2, 8),
        ])
    func cuts(min: Int, max: Int, cuts: Int, limit: Int) {
        #expect(Self.limit(min, max, cuts: cuts).limit == limit)
    }

    @Test("grows by one for about as many answers as it is, up to the maximum", arguments: [1, 2, 10, 700, 700_000])
    func grows(from start: Int) {
        var limit = Self.limit(1, start * 10 / 7 + 1, cuts: 1)
        let least = limit.limit
        var answers = 0
        while limit.limit == least, answers <= 2 * least + 2 {
            limit.succeeded(inFlight: limit.limit, now: .start)
            answers += 1
        }
        #expect(limit.limit == least + 1 && answers <= least + 2)
    }

    @Test("a maximum is never passed, and is reached again")
    func maximum() {
        var limit = Self.limit(5, 50, cuts: 1)
        for _ in 0..<2_000 { limit.succeeded(inFlight: 50, now: .start) }
        #expect(limit.limit == 50)
    }

    @Test(
        "grows only while at least half used",
        arguments: [(16, 35, false), (17, 35, false), (18, 35, true), (35, 35, true), (0, 1, false), (1, 1, true)])
    func halfUsed(inFlight: Int, at value: Int, grows: Bool) {
        var limit = Self.limit(1, value * 10 / 7, cuts: 1)
        #expect(limit.limit == value)
        for _ in 0..<value * 2 { limit.succeeded(inFlight: inFlight, now: .start) }
        #expect((limit.limit > value) == (grows && value > 1))
    }

    @Test("many attempts that meet one overload make one cut")
    func once() {
        var limit = Self.limit(1, 100)
        let now = Instant.after(.seconds(10))
        for sent in 0..<50 { limit.overloaded(sentAt: .after(.milliseconds(sent * 200)), now: now) }
        #expect(limit.limit == 70)
        // Sent before the cut, however late they end.
        limit.overloaded(sentAt: .after(.milliseconds(9_999)), now: .after(.minutes(5)))
        #expect(limit.limit == 70)
        // Sent after it, but within a second.
        limit.overloaded(sentAt: now, now: .after(.milliseconds(10_999)))
        #expect(limit.limit == 70)
        limit.overloaded(sentAt: now, now: .after(.seconds(11)))
        #expect(limit.limit == 49)
    }

    @Test("where answers take longer to begin, a cut waits for them", arguments: [(3_999, 100), (4_000, 70)])
    func firstByte(milliseconds: Int, value: Int) {
        var limit = Self.limit(1, 143)
        limit.overloaded(sentAt: .start, now: .start)
        #expect(limit.limit == 100)
        limit.note(firstByte: .seconds(4))
        limit.overloaded(sentAt: .after(.seconds(1)), now: .after(.milliseconds(milliseconds)))
        #expect(limit.limit == value)
    }

    @Test("the usual first byte is an average that a single slow answer moves by an eighth")
    func average() {
        var limit = Self.limit(1, 1_000)
        limit.note(firstByte: .seconds(2))
        limit.note(firstByte: .seconds(10))
        limit.overloaded(sentAt: .start, now: .start)
        limit.overloaded(sentAt: .start, now: .after(.milliseconds(2_999)))
        #expect(limit.limit == 700)
        limit.overloaded(sentAt: .start, now: .after(.seconds(3)))
        #expect(limit.limit == 490)
    }

    @Test("absurd lengths and limits do not trap")
    func overflow() {
        var limit = AdaptiveLimit(AdaptiveRules(min: .min, max: .max))
        for length in [Interval.forever, Interval(nanoseconds: .min), .zero] { limit.note(firstByte: length) }
        limit.overloaded(sentAt: .start, now: .never)
        #expect(limit.limit > 0 && limit.limit < 1 << 30)
        let before = limit.limit
        for _ in 0..<1_000 { limit.succeeded(inFlight: .max, now: .never) }
        #expect(limit.limit >= before)
        #expect(AdaptiveLimit(AdaptiveRules(min: 9, max: 3)).limit == 9)
    }

    @Test(
        "new bounds keep what was learned, and raise a limit that nothing had lowered",
        arguments: [(0, 5, 80, 80), (1, 5, 80, 35), (1, 40, 80, 40), (1, 1, 20, 20), (0, 1, 20, 20)])
    func replaces(cuts: Int, min: Int, max: Int, value: Int) {
        var limit = Self.limit(5, 50, cuts: cuts)
        limit.replace(AdaptiveRules(min: min, max: max))
        #expect(limit.limit == value)
    }

    @Test("an upstream whose capacity drops to a fifth is soon used to the full without much overload")
    func capacityStep() {
        // 200 slots, 2 s an answer, overload told at once; in steps of 10 ms.
        var limit = Self.limit(1, 200)
        var ends: [Instant] = []
        var (refused, asked, used) = (0, 0, 0)
        for step in 0..<9_000 {
            let now = Instant.after(.milliseconds(step * 10))
            let done = ends.count { $0 <= now }
            for finished in 0..<done { limit.succeeded(inFlight: ends.count - finished, now: now) }
            ends.removeAll { $0 <= now }
            let capacity = step < 1_000 ? 200 : 40
            while ends.count < limit.limit {
                if step >= 2_000 { asked += 1 }
                guard ends.count < capacity else {
                    limit.overloaded(sentAt: now, now: now)
                    if step >= 2_000 { refused += 1 }
                    break
                }
                ends.append(now + .seconds(2))
            }
            if step >= 7_000 { used += min(ends.count, capacity) }
        }
        #expect(refused * 20 < asked, "\(refused) of \(asked) refused from 10 s after the step on")
        #expect(used * 100 >= 85 * 40 * 2_000, "\(used * 100 / (40 * 2_000)) % used from 60 s after the step on")
    }
}
