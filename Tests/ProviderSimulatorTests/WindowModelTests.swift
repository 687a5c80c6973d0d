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
    var charges: [Int64] = []

    init?(_ bound: LimitRule.Bound) {
        guard case .requests(let quota, let window, let method) = bound else { return nil }
        self.quota = Int64(quota)
        self.window = window
        self.method = method
    }

    mutating func charge(at now: Int64) {
        charges.append(now)
    }

    func allows(at now: Int64) -> Bool {
        switch method {
        case .slidingLog:
            return Int64(charges.count { $0 > now - window }) < quota
        case .fixed(let phase):
            return Int64(charges.count { index($0, phase) == index(now, phase) }) < quota
        case .counter(let phase):
            let before = Int64(charges.count { index($0, phase) == index(now, phase) - 1 })
            let during = Int64(charges.count { index($0, phase) == index(now, phase) })
            let elapsed = now - (index(now, phase) * window + phase)
            return before * (window - elapsed) + (during + 1) * window <= quota * window
        case .bucket(let burst):
            return level(at: now, burst: burst) >= window
        }
    }

    func earliest(from now: Int64) -> Int64 {
        var instant = now
        while !allows(at: instant) { instant += 1 }
        return instant
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

    /// One request is `window` parts, one nanosecond brings `quota` of them.
    private func level(at now: Int64, burst: Int64) -> Int64 {
        let full = max(window, burst * quota)
        var level = full
        var last: Int64 = 0
        for charge in charges {
            level = max(0, min(full, level + (charge - last) * quota) - window)
            last = charge
        }
        return min(full, level + (now - last) * quota)
    }

    private func index(_ time: Int64, _ phase: Int64) -> Int64 {
        Int64((Double(time - phase) / Double(window)).rounded(.down))
    }
}
