/// Two counters instead of a log: the previous fixed window counts with the share of it that the sliding window still
/// covers. As CDNs and gateways do it, and a little stricter: the request that asks must fit as a whole.
struct SlidingCounter: Sendable {
    private let quota: Int64
    private let grid: WindowGrid
    private var index = Int64.min
    private var previous: Int64 = 0
    private var current: Int64 = 0

    init(quota: Int, grid: WindowGrid) {
        self.quota = Int64(quota)
        self.grid = grid
    }

    /// Whether the arithmetic holds for these numbers.
    static func canHold(quota: Int, window: Int64) -> Bool {
        Int64(quota) < Int64.max / window / 2
    }

    /// The first instant, `now` or later, at which so many units, 1 to the quota, keep the rule.
    func earliest(for amount: Int = 1, now: Int64) -> Int64 {
        let index = grid.index(at: now)
        var (before, during) = counts(in: index)
        // At the latest the second window from here has nothing behind it.
        for ahead in 0...1 {
            let start = grid.start(of: index + Int64(ahead))
            let spare = quota - during - Int64(amount)
            if spare >= 0 {
                // before × (window − elapsed) + (during + amount) × window ≤ quota × window, solved for elapsed
                let elapsed = before == 0 ? 0 : max(0, grid.window - spare * grid.window / before)
                if elapsed < grid.window { return max(now, start + elapsed) }
            }
            (before, during) = (during, 0)
        }
        return grid.start(of: index + 2)
    }

    mutating func charge(_ amount: Int = 1, now: Int64) {
        let index = grid.index(at: now)
        (previous, current) = counts(in: index)
        self.index = index
        // Beyond the bound nothing would change but the product above would overflow.
        current = min(current + Int64(amount), Int64.max / grid.window)
    }

    /// How many units would be allowed at this instant, one after another.
    func remaining(now: Int64) -> Int {
        let index = grid.index(at: now)
        let (before, during) = counts(in: index)
        let left = grid.start(of: index + 1) - now
        return Int(max(0, (quota * grid.window - before * left) / grid.window - during))
    }

    /// When both counters are empty.
    func rested(now: Int64) -> Int64 {
        let index = grid.index(at: now)
        let (before, during) = counts(in: index)
        if during > 0 { return grid.start(of: index + 2) }
        return before > 0 ? grid.start(of: index + 1) : now
    }

    private func counts(in window: Int64) -> (previous: Int64, current: Int64) {
        if window == index { return (previous, current) }
        // `index` may be its initial minimum, so it is not subtracted from.
        return window - 1 == index ? (current, 0) : (0, 0)
    }
}
