/// Lengths of time as text, in nanoseconds.
enum DurationText {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
    ]

    /// Reads `250ms`, `1.5s`, `1m`; a number of 0 or more and one unit. `nil` for anything else or 292 years.
    static func parse(_ text: some StringProtocol) -> Int64? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard
            let unit = units.first(where: { $0.name == text.dropFirst(digits.count) })?.nanoseconds,
            let first = digits.first, first != ".", digits.last != ".", let number = Double(String(digits))
        else { return nil }
        let length = (number * Double(unit)).rounded()
        return length < 9.2e18 ? Int64(length) : nil
    }

    /// The shortest exact form with one unit, `1500ms`; what ``parse(_:)`` reads back.
    static func short(_ length: Int64) -> String {
        // Minutes stay seconds below an hour: "60s" is how limits are spoken of.
        for unit in units where length >= unit.nanoseconds && length % unit.nanoseconds == 0 {
            if unit.name == "m" { continue }
            return "\(length / unit.nanoseconds)\(unit.name)"
        }
        return "0s"
    }

    /// As Go prints a duration, which is how OpenAI prints `x-ratelimit-reset-*`: `120ms`, `1.5s`, `6m0s`, `1h0m0s`.
    /// Rounded up to whole milliseconds, so that nobody who waits so long is early.
    static func go(_ length: Int64) -> String {
        let milliseconds = (max(0, length) + 999_999) / 1_000_000
        if milliseconds == 0 { return "0s" }
        if milliseconds < 1_000 { return "\(milliseconds)ms" }
        let seconds = milliseconds / 1_000
        let rest = "\(seconds % 60)\(fraction(milliseconds % 1_000))s"
        if seconds < 60 { return rest }
        if seconds < 3_600 { return "\(seconds / 60)m\(rest)" }
        return "\(seconds / 3_600)h\(seconds / 60 % 60)m\(rest)"
    }

    private static func fraction(_ milliseconds: Int64) -> String {
        if milliseconds == 0 { return "" }
        var digits = String(milliseconds + 1_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return ".\(digits)"
    }
}
