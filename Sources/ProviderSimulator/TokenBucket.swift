/// A bucket that starts full, loses what requests cost and fills evenly at quota per window.
///
/// Exact: the level is held in parts of a unit so small that one nanosecond adds a whole number of them.
struct TokenBucket: Sendable {
    /// Parts added per nanosecond.
    private let inflow: Int64
    /// Parts that one unit takes.
    private let cost: Int64
    /// Parts in a full bucket, at least one unit's.
    private let capacity: Int64
    private var level: Int64
    private var time = Int64.min

    /// A bucket that holds what `burst` nanoseconds bring, and at least one unit.
    init(quota: Int, window: Int64, burst: Int64) {
        let divisor = greatestCommonDivisor(Int64(quota), window)
        inflow = Int64(quota) / divisor
        cost = window / divisor
        capacity = max(cost, burst * inflow)
        level = capacity
    }

    /// Whether the arithmetic holds for these numbers.
    static func canHold(quota: Int, window: Int64, burst: Int64) -> Bool {
        let inflow = Int64(quota) / greatestCommonDivisor(Int64(quota), window)
        return !burst.multipliedReportingOverflow(by: inflow).overflow
    }

    /// The most units that fit at one time.
    var most: Int { Int(capacity / cost) }

    /// The first instant, `now` or later, at which so many units, 1 to ``most``, keep the rule.
    func earliest(for amount: Int = 1, now: Int64) -> Int64 {
        now + time(toGain: Int64(amount) * cost - level(at: now))
    }

    /// A bucket never goes below empty: a request that is charged although it did not fit takes what is there.
    mutating func charge(_ amount: Int = 1, now: Int64) {
        // What can't fit empties it all the same, and its parts might not be countable.
        level = amount > most ? 0 : max(0, level(at: now) - Int64(amount) * cost)
        time = now
    }

    /// How many units would be allowed at this instant, one after another.
    func remaining(now: Int64) -> Int {
        Int(level(at: now) / cost)
    }

    /// When the bucket is full again.
    func rested(now: Int64) -> Int64 {
        now + time(toGain: capacity - level(at: now))
    }

    private func level(at now: Int64) -> Int64 {
        let missing = capacity - level
        // Compared as times first, so that a long rest does not overflow the product.
        if missing == 0 || now - time >= self.time(toGain: missing) { return capacity }
        return level + (now - time) * inflow
    }

    private func time(toGain parts: Int64) -> Int64 {
        parts <= 0 ? 0 : (parts - 1) / inflow + 1
    }
}

private func greatestCommonDivisor(_ left: Int64, _ right: Int64) -> Int64 {
    right == 0 ? left : greatestCommonDivisor(right, left % right)
}
