import Admission

/// A point of the calendar in milliseconds since 1970 UTC, for dates on the wire; the core's own time is ``Instant``.
package struct WallTime: Comparable, Hashable, Sendable {
    package var unixMilliseconds: Int64

    package init(unixMilliseconds: Int64) {
        self.unixMilliseconds = unixMilliseconds
    }

    package static func < (left: WallTime, right: WallTime) -> Bool {
        left.unixMilliseconds < right.unixMilliseconds
    }

    /// How long it is from now until here: zero for what is past, saturating for what is far.
    package func wait(from now: WallTime) -> Interval {
        let (difference, overflow) = unixMilliseconds.subtractingReportingOverflow(now.unixMilliseconds)
        if overflow { return unixMilliseconds > now.unixMilliseconds ? .forever : .zero }
        return max(.zero, .milliseconds(Int(difference)))
    }
}

/// A day and a time of the proleptic Gregorian calendar in UTC.
struct CivilTime: Hashable, Sendable {
    var year: Int
    /// 1 to 12.
    var month: Int
    var day: Int
    var hour = 0
    var minute = 0
    /// 60 in a leap second, which counts as the second after it.
    var second = 0
    var millisecond = 0

    /// Nothing where there is no such day or time; years 0 to 9999.
    var wallTime: WallTime? {
        guard (0...9999).contains(year), (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day),
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second),
            (0...999).contains(millisecond)
        else { return nil }
        let seconds = ((daysSince1970 * 24 + hour) * 60 + minute) * 60 + second
        return WallTime(unixMilliseconds: Int64(seconds * 1000 + millisecond))
    }

    /// Counts in years that begin in March, so that the leap day is the last of its year, and in eras of 400 of them,
    /// which all have 146 097 days.
    private var daysSince1970: Int {
        let marchYear = month > 2 ? year : year - 1
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        // 719 468 days lie between 1 March of year 0 and 1970.
        return era * 146_097 + dayOfEra - 719_468
    }

    static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
