import Admission

/// The limit that holds a request back, as a refusal names it.
package struct RefusedLimit: Hashable, Sendable {
    package var name: String
    package var bound: Bound
    /// Whom it holds for, outermost dimension first; empty for a limit of the whole upstream.
    package var holders: [Holder]

    package init(name: String, bound: Bound, holders: [Holder] = []) {
        self.name = name
        self.bound = bound
        self.holders = holders
    }

    /// Which term of the limit binds.
    package enum Bound: Hashable, Sendable {
        case inFlight(Int)
        case rate(Limit.Rate)
        /// At most so many different ones under way, and what they are, in the singular ("job").
        case distinct(Int, of: String)
    }

    /// One value of one dimension: tenant "acme".
    package struct Holder: Hashable, Sendable {
        package var dimension: String
        package var value: String

        package init(_ dimension: String, _ value: String) {
            self.dimension = dimension
            self.value = value
        }
    }

    /// `limit "account" (500 requests per minute) for tenant "acme"`
    package var inWords: String {
        let whom = holders.map { "\($0.dimension) \(Words.quoted($0.value))" }.joined(separator: ", ")
        return "limit \(Words.quoted(name)) (\(bound.inWords))" + (whom.isEmpty ? "" : " for \(whom)")
    }
}

extension RefusedLimit.Bound {
    /// Registered quota units are "requests" (the default, left out), "content-bytes" and "concurrent-requests"
    /// (draft-ietf-httpapi-ratelimit-headers-10 §7); tokens and jobs get names in their manner.
    var quotaUnit: String? {
        switch self {
        case .inFlight: "concurrent-requests"
        case .distinct(_, let of): "concurrent-\(of)s"
        case .rate(let rate):
            switch rate.unit {
            case .requests: nil
            case .tokens: "tokens"
            case .inputTokens: "input-tokens"
            case .outputTokens: "output-tokens"
            }
        }
    }

    var quota: Int {
        switch self {
        case .inFlight(let count), .distinct(let count, of: _): count
        case .rate(let rate): rate.quota
        }
    }

    var window: Interval? {
        if case .rate(let rate) = self { rate.window } else { nil }
    }

    var inWords: String {
        switch self {
        case .inFlight(let count): return "\(Words.count(count, "request")) in flight"
        case .distinct(let count, let of): return "\(Words.count(count, of)) under way"
        case .rate(let rate):
            let unit =
                switch rate.unit {
                case .requests: "request"
                case .tokens: "token"
                case .inputTokens: "input token"
                case .outputTokens: "output token"
                }
            return "\(Words.count(rate.quota, unit)) per \(Words.window(rate.window))"
        }
    }
}

/// Numbers and lengths of time as a sentence says them.
enum Words {
    static func count(_ count: Int, _ noun: String) -> String {
        count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
    }

    /// A name in quotes. Names come from requests; a long one is cut, because it goes into a header field as well.
    static func quoted(_ name: String) -> String {
        "\"\(cut(name))\""
    }

    /// At most a hundred characters of a text.
    static func cut(_ text: String) -> String {
        let head = text.unicodeScalars.prefix(100)
        return String(head) + (head.endIndex < text.unicodeScalars.endIndex ? "..." : "")
    }

    /// A wait, rounded up in a unit that fits it.
    static func wait(_ wait: Interval) -> String {
        switch wait.secondsRoundedUp {
        case ...0: return "now"
        case 1 where wait < .seconds(1): return "in " + count(wait.millisecondsRoundedUp, "millisecond")
        case ...120: return "in " + count(wait.secondsRoundedUp, "second")
        case ...7200: return "in " + count((wait.secondsRoundedUp - 1) / 60 + 1, "minute")
        case ...172_800: return "in " + count((wait.secondsRoundedUp - 1) / 3600 + 1, "hour")
        default: return "in " + count((wait.secondsRoundedUp - 1) / 86400 + 1, "day")
        }
    }

    /// A length that was configured, exact: "30 seconds", "1 hour".
    static func length(_ length: Interval) -> String {
        for (unit, noun) in units where length >= unit && length.nanoseconds % unit.nanoseconds == 0 {
            return count(Int(length.nanoseconds / unit.nanoseconds), noun)
        }
        return count(length.millisecondsRoundedUp, "millisecond")
    }

    /// What comes after "per": "minute", "30 seconds".
    static func window(_ window: Interval) -> String {
        units.first { $0.0 == window }?.1 ?? length(window)
    }

    private static let units: [(Interval, String)] = [
        (.days(1), "day"), (.hours(1), "hour"), (.minutes(1), "minute"), (.seconds(1), "second"),
    ]
}
