/// Keeps repetitions to a share of the last minute's requests, so that a provider that fails everything is not asked
/// several times as much as one that works. A fixed reserve per second, as other proxies have, would be the whole limit
/// of a 600-a-minute account.
package struct RetryBudget: Sendable {
    private let rules: RetryRules.Budget
    private var slots = [Slot](repeating: Slot(), count: RetryBudget.slotCount)

    private static let slotCount = 60
    private static let slotLength = Interval.seconds(1)

    private struct Slot: Sendable {
        var number: Int64 = -1
        var requests = 0
        var retries = 0
    }

    package init(_ rules: RetryRules.Budget, now: Instant) {
        self.rules = rules
    }

    package mutating func request(now: Instant) {
        slots[place(now)].requests += 1
    }

    /// Takes one repetition from the budget; says no where it is spent.
    package mutating func takeRetry(now: Instant) -> Bool {
        let current = place(now)
        let oldest = slots[current].number - Int64(Self.slotCount)
        var (requests, retries) = (0, 0)
        for slot in slots where slot.number > oldest {
            requests += slot.requests
            retries += slot.retries
        }
        guard retries < max(rules.leastPerMinute, requests * rules.percent / 100) else { return false }
        slots[current].retries += 1
        return true
    }

    /// The slot of this second, emptied where it held an older one.
    private mutating func place(_ now: Instant) -> Int {
        let number = max(0, now.nanoseconds) / Self.slotLength.nanoseconds
        let place = Int(number % Int64(Self.slotCount))
        if slots[place].number != number { slots[place] = Slot(number: number) }
        return place
    }
}
