/// The strictest way to hold a rate: no stretch of time of the window's length, wherever it begins, has more than the
/// quota. The window is half open: of two requests exactly one window apart the second no longer meets the first.
struct SlidingLog: Sendable {
    private let quota: Int
    private let window: Int64
    /// The times of the last `quota` charges, oldest at ``first`` once the ring is full. Grows as it fills, so that a
    /// large quota costs memory only where it is used.
    private var times: [Int64] = []
    private var first = 0

    init(quota: Int, window: Int64) {
        self.quota = quota
        self.window = window
    }

    /// The first instant, `now` or later, at which one more request keeps the rule.
    func earliest(now: Int64) -> Int64 {
        times.count < quota ? now : max(now, times[first] + window)
    }

    mutating func charge(now: Int64) {
        if times.count < quota {
            times.append(now)
        } else {
            times[first] = now
            first = (first + 1) % quota
        }
    }

    /// How many requests would be allowed at this instant, one after another.
    func remaining(now: Int64) -> Int {
        quota - times.count + expired(now: now)
    }

    /// When the log is as if nothing had ever been sent.
    func rested(now: Int64) -> Int64 {
        times.isEmpty ? now : max(now, times[(first + times.count - 1) % times.count] + window)
    }

    /// How many of the remembered times have left the window: a binary search, since they stand in order.
    private func expired(now: Int64) -> Int {
        var low = 0
        var high = times.count
        while low < high {
            let middle = (low + high) / 2
            if times[(first + middle) % times.count] + window <= now {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
