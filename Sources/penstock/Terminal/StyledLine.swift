/// A line for a terminal, which knows how wide it is with or without colours.
struct StyledLine: Hashable, Sendable {
    enum Style: Hashable, Sendable {
        case plain, strong, faint, good, warn, bad, bar

        /// Select Graphic Rendition of ECMA-48.
        fileprivate var code: String? {
            switch self {
            case .plain: nil
            case .strong: "1"
            case .faint: "2"
            case .good: "32"
            case .warn: "33"
            case .bad: "31"
            case .bar: "36"
            }
        }
    }

    private struct Span: Hashable, Sendable {
        var text: String
        var style: Style
    }

    private var spans: [Span] = []

    init(_ text: String = "", _ style: Style = .plain) {
        add(text, style)
    }

    mutating func add(_ text: String, _ style: Style = .plain) {
        if !text.isEmpty { spans.append(Span(text: text, style: style)) }
    }

    /// Columns that the whole line takes.
    var columns: Int { spans.reduce(0) { $0 + $1.text.columns } }

    /// The line in at most `width` columns.
    func text(width: Int = .max, colours: Bool = false) -> String {
        var left = width
        var line = ""
        for span in spans where left > 0 {
            let text = span.text.cut(left)
            left -= text.columns
            if colours, let code = span.style.code {
                line += "\u{1B}[\(code)m\(text)\u{1B}[0m"
            } else {
                line += text
            }
        }
        return line
    }
}

extension String {
    /// Padded with spaces in front to at least this many columns.
    func right(_ width: Int) -> String { String(repeating: " ", count: max(0, width - columns)) + self }

    /// Padded with spaces behind to at least this many columns, and cut to no more.
    func left(_ width: Int) -> String {
        let text = cut(width)
        return text + String(repeating: " ", count: max(0, width - text.columns))
    }

    /// Broken between words into lines of at most `width` columns; a longer word has a line of its own.
    func wrapped(_ width: Int) -> [String] {
        var lines: [String] = []
        for word in split(whereSeparator: \.isWhitespace) {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}

/// Numbers as people read them.
enum Figures {
    /// One digit behind the point.
    static func tenths(_ value: Double) -> String { fixed(value, digits: 1) }

    /// - Parameter digits: behind the point, 1 to 6.
    static func fixed(_ value: Double, digits: Int) -> String {
        let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
        let scaled = Int((value * Double(scale)).rounded())
        let sign = scaled < 0 ? "-" : ""
        let fraction = String(scaled.magnitude % scale.magnitude)
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return "\(sign)\(scaled.magnitude / scale.magnitude).\(zeros)\(fraction)"
    }

    /// `12 ms`, `3.4 s`, `2 min 5 s`, `–` for nothing.
    static func wait(_ milliseconds: Double?) -> String {
        guard let milliseconds else { return "–" }
        return milliseconds < 999.5 ? "\(Int(milliseconds.rounded())) ms" : "\(tenths(milliseconds / 1000)) s"
    }

    static func seconds(_ nanoseconds: Double) -> String { "\(tenths(nanoseconds / 1e9)) s" }
}
