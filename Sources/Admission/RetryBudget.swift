/// Keeps repetitions to a share of the last minute's requests, so that a provider that fails everything is not asked
/// several times as much as one that works. A fixed reserve per second, as other proxies have, would be the whole limit
/// of a 600-a-minute account.
///
/// Counted in whole seconds: a minute is the current second and the 59 before it. Where the minute is spent, a
/// repetition is booked for the first second that has room when older ones have left.
package struct RetryBudget: Sendable {
    private var rules: RetryRules.Budget
    /// The minute behind and the minute ahead; see ``place(of:)``.
    private var slots = [Slot](repeating: Slot(), count: Int(RetryBudget.places))
    private var latest: Int64 = 0

    /// Seconds.
    private static let minute: Int64 = 60
    private static let places = 2 * minute
    private static let second = Interval.seconds(1)

    private struct Slot: Sendable {
        var number: Int64 = -1
        var requests = 0
        var retries = 0
        /// Those ever booked ahead for this second, given back or not: no two get the same instant.
        var booked = 0
    }

    package init(_ rules: RetryRules.Budget, now: Instant) {
        self.rules = rules
        latest = Self.number(of: now)
    }

    /// A first attempt, which earns its share of a repetition.
    package mutating func request(now: Instant) {
        tick(now)
        slots[place(of: latest)].requests += 1
    }

    /// Books one repetition and says when it may be made: `now`, an instant within the next minute that nobody else is
    /// given, or ``Instant/never`` where that minute is spent too.
    ///
    /// In no minute there are more repetitions than its requests allow, those known when each was booked.
    package mutating func reserve(now: Instant) -> Instant {
        tick(now)
        guard let number = firstRoom() else { return .never }
        return book(number, now: now)
    }

    /// Takes one repetition from the budget; says no where it is spent.
    package mutating func takeRetry(now: Instant) -> Bool {
        tick(now)
        guard firstRoom() == latest else { return false }
        slots[place(of: latest)].retries += 1
        return true
    }

    /// Returns a repetition that is not made. One that has left the minute makes no room any more.
    package mutating func giveBack(_ instant: Instant) {
        guard instant < .never else { return }
        let number = Self.number(of: instant)
        let place = Int(number % Self.places)
        if slots[place].number == number { slots[place].retries = max(0, slots[place].retries - 1) }
    }

    /// New rules hold for what is booked from now on.
    package mutating func replace(_ rules: RetryRules.Budget) {
        self.rules = rules
    }

    // MARK: Reports

    /// Repetitions of the last minute; those booked for later are not among them.
    package func used(now: Instant) -> Int {
        minute(endingWith: max(latest, Self.number(of: now))).retries
    }

    /// How many repetitions the last minute's requests allow.
    package func allowance(now: Instant) -> Int {
        allowance(for: minute(endingWith: max(latest, Self.number(of: now))).requests)
    }

    private func allowance(for requests: Int) -> Int {
        max(rules.leastPerMinute, requests * rules.percent / 100)
    }

    // MARK: Room

    /// The first second from now on, up to a minute ahead, in which one more repetition leaves every minute within its
    /// allowance: that which ends with it, and those that end with a later booking and hold it too.
    private func firstRoom() -> Int64? {
        var sum = minute(endingWith: latest)
        var first: Int64?
        for number in latest...latest + Self.minute {
            if number > latest {
                let (entering, leaving) = (slot(number), slot(number - Self.minute))
                sum.requests += entering.requests - leaving.requests
                sum.retries += entering.retries - leaving.retries
            }
            if sum.retries < allowance(for: sum.requests) {
                if first == nil { first = number }
            } else if let earlier = first, slot(number).retries > 0, number - earlier < Self.minute {
                first = nil
            }
        }
        return first
    }

    private func minute(endingWith last: Int64) -> (requests: Int, retries: Int) {
        var sum = (requests: 0, retries: 0)
        for slot in slots where slot.number <= last && slot.number > last - Self.minute {
            sum.requests += slot.requests
            sum.retries += slot.retries
        }
        return sum
    }

    /// One after the other by milliseconds, so that what was waiting for one second does not go as a herd; by
    /// microseconds where there are more than a thousand.
    private mutating func book(_ number: Int64, now: Instant) -> Instant {
        let place = place(of: number)
        slots[place].retries += 1
        guard number > latest else { return now }
        let order = slots[place].booked
        slots[place].booked += 1
        let offset = Interval.milliseconds(order % 1000) + .microseconds(order / 1000 % 1000)
        return Instant(nanoseconds: number * Self.second.nanoseconds) + offset
    }

    // MARK: Slots

    private func slot(_ number: Int64) -> Slot {
        let slot = slots[Int(max(0, number) % Self.places)]
        return slot.number == number ? slot : Slot()
    }

    /// Where a second is counted; emptied where an older one was. The number lies within a minute of the latest.
    private mutating func place(of number: Int64) -> Int {
        let place = Int(number % Self.places)
        if slots[place].number != number { slots[place] = Slot(number: number) }
        return place
    }

    /// A clock that runs backwards counts as standing still.
    private mutating func tick(_ now: Instant) {
        latest = max(latest, Self.number(of: now))
    }

    private static func number(of instant: Instant) -> Int64 {
        max(0, instant.nanoseconds) / second.nanoseconds
    }
}
