import Admission

/// Counts what a peer may do for free at once, and how much of that comes back in a second.
struct TokenBucket {
    private let capacity: Int
    private let interval: Interval
    /// When the bucket would be full, if nothing more is taken.
    private var fullAt = Instant(nanoseconds: .min)

    /// - Parameters:
    ///   - capacity: at least 1.
    ///   - perSecond: at least 1.
    init(capacity: Int, perSecond: Int) {
        precondition(capacity > 0 && perSecond > 0, "a bucket holds something and fills up again")
        self.capacity = capacity
        interval = Interval(nanoseconds: 1_000_000_000 / Int64(perSecond))
    }

    /// Takes one; says whether there was one.
    mutating func take(now: Instant) -> Bool {
        let next = max(fullAt, now) + interval
        guard next - now <= Interval(nanoseconds: interval.nanoseconds * Int64(capacity)) else { return false }
        fullAt = next
        return true
    }
}
