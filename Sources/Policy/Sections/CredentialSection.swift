import Admission

/// Several keys of one upstream with the limits that each has for itself.
struct ReadCredentials {
    var credentials: [NamedCredential] = []
    /// Their limits, by place among the credentials.
    var limits: [ReadLimit] = []
}

extension Field {
    private static let credentialKeys = ["name", "key", "limits"]
    /// As many as can be looked at for each request.
    private static let mostCredentials = 64

    /// A list of keys, each with a name of its own.
    func credentials(in dimensions: Dimensions) -> ReadCredentials {
        var read = ReadCredentials()
        var lines: [String: Int] = [:]
        let items = items() ?? []
        if isList, items.isEmpty { mistake("`credentials` is empty; it needs at least one key") }
        if items.count > Self.mostCredentials { mistake("`credentials` has more than \(Self.mostCredentials) keys") }
        for item in items {
            guard let section = item.section(Self.credentialKeys) else { continue }
            if section["key"] == nil { item.mistake("a credential needs `key`") }
            guard let key = section["key"]?.secret() else { continue }
            let place = read.credentials.count
            let name = section["name"].map { $0.limitName() ?? "" } ?? key.source.plainName ?? "key-\(place + 1)"
            if let line = lines.updateValue(item.position.line, forKey: name) {
                (section["name"] ?? item).mistake("there is already a credential `\(name)`, in line \(line)")
            }
            if let same = read.credentials.first(where: { $0.key.isSame(as: key) }) {
                section["key"]?.mistake("this is the key of `\(same.name)` as well; a key's limits are counted once")
            }
            read.credentials.append(NamedCredential(name: name, key: key))
            for limit in section["limits"]?.keyLimits(in: dimensions) ?? [] {
                var limit = limit
                (limit.limit.name, limit.limit.keys) = ("\(name)/\(limit.limit.name)", [place])
                read.limits.append(limit)
            }
        }
        return read
    }
}

extension ReadCredentials {
    /// An upstream's limits with those of its keys: a limit per credential is one for each key, and one that matches
    /// credentials is for the requests of those keys together.
    func limits(besides limits: [ReadLimit]) -> [ReadLimit] {
        guard !credentials.isEmpty else { return limits }
        return limits.filter { !$0.limit.depends(on: .credential) }
            + limits.filter { $0.limit.depends(on: .credential) }.flatMap(keyed) + self.limits
    }

    private func keyed(_ read: ReadLimit) -> [ReadLimit] {
        var read = read
        let limit = read.limit
        let isAlone = limit.per.allSatisfy { $0 == .credential } && limit.terms.distinct == nil
        guard isAlone, limit.mode == .enforce else {
            read.section.field.mistake(
                "with `credentials`, a limit by credential is per nothing else, counts no distinct values "
                    + "and is enforced")
            return []
        }
        let patterns = limit.match.filter { $0.dimension == .credential }
        read.limit.match.removeAll { $0.dimension == .credential }
        let keys = credentials.indices.filter { key in
            patterns.allSatisfy { $0.patterns.contains { $0.matches(credentials[key].name) } }
        }
        if keys.isEmpty { read.section["match"]?.mistake("`match` matches no name of `credentials`") }
        checkOverrides(read.section)
        read.limit.overrides = [:]
        guard limit.per == [.credential] else {
            read.limit.keys = keys
            return keys.isEmpty ? [] : [read]
        }
        return keys.map { key in
            var own = read
            let name = credentials[key].name
            (own.limit.name, own.limit.per, own.limit.keys) = ("\(name)/\(limit.name)", [], [key])
            own.limit.terms = limit.overrides[name] ?? limit.terms
            return own
        }
    }

    private func checkOverrides(_ section: Section) {
        let names = credentials.map(\.name)
        for entry in section["overrides"]?.entries() ?? [] where !names.contains(entry.key) {
            let hint = Nearest.hint(entry.key, in: names)
            section.reading.findings.mistake("`\(entry.key)` is no name of `credentials`\(hint)", at: entry.keyPosition)
        }
    }
}

extension Secret {
    /// Whether two are the same key, as far as can be told.
    fileprivate func isSame(as other: Secret) -> Bool {
        source == other.source || value != nil && value == other.value
    }
}

extension Secret.Source {
    /// What the place of a secret is called, where that may stand in a metric.
    fileprivate var plainName: String? {
        switch self {
        case .environment(let name): name.isPlainName ? name : nil
        case .file(let path): path.split(separator: "/").last.map(String.init).flatMap { $0.isPlainName ? $0 : nil }
        }
    }
}
