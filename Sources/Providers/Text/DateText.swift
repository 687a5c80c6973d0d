/// Dates as HTTP and the providers write them.
enum DateText {
    /// An HTTP-date in any of the three forms of RFC 9110 §5.6.7.
    ///
    /// - Parameter now: decides the century of the two-digit years of RFC 850: never more than 50 years ahead.
    static func http(_ text: String, now: WallTime) -> WallTime? {
        imfFixdate(text) ?? rfc850(text, now: now) ?? asctime(text)
    }

    /// `2025-08-21T12:40:59Z`, with an optional fraction and offset (RFC 3339 §5.6).
    static func rfc3339(_ text: String) -> WallTime? {
        var cursor = TextCursor(text)
        cursor.skipSpaces()
        guard let year = cursor.digits(4), cursor.take(UInt8(ascii: "-")), let month = cursor.digits(2),
            cursor.take(UInt8(ascii: "-")), let day = cursor.digits(2),
            cursor.take(UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")),
            var time = cursor.timeOfDay(CivilTime(year: year, month: month, day: day))
        else { return nil }
        if cursor.next == UInt8(ascii: ".") {
            guard let fraction = cursor.number() else { return nil }
            time.millisecond = fraction.billionths / 1_000_000
        }
        guard let offset = cursor.offsetMinutes(), let moment = time.wallTime else { return nil }
        cursor.skipSpaces()
        guard cursor.isAtEnd else { return nil }
        return WallTime(unixMilliseconds: moment.unixMilliseconds - Int64(offset) * 60_000)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private static func imfFixdate(_ text: String) -> WallTime? {
        var cursor = TextCursor(text)
        cursor.skipSpaces()
        guard cursor.weekday(short), cursor.take(word: ", "), let day = cursor.digits(2), cursor.take(word: " "),
            let month = cursor.month(), cursor.take(word: " "), let year = cursor.digits(4), cursor.take(word: " "),
            let time = cursor.timeOfDay(CivilTime(year: year, month: month, day: day)), cursor.take(word: " GMT")
        else { return nil }
        return cursor.end(time)
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`
    private static func rfc850(_ text: String, now: WallTime) -> WallTime? {
        var cursor = TextCursor(text)
        cursor.skipSpaces()
        guard cursor.weekday(long), cursor.take(word: ", "), let day = cursor.digits(2), cursor.take(word: "-"),
            let month = cursor.month(), cursor.take(word: "-"), let year = cursor.digits(2), cursor.take(word: " "),
            var time = cursor.timeOfDay(CivilTime(year: 2000 + year, month: month, day: day)),
            cursor.take(word: " GMT")
        else { return nil }
        let fiftyYears: Int64 = 18_262 * 86_400_000
        if let later = time.wallTime, later.unixMilliseconds > now.unixMilliseconds + fiftyYears {
            time.year -= 100
        }
        return cursor.end(time)
    }

    /// `Sun Nov  6 08:49:37 1994`
    private static func asctime(_ text: String) -> WallTime? {
        var cursor = TextCursor(text)
        cursor.skipSpaces()
        guard cursor.weekday(short), cursor.take(word: " "), let month = cursor.month(), cursor.take(word: " ") else {
            return nil
        }
        guard let day = cursor.take(word: " ") ? cursor.digits(1) : cursor.digits(2), cursor.take(word: " "),
            var time = cursor.timeOfDay(CivilTime(year: 0, month: month, day: day)), cursor.take(word: " "),
            let year = cursor.digits(4)
        else { return nil }
        time.year = year
        return cursor.end(time)
    }

    private static let short = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let long = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    fileprivate static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

extension TextCursor {
    /// Reads the name of a day. Whether it is the right one for the date is nobody's business.
    fileprivate mutating func weekday(_ names: [String]) -> Bool {
        for name in names where take(word: name) { return true }
        return false
    }

    fileprivate mutating func month() -> Int? {
        for (place, name) in DateText.months.enumerated() where take(word: name) { return place + 1 }
        return nil
    }

    /// Reads `08:49:37` into a date.
    fileprivate mutating func timeOfDay(_ date: CivilTime) -> CivilTime? {
        var time = date
        guard let hour = digits(2), take(UInt8(ascii: ":")), let minute = digits(2), take(UInt8(ascii: ":")),
            let second = digits(2)
        else { return nil }
        time.hour = hour
        time.minute = minute
        time.second = second
        return time
    }

    /// Reads `Z` or `+02:00`.
    fileprivate mutating func offsetMinutes() -> Int? {
        if take(UInt8(ascii: "Z"), UInt8(ascii: "z")) { return 0 }
        let sign = next == UInt8(ascii: "-") ? -1 : 1
        guard take(UInt8(ascii: "+"), UInt8(ascii: "-")), let hours = digits(2), take(UInt8(ascii: ":")),
            let minutes = digits(2), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 60 + minutes)
    }

    fileprivate mutating func end(_ time: CivilTime) -> WallTime? {
        skipSpaces()
        return isAtEnd ? time.wallTime : nil
    }
}
