/// What the file may say although this version does not act on it. A row goes when its feature comes.
struct Unenforced {
    /// Keys from the root, `*` for a name that the author chooses; lists add nothing.
    let path: [String]

    private init(_ path: String) {
        self.path = path.split(separator: ".").map(String.init)
    }

    static let table = [Unenforced("admin.tls")]

    /// Warns of everything below `root` that the table lists.
    static func warn(about root: Field) {
        warn(about: root, rows: table[...].map { ($0, $0.path[...]) })
    }

    /// - Parameter rows: those that lead here, with what is left of their paths.
    private static func warn(about field: Field, rows: [(row: Unenforced, rest: ArraySlice<String>)]) {
        for (row, rest) in rows where rest.isEmpty { row.warn(about: field) }
        let open = rows.filter { !$0.rest.isEmpty }
        if open.isEmpty { return }
        for child in field.children {
            let matching = open.filter { $0.rest.first == "*" || $0.rest.first == child.key }
            warn(about: child, rows: matching.map { ($0.row, $0.rest.dropFirst()) })
        }
    }

    private func warn(about field: Field) {
        field.reading.findings.warning("`\(field.key)`: not enforced by this version", at: field.keyPosition)
    }
}
