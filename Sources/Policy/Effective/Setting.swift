/// A value of the configuration as a person would write it, for showing it and for saying what changes.
indirect enum Setting: Hashable {
    /// A word, a number or a text.
    case text(String)
    /// What must not be shown, and where it comes from.
    case secret(Secret, source: String)
    case list([Setting])
    /// By key, in the order in which it is shown.
    case mapping([Entry])
    /// Mappings that have a name each, in a list.
    case named([Entry])

    struct Entry: Hashable {
        var key: String
        var value: Setting

        init(_ key: String, _ value: Setting) {
            (self.key, self.value) = (key, value)
        }
    }
}

extension Setting {
    static func number(_ value: Int) -> Setting { .text("\(value)") }
    static func flag(_ value: Bool) -> Setting { .text(value ? "true" : "false") }

    /// One alone, or a list.
    static func oneOrMore(_ values: [Setting]) -> Setting { values.count == 1 ? values[0] : .list(values) }

    /// In one line, as YAML's flow style has it.
    var inline: String {
        switch self {
        case .text(let text): return Self.quoted(text)
        case .secret: return "\"***\""
        case .list(let items): return "[" + items.map(\.inline).joined(separator: ", ") + "]"
        case .named(let entries):
            return "[" + entries.map { "{\(Self.quoted($0.key)): \($0.value.inline)}" }.joined(separator: ", ") + "]"
        case .mapping(let entries):
            return "{" + entries.map { "\(Self.quoted($0.key)): \($0.value.inline)" }.joined(separator: ", ") + "}"
        }
    }

    /// A plain scalar where that can't be taken for anything else, else one in double quotes (YAML 1.2 §7.3).
    static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0.isWordByte || "-./:%".utf8.contains($0) }
        let isSafe = text.utf8.first.map { $0.isWordByte || $0 == UInt8(ascii: "/") } == true && text.last != ":"
        if isPlain, isSafe, !["null", "yes", "no", "on", "y", "n"].contains(text.lowercased()) { return text }
        return "\"" + text.unicodeScalars.map(escaped).joined() + "\""
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"", "\\": return "\\\(scalar)"
        case ..<" ", "\u{7F}":
            let digits = String(scalar.value, radix: 16)
            return digits.utf8.count == 1 ? "\\x0\(digits)" : "\\x\(digits)"
        default: return String(scalar)
        }
    }
}
