/// The strictest way to hold a rate: no stretch of time of the window's length, wherever it begins, has more than the
/// quota. The window is half open: of two requests exactly one window apart the second no longer meets the first.
struct SlidingLog: Sendable {
    private let quota: Int
    private let window: Int64
    /// The charges that can still matter, oldest at ``first``; what is before it waits to be removed in one go.
    private var charges: [Charge] = []
    private var first = 0
    /// Units charged since the start, and those of them that were charged before ``first``.
    private var total = 0
    private var gone = 0

    private struct Charge: Sendable {
        var time: Int64
        /// Units charged since the start, these included: what any stretch of the log holds is one subtraction.
        var total: Int
    }

    init(quota: Int, window: Int64) {
        self.quota = quota
        self.window = window
    }

    /// The first instant, `now` or later, at which so many units, 1 to the quota, keep the rule.
    func earliest(for amount: Int = 1, now: Int64) -> Int64 {
        // All that was charged up to this total has to have left the window.
        let leaving = total + amount - quota
        if leaving <= gone { return now }
        return max(now, charges[firstPlace { $0.total >= leaving }].time + window)
    }

    mutating func charge(_ amount: Int = 1, now: Int64) {
        total += amount
        charges.append(Charge(time: now, total: total))
        // Behind a quota's worth of later charges none is asked for any more. The charge just made always stays.
        while charges[first].time + window <= now || total - charges[first].total >= quota {
            gone = charges[first].total
            first += 1
        }
        guard first > 64, first > charges.count / 2 else { return }
        charges.removeFirst(first)
        first = 0
    }

    /// How many units would be allowed at this instant, one after another.
    func remaining(now: Int64) -> Int {
        let place = firstPlace { $0.time + window > now }
        guard place < charges.count else { return quota }
        return max(0, quota - (total - (place == first ? gone : charges[place - 1].total)))
    }

    /// When the log is as if nothing had ever been sent.
    func rested(now: Int64) -> Int64 {
        charges.last.map { max(now, $0.time + window) } ?? now
    }

    /// A binary search, since times and totals only grow.
    private func firstPlace(where holds: (Charge) -> Bool) -> Int {
        var low = first
        var high = charges.count
        while low < high {
            let middle = (low + high) / 2
            if holds(charges[middle]) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }
}
