import Rehearsal
import Testing

@testable import Admission

@Suite("Send log")
struct SendLogTests {
    @Test("a unit fits when the oldest of a full window has left it")
    func exact() {
        var log = SendLog(width: .seconds(10), capacity: 3)
        for second in [0, 1, 4] { log.record(1, at: .after(.seconds(second))) }
        let now = Instant.after(.seconds(5))
        #expect(log.earliest(for: 1, now: now) == .after(.seconds(10)))
        #expect(log.earliest(for: 2, now: now) == .after(.seconds(11)))
        #expect(log.earliest(for: 3, now: now) == .after(.seconds(14)))
        #expect(log.earliest(for: 4, now: now) == log.earliest(for: 3, now: now), "more than fits at all")
        log.expire(now: .after(.seconds(10)))
        #expect(log.total == 2 && log.earliest(for: 1, now: .after(.seconds(10))) == .after(.seconds(10)))
    }

    @Test("behind more than fits, whole windows pass", arguments: [(0, 10), (1, 11), (2, 14), (3, 20), (7, 31)])
    func behind(others: Int, seconds: Int) {
        var log = SendLog(width: .seconds(10), capacity: 3)
        for second in [0, 1, 4] { log.record(1, at: .after(.seconds(second))) }
        #expect(log.earliest(for: 1, behind: others, now: .after(.seconds(5))) == .after(.seconds(seconds)))
    }

    @Test("what is taken back makes room at once, and only once")
    func forget() {
        var log = SendLog(width: .seconds(10), capacity: 2)
        log.record(1, at: .after(.seconds(1)))
        log.record(1, at: .after(.seconds(2)))
        log.forget(1, at: .after(.seconds(1)))
        #expect(log.total == 1 && log.earliest(for: 1, now: .after(.seconds(2))) == .after(.seconds(2)))
        #expect(log.earliest(for: 2, now: .after(.seconds(2))) == .after(.seconds(12)))
    }

    @Test("what has left the log is not taken back from something newer")
    func forgetExpired() {
        var log = SendLog(width: .seconds(10), capacity: 2)
        log.record(1, at: .start)
        log.record(1, at: .after(.seconds(9)))
        log.expire(now: .after(.seconds(10)))
        log.forget(1, at: .start)
        #expect(log.total == 1)
    }

    @Test("a large log counts in grains, never too few, and stays small", arguments: seeds(5))
    func grains(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var log = SendLog(width: .seconds(60), capacity: 10_000)
        var sends: [Instant] = []
        var now = Instant.start
        for _ in 0..<30_000 {
            now = max(now + random.interval(upTo: .milliseconds(10)), log.earliest(for: 1, now: now))
            log.expire(now: now)
            now = log.earliest(for: 1, now: now)
            log.record(1, at: now)
            sends.append(now)
        }
        for index in 10_000..<sends.count where sends[index] - sends[index - 10_000] < .seconds(60) {
            Issue.record("10 001 sends within a minute, seed \(seed)")
            return
        }
    }
}

@Suite("Rate pacer")
struct RatePacerTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        let quota: Int
        let window: Interval
        let pacing: Pacing
        let burst: Int
        /// Nanoseconds.
        let spacing: Int64
        var testDescription: String { "\(quota) in \(window.secondsRoundedUp) s, \(pacing)" }
    }

    @Test(
        "bursts are a quarter of the finest part, spacing a little more than even",
        arguments: [
            // 60/59 s: all but one.
            Shape(quota: 60, window: .minutes(1), pacing: .window(.seconds(1)), burst: 1, spacing: 1_016_949_153),
            // Jitter of 10 ms in a second: 1 %.
            Shape(quota: 600, window: .minutes(1), pacing: .window(.seconds(1)), burst: 2, spacing: 101_000_001),
            Shape(quota: 30_000, window: .minutes(1), pacing: .window(.seconds(1)), burst: 125, spacing: 2_020_001),
            // 0.5 % where the window is long against the jitter.
            Shape(quota: 600, window: .minutes(1), pacing: .window(.minutes(1)), burst: 150, spacing: 100_502_513),
            Shape(quota: 600, window: .minutes(1), pacing: .window(.seconds(10)), burst: 25, spacing: 100_502_513),
            Shape(quota: 600, window: .minutes(1), pacing: .burst, burst: 600, spacing: 0),
            // A day is a budget, not a pace.
            Shape(quota: 10_000, window: .days(1), pacing: .window(.seconds(1)), burst: 10_000, spacing: 0),
            Shape(quota: 1, window: .minutes(1), pacing: .window(.seconds(1)), burst: 1, spacing: 60_010_000_000),
        ])
    func shape(_ shape: Shape) {
        let pacer = RatePacer(
            Limit.Rate(shape.quota, per: shape.window), pacing: shape.pacing, jitter: .milliseconds(10))
        #expect(pacer.burst == shape.burst)
        #expect(pacer.spacing.nanoseconds == shape.spacing)
    }

    @Test("from rest a burst goes at once, then one every spacing")
    func burstThenSpaced() {
        var pacer = RatePacer(
            Limit.Rate(600, per: .minutes(1)), pacing: .window(.seconds(1)), jitter: .milliseconds(10))
        let sends = saturate(&pacer, from: .start, count: 6)
        #expect(sends == [0, 0, 1, 2, 3, 4].map { Instant.start + pacer.spacing * $0 })
    }

    @Test("after a pause sending is spaced from the first on")
    func afterPause() {
        var pacer = RatePacer(
            Limit.Rate(600, per: .minutes(1)), pacing: .window(.seconds(10)), jitter: .milliseconds(10))
        pacer.forgoBurst(until: .after(.seconds(5)))
        let sends = saturate(&pacer, from: .after(.seconds(5)), count: 4)
        #expect(sends == [0, 1, 2, 3].map { Instant.after(.seconds(5)) + pacer.spacing * $0 })
    }

    @Test("a full window that held sends back earns no burst when it opens")
    func heldByLog() {
        var pacer = RatePacer(
            Limit.Rate(600, per: .minutes(1)), pacing: .window(.minutes(1)), jitter: .milliseconds(10))
        let sends = saturate(&pacer, from: .start, count: 603)
        #expect(sends[149] == .start && sends[599] < .after(.seconds(46)))
        #expect(sends[600] == .after(.milliseconds(60_010)))
        #expect(sends[601] == sends[600] + pacer.spacing)
    }

    struct Promise: CustomTestStringConvertible, Sendable {
        let quota: Int
        let window: Int
        let pacing: Pacing
        var testDescription: String { "\(quota) in \(window) s, \(pacing)" }
    }

    static let promises =
        [1, 2, 10, 60, 90, 100, 500, 600, 3000].flatMap { quota in
            [Pacing.burst, .window(.seconds(1)), .window(.seconds(10)), .window(.seconds(60))].map {
                Promise(quota: quota, window: 60, pacing: $0)
            }
        } + [
            Promise(quota: 7, window: 1, pacing: .window(.seconds(1))), Promise(quota: 50, window: 10, pacing: .burst),
        ]

    @Test("no window holds more than the quota, and 99 % are used (below 100 all but one)", arguments: promises)
    func promise(_ promise: Promise) {
        let window = Interval.seconds(promise.window)
        var pacer = RatePacer(Limit.Rate(promise.quota, per: window), pacing: promise.pacing, jitter: .milliseconds(10))
        let sends = saturate(&pacer, from: .start, until: .start + window * 5)
        for index in promise.quota..<max(promise.quota, sends.count) {
            #expect(sends[index] - sends[index - promise.quota] > window)
        }
        if case .window(let fine) = promise.pacing, fine < window {
            let (quotient, rest) = (promise.quota * Int(fine.nanoseconds))
                .quotientAndRemainder(dividingBy: Int(window.nanoseconds))
            let part = quotient + (rest > 0 ? 1 : 0)
            for index in part..<max(part, sends.count) { #expect(sends[index] - sends[index - part] > fine) }
        }
        let least = promise.quota < 100 ? promise.quota - 1 : promise.quota * 99 / 100
        #expect(sends.count >= 5 * max(least, 1) - 1)
    }

    @Test("what is withdrawn leaves no trace")
    func withdrawn() {
        var pacer = RatePacer(
            Limit.Rate(600, per: .minutes(1)), pacing: .window(.seconds(1)), jitter: .milliseconds(10))
        _ = saturate(&pacer, from: .start, count: 5)
        let now = Instant.after(.milliseconds(305))
        let before = (0..<20).map { pacer.earliest(for: 1, behind: $0, now: now) }
        pacer.charge(1, at: now)
        let held = pacer.earliest(for: 1, now: now)
        #expect(held > before[0])
        pacer.uncharge(1, at: now, now: now)
        #expect((0..<20).map { pacer.earliest(for: 1, behind: $0, now: now) } == before)
    }

    @Test("a known wait is never longer than the wait turns out", arguments: seeds(10))
    func lowerBound(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let pacing = random.one(of: [Pacing.burst, .window(.seconds(1)), .window(.seconds(10)), .window(.seconds(60))])
        let quota = Int.random(in: 1...200, using: &random)
        var pacer = RatePacer(Limit.Rate(quota, per: .seconds(60)), pacing: pacing, jitter: .milliseconds(10))
        let start = Instant.after(random.interval(upTo: .seconds(50)))
        _ = saturate(&pacer, from: .start, until: start)
        let bounds = (0..<100).map { pacer.earliest(for: 1, behind: $0, now: start) }
        let sends = saturate(&pacer, from: start, count: 100)
        for (bound, send) in zip(bounds, sends) { #expect(bound <= send, "seed \(seed)") }
        #expect(bounds[0] == sends[0], "seed \(seed)")
    }

    private func saturate(_ pacer: inout RatePacer, from start: Instant, count: Int) -> [Instant] {
        var now = start
        return (0..<count).map { _ in
            now = pacer.earliest(for: 1, now: now)
            pacer.expire(now: now)
            pacer.charge(1, at: now)
            return now
        }
    }

    private func saturate(_ pacer: inout RatePacer, from start: Instant, until end: Instant) -> [Instant] {
        var sends: [Instant] = []
        while pacer.earliest(for: 1, now: sends.last ?? start) < end {
            sends += saturate(&pacer, from: sends.last ?? start, count: 1)
        }
        return sends
    }
}
