/// The labels of one series in canonical order, kept as the text that stands between the braces: `a="x",b="y"`.
///
/// The text is made once, when the series is, so that a scrape only copies it; and two sets of labels are equal exactly
/// when their texts are.
struct Labels: Hashable, Comparable, Sendable {
    let text: String

    static let none = Labels([])

    /// Sorted by name; of a name that comes twice the last one counts, as when a dictionary is filled. Names are made
    /// valid (`[a-zA-Z_][a-zA-Z0-9_]*`); `le` and `quantile` belong to the text faces and get an underscore behind.
    init(_ pairs: [(String, String)]) {
        var values: [String: String] = [:]
        for (name, value) in pairs { values[Labels.validName(name)] = value }
        var bytes: [UInt8] = []
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: "=\"".utf8)
            bytes.appendEscaped(value, quotes: true)
            bytes.append(UInt8(ascii: "\""))
        }
        self.text = String(decoding: bytes, as: UTF8.self)
    }

    static func < (left: Labels, right: Labels) -> Bool { left.text < right.text }

    private static func validName(_ name: String) -> String {
        let valid = MetricName.identifier(name)
        return valid == "le" || valid == "quantile" ? valid + "_" : valid
    }
}

extension [UInt8] {
    /// Escapes what both text faces escape, backslash and line feed, and the double quote where `quotes` says so
    /// (label values in both faces, help in OpenMetrics only).
    mutating func appendEscaped(_ text: String, quotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append(contentsOf: #"\\"#.utf8)
            case UInt8(ascii: "\n"): append(contentsOf: #"\n"#.utf8)
            case UInt8(ascii: "\"") where quotes: append(contentsOf: #"\""#.utf8)
            default: append(byte)
            }
        }
    }
}
