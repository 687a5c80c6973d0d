#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A point in time as people read it, in nanoseconds since 1970-01-01T00:00:00Z without leap seconds. For log lines
/// only: decisions use a clock that never jumps.
package struct WallTime: Hashable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static var now: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// RFC 3339 in UTC with milliseconds, cut off and not rounded: `2026-03-01T12:00:00.000Z`.
    func append(to bytes: inout [UInt8]) {
        let (days, ofDay) = nanoseconds.quotientAndRemainderDown(86_400_000_000_000)
        let date = CivilDate(daysSince1970: days)
        bytes.append(date.year, digits: 4)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(date.month, digits: 2)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(date.day, digits: 2)
        bytes.append(UInt8(ascii: "T"))
        bytes.append(ofDay / 3_600_000_000_000, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(ofDay / 60_000_000_000 % 60, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(ofDay / 1_000_000_000 % 60, digits: 2)
        bytes.append(UInt8(ascii: "."))
        bytes.append(ofDay / 1_000_000 % 1_000, digits: 3)
        bytes.append(UInt8(ascii: "Z"))
    }
}

/// A day of the Gregorian calendar, extended backwards.
struct CivilDate: Hashable {
    var year: Int64
    /// 1 ... 12
    var month: Int64
    /// 1 ... 31
    var day: Int64

    /// The calendar repeats every 400 years of 146 097 days. Counted from 1 March, a leap day is the last of its year,
    /// and the months' lengths follow a fixed pattern of 153 days in five months.
    init(daysSince1970: Int64) {
        // 719 468 days from 0000-03-01 to 1970-01-01.
        let (cycle, dayOfCycle) = (daysSince1970 + 719_468).quotientAndRemainderDown(146_097)
        let leapDaysSkipped = dayOfCycle / 1_460 - dayOfCycle / 36_524 + dayOfCycle / 146_096
        let yearOfCycle = (dayOfCycle - leapDaysSkipped) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        self.month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        self.year = cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0)
    }
}

extension Int64 {
    /// The remainder is never negative, so that the day before 1970 begins at its own midnight.
    fileprivate func quotientAndRemainderDown(_ divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
