import Yams

/// A value of the document together with the key that it stands under, which names it in messages.
struct Field {
    let key: String
    let keyPosition: Position
    let node: Node
    let reading: Reading

    /// Of the value; of the key where the value is empty, because that is where the author must look.
    var position: Position {
        if isEmpty { return keyPosition }
        return node.mark.map(Position.init) ?? keyPosition
    }

    /// Whether the author wrote a key and nothing behind it, or `null`.
    var isEmpty: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    var isList: Bool {
        if case .sequence = node { true } else { false }
    }

    var isMapping: Bool {
        if case .mapping = node { true } else { false }
    }

    func mistake(_ message: String) {
        reading.findings.mistake(message, at: position)
    }

    func warning(_ message: String) {
        reading.findings.warning(message, at: position)
    }

    /// Says that the value should be something else.
    func mistake(expected: String) {
        mistake(isEmpty ? "\(label) is empty; it must be \(expected)" : "\(label) must be \(expected), not \(found)")
    }

    /// How messages call the value. The whole document stands under no key.
    var label: String { key.isEmpty ? "the file" : "`\(key)`" }

    /// What stands there, for a message. Long text and text with an "@" is not repeated, for it may be a URL with a
    /// password or a key in the wrong place.
    private var found: String {
        switch node {
        case .mapping: return "a mapping"
        case .sequence: return "a list"
        case .alias: return "an alias"
        case .scalar(let scalar):
            let isShown = scalar.string.count <= 40 && !scalar.string.contains("@")
            let text = isShown ? "`\(scalar.string)`" : "this text"
            return scalar.style == .plain ? text : "\(text) in quotes"
        }
    }
}

// MARK: - Mappings and lists

extension Field {
    /// The values of a mapping whose keys the author chooses, in the order of the file, with the names of merged
    /// mappings (`<<: *base`) behind its own.
    func entries() -> [Field]? {
        guard case .mapping(let mapping) = node else {
            mistake(expected: "a mapping")
            return nil
        }
        var entries: [Field] = []
        var lines: [String: Int] = [:]
        var merged: [Field] = []
        for (keyNode, value) in mapping {
            let place = keyNode.mark.map(Position.init) ?? position
            guard case .scalar(let scalar) = keyNode else {
                reading.findings.mistake("a key must be text", at: place)
                continue
            }
            let name = reading.duplicates[place] ?? scalar.string
            let field = Field(key: name, keyPosition: place, node: value, reading: reading)
            if name == "<<", scalar.style == .plain {
                merged.append(contentsOf: field.isList ? field.items() ?? [] : [field])
            } else if let line = lines[field.key] {
                reading.findings.mistake(
                    "duplicate key `\(field.key)`, which stands already in line \(line)", at: place)
            } else {
                lines[field.key] = place.line
                entries.append(field)
            }
        }
        for entry in merged.flatMap({ $0.entries() ?? [] }) where lines[entry.key] == nil {
            lines[entry.key] = entry.keyPosition.line
            entries.append(entry)
        }
        return entries
    }

    func items() -> [Field]? {
        guard case .sequence(let sequence) = node else {
            mistake(expected: "a list")
            return nil
        }
        return sequence.map { Field(key: key, keyPosition: position, node: $0, reading: reading) }
    }

    /// The items of a list, or the value itself where it is no list.
    func oneOrMore() -> [Field] {
        guard isList else { return [self] }
        let items = items() ?? []
        if items.isEmpty { mistake("\(label) is an empty list") }
        return items
    }
}

extension Field {
    /// The entries of a mapping, or of all mappings in a list.
    var children: [Field] {
        if isMapping { return entries() ?? [] }
        return isList ? (items() ?? []).flatMap(\.children) : []
    }
}
