import Admission

/// Makes names for limits that the file does not name.
///
/// A name says for whom the limit holds, or else what it bounds: `per-tenant`, `model-gpt-4o`, `in-flight-requests`. It
/// holds no numbers as long as it is unique without, so that a reload with another number keeps the limit's counts and
/// the metrics keep their series.
struct LimitNames {
    private var taken: Set<String>
    private let dimensions: Dimensions

    private static let maxLength = 56

    init(taken: Set<String>, dimensions: Dimensions) {
        self.taken = taken
        self.dimensions = dimensions
    }

    mutating func name(for limit: Limit) -> String {
        let scope = scope(of: limit)
        let bounds = Self.bounds(of: limit.terms, withWindows: false)
        let long = Self.bounds(of: limit.terms, withWindows: true)
        let candidates = scope.isEmpty ? [bounds, long] : [scope, "\(scope)-\(bounds)", "\(scope)-\(long)"]
        let shortened = candidates.map { String($0.prefix(Self.maxLength)) }
        let numbered = (2...).lazy.map { "\(shortened[0])-\($0)" }
        let name = shortened.first { !taken.contains($0) } ?? numbered.first { !taken.contains($0) } ?? ""
        taken.insert(name)
        return name
    }

    private func scope(of limit: Limit) -> String {
        var words: [String] = []
        for condition in limit.match {
            words.append(dimensions.name(of: condition.dimension))
            words.append(contentsOf: condition.patterns.prefix(1).map { Self.plain($0.pattern) })
        }
        if !limit.per.isEmpty { words.append("per") }
        words += limit.per.map { dimensions.name(of: $0) }
        return words.filter { !$0.isEmpty }.joined(separator: "-")
    }

    private static func bounds(of terms: Limit.Terms, withWindows: Bool) -> String {
        var words: [String] = []
        if terms.inFlight != nil { words.append("in-flight") }
        for rate in terms.rates {
            let unit = plain(rate.unit.rawValue)
            let word = withWindows ? "\(unit)-per-\(Units.word(for: rate.window))" : unit
            if !words.contains(word) { words.append(word) }
        }
        if terms.distinct != nil { words.append("distinct") }
        return words.isEmpty ? "limit" : words.joined(separator: "-")
    }

    /// Letters, digits and dots; one dash for each run of anything else, none at the ends.
    private static func plain(_ text: String) -> String {
        let parts = text.utf8.split { byte in
            byte == UInt8(ascii: "_") || !(byte.isWordByte || byte == UInt8(ascii: "."))
        }
        return parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "-")
    }
}
