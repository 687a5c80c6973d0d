/// Where a provider's calendar day begins: at midnight in this zone.
package enum ResetZone: Hashable, Sendable {
    case fixed(secondsEastOfUTC: Int)
    /// The United States' Pacific time by the rules in force since 2007 (Energy Policy Act of 2005, Public Law 109-58
    /// §110): daylight saving from 02:00 on the second Sunday of March to 02:00 on the first Sunday of November.
    case pacific

    package static let utc = ResetZone.fixed(secondsEastOfUTC: 0)

    /// `UTC`, `Pacific` or `America/Los_Angeles`, or an offset such as `+02:00` or `-0530`, at most 14 hours (the
    /// farthest that any place is from UTC); `nil` for anything else.
    package init?(_ text: String) {
        switch text {
        case "UTC", "Z": self = .utc
        case "Pacific", "America/Los_Angeles": self = .pacific
        default:
            guard let seconds = Self.offset(text) else { return nil }
            self = .fixed(secondsEastOfUTC: seconds)
        }
    }

    private static func offset(_ text: String) -> Int? {
        var bytes = Array(text.utf8)
        if bytes.count == 6, bytes[3] == UInt8(ascii: ":") { bytes.remove(at: 3) }
        guard bytes.count == 5, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-") else { return nil }
        let digits = bytes.dropFirst().map { Int($0) - Int(UInt8(ascii: "0")) }
        guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        let (hours, minutes) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        guard minutes < 60, hours * 60 + minutes <= 14 * 60 else { return nil }
        return (hours * 60 + minutes) * (bytes[0] == UInt8(ascii: "-") ? -60 : 60)
    }

    // MARK: Midnights

    /// The first local midnight later than a point in time. Both are seconds since 1970 UTC, of any time that
    /// nanoseconds in 64 bits can tell.
    package func nextMidnight(after unixSeconds: Int64) -> Int64 {
        midnight(beginning: day(of: unixSeconds) + 1)
    }

    /// The local midnight with which the day of a point in time began; the point itself where it is one.
    package func lastMidnight(before unixSeconds: Int64) -> Int64 {
        midnight(beginning: day(of: unixSeconds))
    }

    /// The local calendar day, counted from 1970-01-01.
    func day(of unixSeconds: Int64) -> Int64 {
        switch self {
        case .fixed(let offset): return (unixSeconds + Int64(offset)).dividedDown(by: Self.dayLength)
        case .pacific:
            // By standard time it may be an hour too early, never too late.
            let day = (unixSeconds + Self.pacificStandard).dividedDown(by: Self.dayLength)
            return unixSeconds >= midnight(beginning: day + 1) ? day + 1 : day
        }
    }

    func midnight(beginning day: Int64) -> Int64 {
        switch self {
        case .fixed(let offset): day * Self.dayLength - Int64(offset)
        case .pacific: day * Self.dayLength - Self.pacificStandard - (Self.beginsInDaylightTime(day) ? 3600 : 0)
        }
    }

    private static let dayLength: Int64 = 86_400
    /// UTC-8.
    private static let pacificStandard: Int64 = -8 * 3600

    /// The days on which the clock changes begin by the time that was: it changes two hours later.
    private static func beginsInDaylightTime(_ day: Int64) -> Bool {
        let march = lastFirstOfMarch(before: day)
        let secondSundayOfMarch = sunday(onOrAfter: march) + 7
        // 245 days from 1 March to 1 November.
        let firstSundayOfNovember = sunday(onOrAfter: march + 245)
        return day > secondSundayOfMarch && day <= firstSundayOfNovember
    }

    /// 1970-01-01 was a Thursday, and so 1970-01-04 a Sunday.
    private static func sunday(onOrAfter day: Int64) -> Int64 {
        (day - 3 + 6).dividedDown(by: 7) * 7 + 3
    }

    /// The last 1 March that is not later than a day.
    private static func lastFirstOfMarch(before day: Int64) -> Int64 {
        // At most a year off: 400 years are 146 097 days, 0000-03-01 is day -719 468.
        let year = ((day + 719_468) * 400).dividedDown(by: 146_097)
        let (march, next) = (firstOfMarch(year), firstOfMarch(year + 1))
        if march > day { return firstOfMarch(year - 1) }
        return next > day ? march : next
    }

    /// Counted from March, a leap day is the last of its year.
    private static func firstOfMarch(_ year: Int64) -> Int64 {
        365 * year + year.dividedDown(by: 4) - year.dividedDown(by: 100) + year.dividedDown(by: 400) - 719_468
    }
}

/// How far the time of day is ahead of the core's own time, whose origin is anybody's choice: wall minus instant, in
/// nanoseconds since 1970 UTC.
package struct WallClockOffset: Hashable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64 = 0) {
        self.nanoseconds = nanoseconds
    }

    /// Whole seconds since 1970 UTC, rounded down.
    func unixSeconds(_ instant: Instant) -> Int64 {
        let (wall, overflow) = instant.nanoseconds.addingReportingOverflow(nanoseconds)
        let saturated: Int64 = nanoseconds > 0 ? .max : .min
        return (overflow ? saturated : wall).dividedDown(by: 1_000_000_000)
    }

    /// Saturates at ``Instant/never``.
    func instant(unixSeconds: Int64) -> Instant {
        let (wall, isFar) = unixSeconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (instant, overflow) = wall.subtractingReportingOverflow(nanoseconds)
        if isFar { return unixSeconds > 0 ? .never : Instant(nanoseconds: .min) }
        if overflow { return nanoseconds < 0 ? .never : Instant(nanoseconds: .min) }
        return Instant(nanoseconds: instant)
    }
}

extension Int64 {
    /// The remainder would never be negative, so that the day before 1970 begins at its own midnight.
    fileprivate func dividedDown(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
