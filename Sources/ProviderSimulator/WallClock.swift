#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The time of day, for what providers write into answers; never used to measure.
enum WallClock {
    /// Whole seconds since 1970.
    static func seconds() -> Int64 {
        Int64(time(nil))
    }

    /// An HTTP-date (RFC 9110 §5.6.7, `Sun, 06 Nov 1994 08:49:37 GMT`) of a time in seconds since 1970, 0 or later.
    static func httpDate(_ seconds: Int64) -> String {
        let days = seconds / 86_400
        let clock = seconds % 86_400
        // 1970-01-01 was a Thursday.
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(days % 7)]
        let date = civil(days)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let time = [clock / 3_600, clock / 60 % 60, clock % 60].map(padded).joined(separator: ":")
        return "\(weekday), \(padded(date.day)) \(months[Int(date.month) - 1]) \(date.year) \(time) GMT"
    }

    /// RFC 3339 in UTC, `1994-11-06T08:49:37Z`, of a time in seconds since 1970, 0 or later.
    static func timestamp(_ seconds: Int64) -> String {
        let clock = seconds % 86_400
        let date = civil(seconds / 86_400)
        let day = [date.month, date.day].map(padded).joined(separator: "-")
        let time = [clock / 3_600, clock / 60 % 60, clock % 60].map(padded).joined(separator: ":")
        return "\(date.year)-\(day)T\(time)Z"
    }

    /// Days since 1970 as a date: years begin in March here, so that the leap day is the last one (Hinnant,
    /// "chrono-compatible low-level date algorithms").
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let year = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (year + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }

    private static func padded(_ number: Int64) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
