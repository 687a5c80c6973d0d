import Admission

/// Which values requests can have in each dimension, as far as `identity` decides that.
struct PossibleValues {
    private let identity: IdentityRules

    init(_ identity: IdentityRules) {
        self.identity = identity
    }

    /// The values of a dimension where they are known beforehand; empty text stands for none.
    struct Known {
        var names: [String]
        /// Whether fingerprints of API keys are among them.
        var hasFingerprints: Bool

        func contains(_ value: String) -> Bool {
            names.contains(value) || hasFingerprints && Self.isFingerprint(value)
        }

        /// Whether a pattern matches any of them. What a pattern may match among fingerprints is not looked at.
        func meets(_ pattern: Glob) -> Bool {
            if names.contains(where: pattern.matches) { return true }
            let hasWildcard = pattern.pattern.contains { $0 == "*" || $0 == "?" }
            return hasFingerprints && (hasWildcard || Self.isFingerprint(pattern.pattern))
        }

        /// `key:` and 8 hexadecimal digits.
        private static func isFingerprint(_ text: String) -> Bool {
            text.hasPrefix("key:") && text.utf8.count == 12
                && text.utf8.dropFirst(4).allSatisfy { "0123456789abcdef".utf8.contains($0) }
        }

        /// For a message.
        var inWords: String {
            let shown =
                names.filter { !$0.isEmpty }.map { "`\($0)`" } + (hasFingerprints ? ["fingerprints of keys"] : [])
            return shown.isEmpty ? "nothing" : shown.joined(separator: " and ")
        }
    }

    /// `nil` where a request may bring any value.
    func known(_ dimension: Dimension) -> Known? {
        switch dimension {
        case .tenant: return known(identity.tenant, otherwise: "anonymous")
        case .job: return known(identity.job, otherwise: "")
        case .priority:
            let sources = identity.priority.filter { $0 != .credential }
            return known(sources, otherwise: Priority.normal.rawValue)
                ?? Known(names: Priority.allCases.map(\.rawValue), hasFingerprints: false)
        case .model: return nil
        case .credential: return Known(names: [""], hasFingerprints: true)
        default:
            let place = dimension.rawValue - Dimension.fixedCount
            return known(identity.others[place].sources, otherwise: "")
        }
    }

    /// How many different values there can be; `nil` where that is unknown.
    func count(of dimension: Dimension) -> Int? {
        guard let known = known(dimension), !known.hasFingerprints else { return nil }
        return Set(known.names).count
    }

    private func known(_ sources: [IdentityRules.Source], otherwise: String) -> Known? {
        var hasFingerprints = false
        for source in sources {
            switch source {
            case .header, .proxyUser, .baggage: return nil
            case .credential: hasFingerprints = true
            case .fixed(let value): return Known(names: [value], hasFingerprints: hasFingerprints)
            }
        }
        return Known(names: [otherwise], hasFingerprints: hasFingerprints)
    }
}
