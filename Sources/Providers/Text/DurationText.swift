import Admission

/// Lengths of time as servers write them.
enum DurationText {
    /// A duration as Go and protobuf print it: `120ms`, `6m0s`, `16m17.764s`, `26s`. It must fill the text.
    ///
    /// Negative ones are zero.
    static func go(_ text: String) -> Interval? {
        var cursor = TextCursor(text)
        cursor.skipSpaces()
        let isNegative = cursor.take(UInt8(ascii: "-"))
        guard let length = cursor.duration(spaced: false, bareUnit: nil) else { return nil }
        cursor.skipSpaces()
        guard cursor.isAtEnd else { return nil }
        return isNegative ? .zero : length
    }

    /// The longest wait that a sentence announces: "Please try again in 5.289s.", "retry after 6 seconds".
    static func announced(in message: String) -> Interval? {
        var cursor = TextCursor(message)
        var longest: Interval?
        for phrase in ["try again in ", "try again after ", "retry in ", "retry after "] {
            for place in cursor.places(behind: phrase) {
                cursor.move(to: place)
                guard let wait = cursor.duration(spaced: true, bareUnit: .seconds(1)) else { continue }
                longest = max(longest ?? .zero, wait)
            }
            cursor.move(to: 0)
        }
        return longest
    }

    fileprivate static func unit(named name: String) -> Interval? {
        switch name.lowercased() {
        case "ns": Interval(nanoseconds: 1)
        case "us", "µs", "μs": .microseconds(1)
        case "ms", "millisecond", "milliseconds": .milliseconds(1)
        case "s", "sec", "secs", "second", "seconds": .seconds(1)
        case "m", "min", "mins", "minute", "minutes": .minutes(1)
        case "h", "hr", "hrs", "hour", "hours": .hours(1)
        case "d", "day", "days": .days(1)
        default: nil
        }
    }
}

extension TextCursor {
    /// Reads numbers with units, one behind the other.
    ///
    /// - Parameters:
    ///   - spaced: whether a space may stand before a unit and between the parts ("1 minute 5 seconds").
    ///   - bareUnit: the unit of a lone number that has none.
    fileprivate mutating func duration(spaced: Bool, bareUnit: Interval?) -> Interval? {
        var total: Interval?
        while true {
            let start = index
            if spaced { skipSpaces() }
            guard let amount = number(), !amount.isNegative else {
                move(to: start)
                return total
            }
            let behindNumber = index
            if spaced { skipSpaces() }
            if let unit = DurationText.unit(named: letters()) {
                total = (total ?? .zero) + amount.interval(of: unit)
            } else {
                move(to: total == nil && bareUnit != nil ? behindNumber : start)
                return total ?? bareUnit.map(amount.interval(of:))
            }
        }
    }
}
