import Admission
import Policy

/// Finds out who sends a request, for which job and with which priority, from its fields.
final class IdentityReader: Sendable {
    private let rules: IdentityRules
    /// Fields that name an identity and stay with us, lower case.
    private let withheld: [String]
    private let withheldFilter: NameFilter

    init(rules: IdentityRules) {
        self.rules = rules
        let sources = rules.tenant + rules.job + rules.priority + rules.others.flatMap(\.sources)
        var withheld: [String] = []
        for case .header(let name, false) in sources {
            // `Priority` belongs to the request itself (RFC 9218): it is looked at and passed on.
            let name = String(decoding: name.utf8.map(FieldName.lowered), as: UTF8.self)
            if name != "priority", !withheld.contains(name) { withheld.append(name) }
        }
        self.withheld = withheld
        withheldFilter = NameFilter(withheld)
    }

    /// Whether it is worth asking whether a field is withheld.
    func mayWithhold(_ name: String) -> Bool {
        withheldFilter.mayContain(name)
    }

    /// Whether a field is withheld from the provider because it names an identity.
    func withholds(_ name: String) -> Bool {
        withheld.contains { FieldName.matches(name, $0) }
    }

    /// - Parameters:
    ///   - model: as far as the target names it.
    ///   - fingerprint: of the caller's key, empty where it sent none; asked for only where something depends on it.
    func identity(
        of fields: RequestFields, model: String, needsCredential: Bool, fingerprint: () -> String
    ) -> Identity {
        var known: String?
        func credential() -> String {
            if let known { return known }
            let made = fingerprint()
            known = made
            return made
        }
        return Identity(
            tenant: first(of: rules.tenant, in: fields, credential)?.value ?? "anonymous",
            job: first(of: rules.job, in: fields, credential)?.value ?? "",
            priority: priority(in: fields)?.value ?? .normal, model: model,
            credential: needsCredential ? credential() : "",
            others: rules.others.isEmpty
                ? [] : rules.others.map { first(of: $0.sources, in: fields, credential)?.value ?? "" })
    }

    /// The source that gives a request its value in a dimension, for whoever asks why; `nil` where none does.
    ///
    /// - Parameter dimension: tenant, job, priority or one that the policy added.
    func source(
        of dimension: Dimension, in fields: RequestFields, fingerprint: () -> String
    ) -> IdentityRules.Source? {
        switch dimension {
        case .priority: return priority(in: fields).map { rules.priority[$0.place] }
        default:
            let sources = rules.sources(of: dimension)
            return first(of: sources, in: fields, fingerprint).map { sources[$0.place] }
        }
    }

    private func first(
        of sources: [IdentityRules.Source], in fields: RequestFields, _ credential: () -> String
    ) -> (value: String, place: Int)? {
        for place in sources.indices {
            let value = value(of: sources[place], in: fields, credential)
            if let value, !value.isEmpty { return (Self.bounded(value), place) }
        }
        return nil
    }

    private func value(
        of source: IdentityRules.Source, in fields: RequestFields, _ credential: () -> String
    ) -> String? {
        switch source {
        case .header(let name, _): fields.first(name)
        case .proxyUser: fields.first("proxy-authorization").flatMap(BasicCredentials.user)
        case .baggage(let member): Self.baggage(member, in: fields)
        case .credential: credential()
        case .fixed(let value): value
        }
    }

    /// Names are kept, compared and shown: what is longer than any sensible one is cut.
    private static func bounded(_ value: String) -> String {
        value.utf8.count <= 256 ? value : String(decoding: value.utf8.prefix(256), as: UTF8.self)
    }

    private func priority(in fields: RequestFields) -> (value: Priority, place: Int)? {
        for place in rules.priority.indices {
            // A key's fingerprint is none.
            guard let value = value(of: rules.priority[place], in: fields, { "" }) else { continue }
            if let priority = Priority(rawValue: FieldName.lowered(value)) ?? Self.urgency(value) {
                return (priority, place)
            }
        }
        return nil
    }

    /// The urgency of RFC 9218 §4.1: `u=0` to `u=2` is high, 3 (the default) normal, 4 to 7 low.
    private static func urgency(_ value: String) -> Priority? {
        for parameter in FieldName.elements(value) where parameter.hasPrefix("u=") {
            switch parameter.utf8.dropFirst(2).first ?? 0 {
            case UInt8(ascii: "0")...UInt8(ascii: "2"): return .high
            case UInt8(ascii: "3"): return .normal
            case UInt8(ascii: "4")...UInt8(ascii: "7"): return .low
            default: return nil
            }
        }
        return nil
    }

    /// A member of the W3C baggage header, percent-decoding left to whoever compares.
    private static func baggage(_ member: String, in fields: RequestFields) -> String? {
        guard fields.mayHave("baggage") else { return nil }
        for field in fields.all[canonicalForm: "baggage"] {
            let parts = field.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].trimmed == member else { continue }
            return parts[1].split(separator: ";", maxSplits: 1).first.map { String($0.trimmed) }
        }
        return nil
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        drop { $0 == " " || $0 == "\t" }.reversedDrop()
    }

    private func reversedDrop() -> Substring {
        var text = self
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}

/// `Proxy-Authorization: Basic` (RFC 7617).
enum BasicCredentials {
    /// The user's name; `nil` where the field is none of this scheme.
    static func user(_ field: String) -> String? {
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, FieldName.matches(String(parts[0]), "basic"), let bytes = Base64.decode(parts[1].utf8),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        return String(decoding: bytes[..<colon], as: UTF8.self)
    }
}

extension IdentityRules {
    /// Where the values of a dimension come from; nothing for one that `identity` does not decide.
    func sources(of dimension: Dimension) -> [Source] {
        switch dimension {
        case .tenant: return tenant
        case .job: return job
        case .priority: return priority
        default:
            let place = dimension.rawValue - Dimension.fixedCount
            return others.indices.contains(place) ? others[place].sources : []
        }
    }
}
