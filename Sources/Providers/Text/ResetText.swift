import Admission

/// When a limit has something again, as providers write it in a field.
enum ResetText {
    /// One parser for all the forms of a reset: a Go duration, RFC 3339, seconds from now, Unix seconds or milliseconds
    /// (told apart by size), an HTTP-date. Nothing for what is negative or none of these.
    ///
    /// - Parameter origin: what points of time count from.
    static func wait(_ value: String, from origin: @autoclosure () -> WallTime) -> Interval? {
        if let number = TextCursor.number(in: value) {
            guard !number.isNegative else { return nil }
            switch number.whole {
            case ..<1_000_000_000: return number.interval(of: .seconds(1))
            case ..<100_000_000_000: return unix(number, milliseconds: 1000, from: origin())
            default: return unix(number, milliseconds: 1, from: origin())
            }
        }
        if let length = DurationText.go(value) { return length }
        let origin = origin()
        return (DateText.rfc3339(value) ?? DateText.http(value, now: origin))?.wait(from: origin)
    }

    private static func unix(_ number: PlainNumber, milliseconds scale: Int, from origin: WallTime) -> Interval {
        let (whole, overflow) = number.whole.multipliedReportingOverflow(by: scale)
        if overflow { return .forever }
        let part = number.billionths * scale / 1_000_000_000
        return WallTime(unixMilliseconds: Int64(whole) + Int64(part)).wait(from: origin)
    }
}
