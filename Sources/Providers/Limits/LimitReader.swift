import Admission
import RawStructuredFieldValues

/// Reads what an answer's fields say of the provider's limits, whatever the answer is.
///
/// Made once for an upstream; nearly all fields of an answer differ from what it looks for in their length already.
package struct LimitReader: Sendable {
    private enum Part { case limit, remaining, reset }

    private struct Name {
        let text: String
        let row: Int
        let part: Part
    }

    private let dimensions: [(unit: Limit.Unit, window: Interval, refill: LimitNotice.Refill)]
    private let names: [Name]
    /// A bit for each length of a name.
    private let lengths: UInt64

    /// A reader of the rows from which something can be learned, and of the fields of
    /// draft-ietf-httpapi-ratelimit-headers-10.
    package init(_ rows: [LimitHeaders]) {
        var (dimensions, names): ([(Limit.Unit, Interval, LimitNotice.Refill)], [Name]) = ([], [])
        for row in rows {
            guard let dimension = row.dimension, let window = dimension.window else { continue }
            let place = dimensions.count
            dimensions.append((dimension.unit, window, dimension.refill))
            names.append(Name(text: row.remaining, row: place, part: .remaining))
            names.append(Name(text: row.reset, row: place, part: .reset))
            if let limit = row.limit { names.append(Name(text: limit, row: place, part: .limit)) }
        }
        self.dimensions = dimensions
        self.names = names
        lengths = names.reduce(1 << 9 | 1 << 16) { $0 | 1 << UInt64(min(63, $1.text.utf8.count)) }
    }

    /// What the fields say, limit by limit. Values that are no counts, negative ones and limits of 0 stand for
    /// "unknown" (OpenAI's and Azure's `-1`) and are left out; a reset is only read where less than half is left.
    ///
    /// - Parameters:
    ///   - fields: names in any case; those that ``mayRead(_:)`` names will do.
    ///   - date: the answer's `Date`.
    ///   - now: our clock; what points of time count from where the answer has no `Date`.
    package func read(
        _ fields: [(name: String, value: String)], date: @autoclosure () -> String?, now: @autoclosure () -> WallTime
    ) -> [LimitNotice] {
        var found: [(name: Int, value: String)] = []
        var (policy, state): (String?, String?)
        for (name, value) in fields where mayRead(name) {
            let length = name.utf8.count
            if length == 9, Self.matches(name, "ratelimit") { state = value }
            if length == 16, Self.matches(name, "ratelimit-policy") { policy = value }
            for index in names.indices where Self.matches(name, names[index].text) { found.append((index, value)) }
        }
        if found.isEmpty, policy == nil { return [] }
        let origin = { () -> WallTime in
            let now = now()
            return date().flatMap { DateText.http($0, now: now) } ?? now
        }
        return notices(found, origin) + Self.draftNotices(policy: policy, state: state)
    }

    /// Whether a field may be one of those that are read: by the length of its name.
    package func mayRead(_ name: String) -> Bool {
        lengths & 1 << UInt64(min(63, name.utf8.count)) != 0
    }

    private func notices(_ found: [(name: Int, value: String)], _ origin: () -> WallTime) -> [LimitNotice] {
        dimensions.indices.compactMap { row in
            func value(_ part: Part) -> String? {
                found.first { names[$0.name].row == row && names[$0.name].part == part }?.value
            }
            let limit = value(.limit).flatMap(Self.count)
            if limit == 0 { return nil }
            let remaining = value(.remaining).flatMap(Self.count)
            guard limit != nil || remaining != nil else { return nil }
            let (unit, window, refill) = dimensions[row]
            var notice = LimitNotice(unit, per: window, limit: limit, remaining: remaining, refill: refill)
            if let remaining, remaining <= (limit ?? .max) / 2 {
                notice.reset = value(.reset).flatMap { ResetText.wait($0, from: origin()) }
            }
            return notice
        }
    }

    /// A whole number, 0 or more.
    private static func count(_ text: String) -> Int? {
        var number = 0
        for byte in text.utf8 {
            guard byte.isDigit, number < 1_000_000_000_000 else { return slowCount(text) }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return text.isEmpty ? nil : number
    }

    private static func slowCount(_ text: String) -> Int? {
        guard let number = TextCursor.number(in: text), !number.isNegative, number.whole <= 1_000_000_000_000 else {
            return nil
        }
        return number.whole
    }

    private static func matches(_ name: String, _ lowercased: String) -> Bool {
        guard name.utf8.count == lowercased.utf8.count else { return false }
        let isSame = name.utf8.withContiguousStorageIfAvailable { name in
            lowercased.utf8.withContiguousStorageIfAvailable { lowercased in
                for place in name.indices where name[place].lowercasedASCII != lowercased[place] { return false }
                return true
            } ?? false
        }
        // A string of Swift's own always has its bytes in one piece.
        return isSame ?? false
    }

    // MARK: The draft of the IETF

    /// `RateLimit-Policy: "minute";q=500;w=60` and `RateLimit: "minute";r=20;t=12`, those that count requests.
    private static func draftNotices(policy: String?, state: String?) -> [LimitNotice] {
        guard let policy else { return [] }
        let states = items(state ?? "")
        return items(policy).compactMap { name, parameters in
            guard case .integer(let quota)? = parameters["q"], quota > 0, quota <= 1_000_000_000_000,
                case .integer(let seconds)? = parameters["w"], (1...31_536_000).contains(seconds),
                countsRequests(parameters)
            else { return nil }
            var notice = LimitNotice(.requests, per: .seconds(Int(seconds)), limit: Int(quota), refill: .atReset)
            let told = states.first { $0.name == name }?.parameters
            if case .integer(let rest)? = told?["r"], rest >= 0 { notice.remaining = Int(rest) }
            if case .integer(let wait)? = told?["t"], wait >= 0 { notice.reset = .seconds(Int(wait)) }
            return notice
        }
    }

    private static func countsRequests(_ parameters: OrderedMap<String, RFC9651BareItem>) -> Bool {
        switch parameters["qu"] {
        case nil: true
        case .string("requests")?: true
        default: false
        }
    }

    private static func items(
        _ text: String
    ) -> [(name: String, parameters: OrderedMap<String, RFC9651BareItem>)] {
        var parser = StructuredFieldValueParser(Array(text.utf8))
        // A malformed field is ignored as a whole (RFC 9651 §4.2).
        guard let members = try? parser.parseListFieldValue() else { return [] }
        return members.compactMap { member in
            guard case .item(let item) = member, case .string(let name) = item.rfc9651BareItem else { return nil }
            return (name, item.rfc9651Parameters)
        }
    }
}
