import Testing

@testable import ProviderSimulator

/// Each way to hold a rate against a recount from the list of all charges, in windows so short that the true earliest
/// instant can be found by trying each nanosecond.
@Suite("Ways to hold a rate")
struct WindowModelTests {
    static let bounds: [LimitRule.Bound] = [
        .requests(1, window: 10, .slidingLog), .requests(7, window: 100, .slidingLog),
        .requests(40, window: 60, .slidingLog),
        .requests(1, window: 10, .fixed(phase: 0)), .requests(7, window: 100, .fixed(phase: 33)),
        .requests(5, window: 60, .fixed(phase: 1_000_000)),
        .requests(1, window: 10, .bucket(burst: 10)), .requests(7, window: 100, .bucket(burst: 100)),
        .requests(7, window: 100, .bucket(burst: 20)), .requests(30, window: 7, .bucket(burst: 1)),
        .requests(1, window: 10, .counter(phase: 0)), .requests(7, window: 100, .counter(phase: 33)),
        .requests(40, window: 60, .counter(phase: 5)),
    ]

    static let tokenBounds: [LimitRule.Bound] = [
        .tokens(.all, 1, window: 10, .slidingLog), .tokens(.all, 50, window: 100, .slidingLog),
        .tokens(.all, 400, window: 60, .slidingLog), .tokens(.input, 50, window: 100, .fixed(phase: 33)),
        .tokens(.all, 400, window: 60, .fixed(phase: 1_000_000)), .tokens(.all, 50, window: 100, .bucket(burst: 100)),
        .tokens(.all, 50, window: 100, .bucket(burst: 20)), .tokens(.output, 30, window: 7, .bucket(burst: 1)),
        .tokens(.all, 7, window: 100, .bucket(burst: 300)), .tokens(.all, 50, window: 100, .counter(phase: 33)),
        .tokens(.all, 400, window: 60, .counter(phase: 5)),
    ]

    @Test(
        "count tokens as a recount does, and name the true earliest instant of each amount", arguments: tokenBounds,
        1...4 as ClosedRange<UInt64>)
    func tokens(bound: LimitRule.Bound, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var counter = Counter(bound)
        var recount = try #require(Recount(bound))
        var now: Int64 = 0
        #expect(counter.most == recount.remaining(at: 0))
        for step in 0..<300 {
            now += Int64.random(in: 0...(step % 50 == 0 ? 500 : 12), using: &random)
            let isSmall = Bool.random(using: &random)
            let amount = Int.random(in: 1...(isSmall ? max(1, counter.most / 8) : counter.most), using: &random)
            let earliest = try #require(counter.earliest(for: amount, now: now))
            #expect(earliest == recount.earliest(of: amount, from: now), "seed \(seed), step \(step), now \(now)")
            #expect(counter.isClosed(for: amount, now: now) == (earliest > now))
            #expect(
                counter.standing(now: now)?.remaining == recount.remaining(at: now), "seed \(seed), step \(step)")
            // Now and then a refused request is charged, as where failed requests count, even one too large for all.
            if earliest == now || step % 17 == 0 {
                let charged = step % 34 == 0 ? amount + counter.most : amount
                counter.charge(charged, now: now, accepted: true)
                recount.charge(charged, at: now)
            }
        }
    }

    @Test("never allow what is more than they hold, at any time", arguments: tokenBounds)
    func tooLarge(bound: LimitRule.Bound) {
        let counter = Counter(bound)
        #expect(counter.earliest(for: counter.most, now: 5) == 5)
        #expect(counter.earliest(for: counter.most + 1, now: 5) == nil)
        #expect(counter.isClosed(for: counter.most + 1, now: 1_000_000))
        #expect(counter.isClosed(for: .max, now: 1_000_000))
    }

    @Test("A sliding log of a minute by hand")
    func byHand() {
        var log = SlidingLog(quota: 20_000, window: 60)
        log.charge(9_000, now: 0)
        log.charge(9_000, now: 10)
        #expect(log.remaining(now: 10) == 2_000)
        #expect(log.earliest(for: 2_000, now: 10) == 10)
        #expect(log.earliest(for: 2_001, now: 10) == 60)
        #expect(log.earliest(for: 11_000, now: 10) == 60)
        #expect(log.earliest(for: 11_001, now: 10) == 70)
        log.charge(11_000, now: 60)
        #expect(log.remaining(now: 60) == 0)
        #expect(log.earliest(for: 9_000, now: 61) == 70)
        #expect(log.earliest(for: 9_001, now: 61) == 120)
    }

    @Test(
        "accept and refuse as a recount does, and name the true earliest instant", arguments: bounds,
        1...3 as ClosedRange<UInt64>)
    func againstRecount(bound: LimitRule.Bound, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var counter = Counter(bound)
        var recount = try #require(Recount(bound))
        var now: Int64 = 0
        for step in 0..<300 {
            now += Int64.random(in: 0...(step % 50 == 0 ? 300 : 12), using: &random)
            let earliest = try #require(counter.earliest(now: now))
            #expect(earliest == recount.earliest(from: now), "seed \(seed), step \(step), now \(now)")
            #expect(counter.isClosed(now: now) == (earliest > now))
            #expect(counter.standing(now: now)?.remaining == recount.remaining(at: now), "step \(step), now \(now)")
            // Now and then a refused request is charged, as where failed requests count.
            if earliest == now || step % 17 == 0 {
                counter.charge(now: now, accepted: true)
                recount.charge(at: now)
            }
        }
    }

    @Test("are at rest when the told time has passed, and not before", arguments: bounds)
    func reset(bound: LimitRule.Bound) throws {
        var random = SeededRandom(seed: 9)
        var counter = Counter(bound)
        let whole = try #require(counter.standing(now: 0)).remaining
        var now: Int64 = 0
        for _ in 0..<200 {
            now += Int64.random(in: 0...9, using: &random)
            if !counter.isClosed(now: now) { counter.charge(now: now, accepted: true) }
            let reset = try #require(counter.standing(now: now)).reset
            #expect(counter.standing(now: now + reset) == Standing(quota: try quota(bound), remaining: whole, reset: 0))
            if reset > 0 { #expect(try #require(counter.standing(now: now + reset - 1)).reset == 1) }
        }
    }

    @Test("give the whole quota at once from rest, except a bucket that holds less")
    func fromRest() throws {
        let burst: [(LimitRule.Method, Int)] = [
            (.slidingLog, 500), (.fixed(phase: 0), 500), (.bucket(burst: 60_000_000_000), 500),
            (.bucket(burst: 1_000_000_000), 8), (.counter(phase: 0), 500),
        ]
        for (method, expected) in burst {
            var counter = Counter(.requests(500, window: 60_000_000_000, method))
            var accepted = 0
            while !counter.isClosed(now: 7) {
                counter.charge(now: 7, accepted: true)
                accepted += 1
            }
            #expect(accepted == expected, "\(method)")
        }
    }

    @Test("A sliding log meets the request that is exactly one window old no more")
    func slidingBoundary() {
        var log = SlidingLog(quota: 2, window: 1_000)
        log.charge(now: 5)
        log.charge(now: 10)
        #expect(log.earliest(now: 1_004) == 1_005)
        #expect(log.earliest(now: 1_005) == 1_005)
        log.charge(now: 1_005)
        #expect(log.earliest(now: 1_005) == 1_010)
    }

    @Test("A fixed window gives its quota anew at the boundary, so twice the quota passes around it")
    func fixedBoundary() {
        var window = FixedWindow(quota: 3, grid: WindowGrid(window: 100, phase: 0))
        for _ in 0..<3 { window.charge(now: 99) }
        #expect(window.earliest(now: 99) == 100)
        for _ in 0..<3 { window.charge(now: 100) }
        #expect(window.earliest(now: 100) == 200)
    }

    @Test(
        "Windows before the phase are windows too",
        arguments: [(-1, -1), (0, -1), (39, -1), (40, 0), (139, 0), (140, 1)])
    func grid(now: Int64, index: Int64) {
        let grid = WindowGrid(window: 100, phase: 40)
        #expect(grid.index(at: now) == index)
        #expect(grid.start(of: index) <= now && now < grid.start(of: index + 1))
    }

    @Test("A bucket of a day's quota keeps whole nanoseconds over a long rest")
    func dayBucket() {
        let day: Int64 = 86_400_000_000_000
        var bucket = TokenBucket(quota: 200_000, window: day, burst: day)
        for _ in 0..<200_000 { bucket.charge(now: 0) }
        #expect(bucket.remaining(now: 0) == 0)
        #expect(bucket.earliest(now: 0) == 432_000_000)
        #expect(bucket.remaining(now: 431_999_999) == 0)
        #expect(bucket.remaining(now: 400 * day) == 200_000)
    }

    private func quota(_ bound: LimitRule.Bound) throws -> Int {
        guard case .requests(let quota, _, _) = bound else { throw SimulatorTextError("no rate") }
        return quota
    }
}

/// The rules as their definitions say them, from the list of all charges.
private struct Recount {
    let quota: Int64
    let window: Int64
    let method: LimitRule.Method
    var charges: [(time: Int64, amount: Int64)] = []

    init?(_ bound: LimitRule.Bound) {
        switch bound {
        case .inFlight: return nil
        case .requests(let quota, let window, let method), .tokens(_, let quota, let window, let method):
            self.quota = Int64(quota)
            self.window = window
            self.method = method
        }
    }

    mutating func charge(_ amount: Int = 1, at now: Int64) {
        charges.append((now, Int64(amount)))
    }

    func allows(_ amount: Int = 1, at now: Int64) -> Bool {
        let amount = Int64(amount)
        switch method {
        case .slidingLog:
            return sum { $0 > now - window } + amount <= quota
        case .fixed(let phase):
            return sum { index($0, phase) == index(now, phase) } + amount <= quota
        case .counter(let phase):
            let before = sum { index($0, phase) == index(now, phase) - 1 }
            let during = sum { index($0, phase) == index(now, phase) }
            let elapsed = now - (index(now, phase) * window + phase)
            return before * (window - elapsed) + (during + amount) * window <= quota * window
        case .bucket(let burst):
            return level(at: now, burst: burst) >= amount * window
        }
    }

    func earliest(of amount: Int = 1, from now: Int64) -> Int64 {
        var instant = now
        while !allows(amount, at: instant) { instant += 1 }
        return instant
    }

    private func sum(where isMeant: (Int64) -> Bool) -> Int64 {
        charges.reduce(0) { isMeant($1.time) ? $0 + $1.amount : $0 }
    }

    func remaining(at now: Int64) -> Int {
        var copy = self
        var count = 0
        while copy.allows(at: now) {
            copy.charge(at: now)
            count += 1
        }
        return count
    }

    /// One unit is `window` parts, one nanosecond brings `quota` of them.
    private func level(at now: Int64, burst: Int64) -> Int64 {
        let full = max(window, burst * quota)
        var level = full
        var last: Int64 = 0
        for charge in charges {
            level = max(0, min(full, level + (charge.time - last) * quota) - charge.amount * window)
            last = charge.time
        }
        return min(full, level + (now - last) * quota)
    }

    private func index(_ time: Int64, _ phase: Int64) -> Int64 {
        Int64((Double(time - phase) / Double(window)).rounded(.down))
    }
}
