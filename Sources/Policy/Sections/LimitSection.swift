import Admission

/// A limit with the place where it stands, for what is said about it later.
struct ReadLimit {
    var limit: Limit
    let section: Section
}

extension Field {
    private static let unitKeys = ["requests", "tokens", "input_tokens", "output_tokens"]
    private static let termKeys = ["in_flight", "at_most"] + unitKeys
    private static let limitKeys = ["name", "per", "overrides", "distinct", "match", "mode"] + termKeys
    private static let keyLimitKeys = ["name", "match", "in_flight"] + unitKeys

    /// The limits of one upstream, each with a name of its own.
    func limits(in dimensions: Dimensions) -> [ReadLimit] {
        named((items() ?? []).compactMap { $0.limit(in: dimensions) }, dimensions)
    }

    /// The limits of one of an upstream's keys, each with a name of its own.
    func keyLimits(in dimensions: Dimensions) -> [ReadLimit] {
        named((items() ?? []).compactMap { $0.keyLimit(in: dimensions) }, dimensions)
    }

    private func keyLimit(in dimensions: Dimensions) -> ReadLimit? {
        guard let section = section(Self.limitKeys) else { return nil }
        for key in Self.limitKeys where !Self.keyLimitKeys.contains(key) {
            guard let field = section[key] else { continue }
            let message = "a limit of a key has no `\(key)`; it can have \(Self.keyLimitKeys.joined(separator: ", "))"
            reading.findings.mistake(message, at: field.keyPosition)
        }
        let bounds = ["in_flight"] + Self.unitKeys
        guard bounds.contains(where: { section[$0] != nil }) else {
            mistake("a limit of a key needs at least one of \(bounds.joined(separator: ", "))")
            return nil
        }
        let matches = section["match"]?.matches(in: dimensions) ?? []
        if matches.contains(where: { $0.dimension == .credential }) {
            section["match"]?.mistake("the limit is that of one key already; it can't match `credential`")
        }
        let limit = Limit(
            name: section["name"]?.limitName() ?? "", match: matches,
            terms: Self.terms(of: section, distinct: nil, base: Limit.Terms()))
        return ReadLimit(limit: limit, section: section)
    }

    private func named(_ limits: [ReadLimit], _ dimensions: Dimensions) -> [ReadLimit] {
        var limits = limits
        var lines: [String: Int] = [:]
        for entry in limits where !entry.limit.name.isEmpty {
            guard let field = entry.section["name"] else { continue }
            if let line = lines[entry.limit.name] {
                field.mistake("there is already a limit `\(entry.limit.name)`, in line \(line)")
            } else {
                lines[entry.limit.name] = field.position.line
            }
        }
        var names = LimitNames(taken: Set(lines.keys), dimensions: dimensions)
        for index in limits.indices where limits[index].limit.name.isEmpty {
            limits[index].limit.name = names.name(for: limits[index].limit)
        }
        return limits
    }

    private func limit(in dimensions: Dimensions) -> ReadLimit? {
        guard isMapping else {
            mistake("a limit must be a mapping, such as {in_flight: 16}")
            return nil
        }
        guard let section = section(Self.limitKeys) else { return nil }
        let name = section["name"]?.limitName() ?? ""
        let per = section["per"]?.dimensions(in: dimensions) ?? []
        let distinct = section["distinct"].map { $0.dimensions(in: dimensions) }
        let hasContent = Self.termKeys.contains { section[$0] != nil }
        let terms = Self.terms(of: section, distinct: distinct ?? [], base: Limit.Terms())
        checkPairs(in: section, hasContent: hasContent)
        let limit = Limit(
            name: name, match: section["match"]?.matches(in: dimensions) ?? [], per: per, terms: terms,
            overrides: overrides(of: section, per: per, base: terms, dimensions),
            mode: section["mode"]?.choice(Limit.Mode.self) ?? .enforce)
        return hasContent ? ReadLimit(limit: limit, section: section) : nil
    }

    /// Keys of a limit that mean something only together.
    private func checkPairs(in section: Section, hasContent: Bool) {
        if section["at_most"] == nil, let distinct = section["distinct"] {
            reading.findings.mistake("`distinct` needs `at_most`: how many", at: distinct.keyPosition)
        } else if section["distinct"] == nil, let atMost = section["at_most"] {
            reading.findings.mistake("`at_most` needs `distinct`: of what", at: atMost.keyPosition)
        } else if !hasContent {
            mistake("a limit needs at least one of \(Self.termKeys.joined(separator: ", "))")
        }
    }

    /// What a mapping bounds; what it leaves out is taken from `base`.
    ///
    /// - Parameter distinct: `nil` where the section has no `at_most`.
    private static func terms(of section: Section, distinct: [Dimension]?, base: Limit.Terms) -> Limit.Terms {
        var terms = base
        if let inFlight = section["in_flight"]?.integer(1...1_000_000) { terms.inFlight = inFlight }
        if let distinct, let atMost = section["at_most"]?.integer(1...1_000_000), !distinct.isEmpty {
            terms.distinct = Limit.Distinct(atMost: atMost, of: distinct)
        }
        for key in unitKeys {
            guard let field = section[key], let unit = Limit.Unit(rawValue: key) else { continue }
            terms.rates.removeAll { $0.unit == unit }
            terms.rates += field.rates(of: unit)
        }
        return terms
    }

    private func rates(of unit: Limit.Unit) -> [Limit.Rate] {
        var rates: [Limit.Rate] = []
        for item in oneOrMore() {
            guard let rate = item.rate(of: unit) else { continue }
            if rates.contains(where: { $0.window == rate.window }) {
                item.mistake("`\(key)` has two rates per \(Units.word(for: rate.window))")
            } else {
                rates.append(rate)
            }
        }
        return rates
    }

    private func overrides(
        of section: Section, per: [Dimension], base: Limit.Terms, _ dimensions: Dimensions
    ) -> [String: Limit.Terms] {
        guard let overrides = section["overrides"] else { return [:] }
        guard section["per"] != nil else {
            let message = "`overrides` needs `per`: the dimension whose values it names"
            reading.findings.mistake(message, at: overrides.keyPosition)
            return [:]
        }
        var terms: [String: Limit.Terms] = [:]
        for entry in overrides.entries() ?? [] {
            if per.last == .priority { entry.checkKeyIsPriority() }
            guard let part = entry.limitTerms() else { continue }
            if Self.termKeys.allSatisfy({ part[$0] == nil }) {
                entry.mistake("`\(entry.key)` overrides nothing")
            }
            if let atMost = part["at_most"], base.distinct == nil {
                let message = "`at_most` overrides nothing: the limit has no `distinct`"
                reading.findings.mistake(message, at: atMost.keyPosition)
            }
            terms[entry.key] = Self.terms(of: part, distinct: base.distinct?.of ?? [], base: base)
        }
        return terms
    }

    /// What an override says.
    func limitTerms() -> Section? {
        section(Self.termKeys)
    }

    /// Dimension → glob or list of globs.
    private func matches(in dimensions: Dimensions) -> [Limit.Match] {
        (entries() ?? []).compactMap { entry in
            let patterns = entry.oneOrMore().compactMap { $0.string() }.map { Glob($0) }
            return entry.keyDimension(in: dimensions).map { Limit.Match($0, patterns) }
        }
    }

    /// Names stand in metrics, in structured fields and behind a slash in `cluster.limits`, so they are plain.
    func limitName() -> String? {
        guard let text = string() else { return nil }
        if text.isPlainName { return text }
        mistake(expected: "a name of letters, digits, dots, dashes and underscores, at most 64")
        return nil
    }

    /// For mappings by priority.
    func checkKeyIsPriority() {
        guard Priority(rawValue: key) == nil else { return }
        let names = Priority.allCases.map(\.rawValue)
        let hint = Nearest.hint(key, in: names)
        reading.findings.mistake("`\(key)` is no priority (\(names.joined(separator: ", ")))\(hint)", at: keyPosition)
    }
}

extension String {
    var isPlainName: Bool {
        guard (1...64).contains(utf8.count), utf8.first.map({ $0.isWordByte }) == true else { return false }
        return utf8.allSatisfy { $0.isWordByte || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }
}

extension Limit.Mode: CaseIterable {
    package static let allCases: [Limit.Mode] = [.enforce, .observe]
}
