/// A mapping with a closed set of keys.
struct Section {
    let field: Field
    private let keys: [String]
    private let fields: [String: Field]

    fileprivate init(field: Field, keys: [String], entries: [Field]) {
        self.field = field
        self.keys = keys
        fields = Dictionary(entries.map { ($0.key, $0) }) { first, _ in first }
    }

    /// The value of a key, `nil` where the file does not have it.
    subscript(key: String) -> Field? {
        precondition(keys.contains(key), "a section is asked only for the keys that it may have")
        return fields[key]
    }

    /// The value of a key that must be there.
    func required(_ key: String) -> Field? {
        if let found = self[key] { return found }
        reading.findings.mistake("\(field.label) needs `\(key)`", at: field.keyPosition)
        return nil
    }

    var reading: Reading { field.reading }
}

extension Field {
    /// A mapping that has these keys and no others.
    func section(_ keys: [String]) -> Section? {
        guard let entries = entries() else { return nil }
        for entry in entries where !keys.contains(entry.key) {
            let hint = Nearest.hint(entry.key, in: keys)
            reading.findings.mistake("unknown key `\(entry.key)`\(hint)", at: entry.keyPosition)
        }
        return Section(field: self, keys: keys, entries: entries)
    }
}
