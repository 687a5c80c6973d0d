/// Enforces an amount per calendar day of the provider's zone, so that the provider's own count never finds it passed.
///
/// The provider's clock may differ from ours, and a send takes a while to arrive: what is sent within ``skew`` of a
/// midnight counts for both days. So no day is ever charged less than the provider can count for it, and after a spent
/// day sending goes on ``skew`` after midnight.
struct CalendarBudget: Sendable {
    let quota: Int
    let zone: ResetZone
    /// Our clock against the provider's, and the way there: 2 s is far more than a synchronised clock strays.
    let skew: Interval
    /// May be set anew when the clock of the host was corrected.
    var offset: WallClockOffset
    /// By day, oldest first; the last few only.
    private var days: [Day] = []

    private struct Day: Sendable {
        let number: Int64
        var units = 0
    }

    /// - Parameter quota: units per day, 1 or more.
    init(quota: Int, zone: ResetZone, offset: WallClockOffset, skew: Interval = .seconds(2)) {
        precondition(quota >= 1, "a budget allows at least one unit")
        (self.quota, self.zone, self.offset, self.skew) = (quota, zone, offset, skew)
    }

    /// The earliest instant, `now` or later, at which so many units may be sent. More than the quota count as all of
    /// it: they go when the day is untouched.
    func earliest(for units: Int, now: Instant) -> Instant {
        let units = min(max(0, units), quota)
        var instant = now
        // Each full day is waited out; past the last that is known there is room.
        for day in days where counted(at: instant).contains(day.number) && day.units > quota - units {
            instant = end(of: day.number)
        }
        return instant
    }

    /// `instant` may lie ahead, for an attempt that will be sent then.
    mutating func charge(_ units: Int, at instant: Instant) {
        expire(now: instant)
        for number in counted(at: instant) {
            let place = place(of: number)
            let (sum, overflow) = days[place].units.addingReportingOverflow(max(0, units))
            days[place].units = overflow ? .max : sum
        }
    }

    /// Takes back what was charged for this instant; nothing where its day is long over.
    mutating func uncharge(_ units: Int, at instant: Instant) {
        let counted = counted(at: instant)
        for place in days.indices where counted.contains(days[place].number) {
            days[place].units = max(0, days[place].units - max(0, units))
        }
    }

    /// Units charged for the day of an instant; near a midnight for the fuller of the two.
    func used(now: Instant) -> Int {
        let counted = counted(at: now)
        return days.reduce(0) { counted.contains($1.number) ? max($0, $1.units) : $0 }
    }

    // MARK: Days

    /// The days that a send at an instant may count for: two near a midnight.
    private func counted(at instant: Instant) -> ClosedRange<Int64> {
        let first = zone.day(of: offset.unixSeconds(instant - skew))
        return first...max(first, zone.day(of: offset.unixSeconds(instant + skew)))
    }

    /// When sends no longer count for a day.
    private func end(of day: Int64) -> Instant {
        offset.instant(unixSeconds: zone.midnight(beginning: day + 1)) + skew
    }

    /// Drops days that are long over.
    private mutating func expire(now: Instant) {
        // Two days more than needed, for a charge that lies ahead ends no day.
        let oldest = counted(at: now).lowerBound - 2
        days.removeAll { $0.number < oldest }
    }

    private mutating func place(of number: Int64) -> Int {
        let place = days.firstIndex { $0.number >= number } ?? days.endIndex
        if place == days.endIndex || days[place].number != number { days.insert(Day(number: number), at: place) }
        return place
    }
}
