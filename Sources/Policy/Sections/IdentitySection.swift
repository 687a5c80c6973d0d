import Admission

extension IdentityRules {
    /// What holds without `identity:`, and for each fixed name that `identity:` leaves out.
    package static let standard = IdentityRules(
        tenant: [
            .header(name: "X-Tenant-Id", forward: false), .proxyUser, .credential, .fixed("anonymous"),
        ],
        job: [.header(name: "X-Job-Id", forward: false)],
        priority: [.header(name: "X-Priority", forward: false), .header(name: "Priority", forward: false)],
        others: [])

    /// With the names of an earlier policy in their places, and nothing where one is gone.
    func keeping(_ names: [String]) -> IdentityRules {
        var rules = self
        rules.others = names.map { name in others.first { $0.name == name } ?? Named(name: "", sources: []) }
        rules.others += others.filter { !names.contains($0.name) }
        return rules
    }
}

extension Field {
    /// Names → where their value comes from.
    func identityRules() -> IdentityRules {
        var rules = IdentityRules.standard
        for entry in entries() ?? [] {
            let sources = entry.identitySources()
            switch entry.key {
            case "tenant": rules.tenant = sources
            case "job": rules.job = sources
            case "priority": rules.priority = sources
            case "model", "credential":
                reading.findings.mistake("`\(entry.key)` is known without `identity`", at: entry.keyPosition)
            default:
                if entry.key.isIdentityName {
                    rules.others.append(IdentityRules.Named(name: entry.key, sources: sources))
                } else {
                    reading.findings.mistake(
                        "`\(entry.key)` is no name: lower-case letters, digits and underscores, at most 32",
                        at: entry.keyPosition)
                }
            }
        }
        return rules
    }

    private func identitySources() -> [IdentityRules.Source] {
        guard let items = items() else { return [] }
        if items.isEmpty { mistake("`\(key)` is an empty list") }
        return items.enumerated().compactMap { index, item in
            let source = item.identitySource(of: key)
            if case .fixed = source, index < items.count - 1 {
                item.warning("nothing behind `default` is ever looked at")
            }
            if case .credential = source, key == "priority" {
                item.warning("a key's fingerprint is never a priority (high, normal, low)")
            }
            return source
        }
    }

    private static let sourceForms = "proxy_user, credential, or a mapping with one of header, baggage, default"

    private func identitySource(of name: String) -> IdentityRules.Source? {
        if isMapping { return mappedSource(of: name) }
        guard let text = scalar(expected: Self.sourceForms)?.text else { return nil }
        switch text {
        case "proxy_user": return .proxyUser
        case "credential": return .credential
        default:
            let hint = Nearest.hint(text, in: ["proxy_user", "credential"])
            mistake("a source of `\(name)` is \(Self.sourceForms)\(hint)")
            return nil
        }
    }

    private func mappedSource(of name: String) -> IdentityRules.Source? {
        guard let section = section(["header", "baggage", "default", "forward"]) else { return nil }
        let named = ["header", "baggage", "default"].compactMap { section[$0] }
        guard named.count == 1, let source = named.first else {
            mistake("a source of `\(name)` is \(Self.sourceForms)")
            return nil
        }
        let forward = section["forward"]
        if let forward, source.key != "header" {
            reading.findings.mistake("`forward` stands only beside `header`", at: forward.keyPosition)
        }
        switch source.key {
        case "header":
            let isForwarded = forward?.flag() ?? false
            return source.token(expected: "the name of a header").map { .header(name: $0, forward: isForwarded) }
        case "baggage": return source.token(expected: "the name of a baggage member").map { .baggage(member: $0) }
        default: return source.fixedValue(of: name).map { .fixed($0) }
        }
    }

    func token(expected: String) -> String? {
        guard let text = string() else { return nil }
        if text.isHeaderToken { return text }
        mistake(expected: expected)
        return nil
    }

    private func fixedValue(of name: String) -> String? {
        guard let text = string() else { return nil }
        if name != "priority" || Priority(rawValue: text) != nil { return text }
        mistake(expected: "one of high, normal, low")
        return nil
    }
}

extension String {
    fileprivate var isIdentityName: Bool {
        (1...32).contains(utf8.count) && utf8.allSatisfy(\.isWordByte) && self == lowercased()
            && first?.isNumber == false
    }

    /// A token of RFC 9110 §5.6.2, the form of header names and of baggage keys.
    fileprivate var isHeaderToken: Bool {
        (1...128).contains(utf8.count) && utf8.allSatisfy { $0.isWordByte || "!#$%&'*+-.^`|~".utf8.contains($0) }
    }
}
