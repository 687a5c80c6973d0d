extension Setting {
    /// A block of YAML, which begins in a line of its own. Secrets are `***`, with their source in a comment.
    func yaml(indent: Int = 0) -> [String] {
        let margin = String(repeating: " ", count: indent)
        switch self {
        case .text, .secret: return [margin + inline]
        case .list(let items): return items.flatMap { Self.item($0.yaml(indent: indent + 2), margin) }
        case .named(let entries):
            return entries.flatMap { entry in
                let name = Entry("name", .text(entry.key))
                guard case .mapping(let rest) = entry.value else { preconditionFailure("what is named is a mapping") }
                return Self.item(Setting.mapping([name] + rest).yaml(indent: indent + 2), margin)
            }
        case .mapping(let entries): return entries.flatMap { $0.yaml(margin, indent) }
        }
    }

    /// With a dash before its first line.
    private static func item(_ lines: [String], _ margin: String) -> [String] {
        guard let first = lines.first else { return [] }
        return ["\(margin)- \(first.dropFirst(margin.utf8.count + 2))"] + lines.dropFirst()
    }

    private static let longestLine = 80

    /// Whether it stands behind its key: what has no parts, and a short list or mapping of such.
    fileprivate var isShort: Bool {
        switch self {
        case .text, .secret: true
        case .list(let items): items.allSatisfy(\.isShort) && inline.utf8.count <= Self.longestLine
        case .mapping(let entries):
            entries.allSatisfy { if case .text = $0.value { true } else { false } }
                && inline.utf8.count <= Self.longestLine
        case .named(let entries): entries.isEmpty
        }
    }
}

extension Setting.Entry {
    fileprivate func yaml(_ margin: String, _ indent: Int) -> [String] {
        let head = "\(margin)\(Setting.quoted(key)):"
        if case .secret(_, let source) = value { return ["\(head) \(value.inline)  # \(source)"] }
        return value.isShort ? ["\(head) \(value.inline)"] : [head] + value.yaml(indent: indent + 2)
    }
}
