import Admission

/// The units of the configuration: text to value, and back for messages and tables.
package enum Units {
    static let durations: [(unit: String, length: Interval)] = [
        ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .minutes(1)), ("h", .hours(1)), ("d", .days(1)),
    ]
    static let sizes: [(unit: String, bytes: Int)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
    static let windows: [(unit: String, length: Interval)] = [
        ("s", .seconds(1)), ("sec", .seconds(1)), ("second", .seconds(1)),
        ("m", .minutes(1)), ("min", .minutes(1)), ("minute", .minutes(1)),
        ("h", .hours(1)), ("hour", .hours(1)), ("d", .days(1)), ("day", .days(1)),
    ]

    /// `250ms`, `30s`, `5m`, `1h`, `1d`; a whole number with a unit.
    package static func duration(_ text: String) -> Interval? {
        guard let (count, unit) = split(text[...]), let length = durations.first(where: { $0.unit == unit })?.length
        else { return nil }
        let interval = length * count
        return interval == .forever ? nil : interval
    }

    /// `64KiB`, `10MiB`, `1GiB`, or a plain number of bytes.
    static func size(_ text: String) -> Int? {
        guard let (count, unit) = split(text[...]) else { return nil }
        if unit.isEmpty { return count }
        guard let bytes = sizes.first(where: { $0.unit == unit })?.bytes else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: bytes)
        return overflow ? nil : product
    }

    /// `10%`.
    static func percentage(_ text: String) -> Int? {
        guard let (count, unit) = split(text[...]), unit == "%" else { return nil }
        return count
    }

    /// `500/min`, `10/s`, `10000/hour`, `200000/day`.
    static func rate(_ text: String) -> (quota: Int, window: Interval)? {
        guard let slash = text.firstIndex(of: "/"), let quota = number(text[..<slash]) else { return nil }
        let unit = text[text.index(after: slash)...]
        guard let window = windows.first(where: { $0.unit == unit })?.length else { return nil }
        return (quota, window)
    }

    /// ASCII digits only: no sign, no underscores, no exponent.
    static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(text)
    }

    private static func split(_ text: Substring) -> (count: Int, unit: Substring)? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        return number(digits).map { ($0, text[digits.endIndex...]) }
    }

    /// In the largest unit that leaves a whole number.
    package static func text(_ interval: Interval) -> String {
        for (unit, length) in durations.reversed() where interval.nanoseconds % length.nanoseconds == 0 {
            if interval >= length { return "\(interval.nanoseconds / length.nanoseconds)\(unit)" }
        }
        return interval == .zero ? "0s" : "\(interval.nanoseconds / 1_000_000)ms"
    }

    static func text(bytes: Int) -> String {
        for (unit, size) in sizes.reversed() where bytes >= size && bytes % size == 0 {
            return "\(bytes / size)\(unit)"
        }
        return "\(bytes)"
    }

    static func text(_ rate: Limit.Rate) -> String {
        "\(rate.quota)/\(word(for: rate.window))"
    }

    /// The window as a rate names it.
    static func word(for window: Interval) -> String {
        switch window {
        case .seconds(1): "s"
        case .minutes(1): "min"
        case .hours(1): "hour"
        case .days(1): "day"
        default: text(window)
        }
    }
}
