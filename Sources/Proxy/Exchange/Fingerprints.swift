import Crypto
import Providers

/// Turns API keys into names that tell them apart and give nothing away: `key:` and 8 hexadecimal digits of the key's
/// SHA-256. An application uses few keys, so they are remembered, up to a bound.
struct Fingerprints {
    private static let bound = 256

    /// By the field as it came, so that a known one is not taken apart again.
    private var known: [String: String] = [:]
    /// The field that was asked for last, and its name: mostly it is the next one too.
    private var last = (field: "", name: "")

    /// The fingerprint of the key that a request carries; empty where it carries none.
    mutating func fingerprint(in fields: RequestFields, target: String, _ rule: CredentialRule) -> String {
        let field = fields.first(rule.field.name)
        if let field {
            if field == last.field { return last.name }
            if let name = known[field] {
                last = (field, name)
                return name
            }
        }
        guard let key = rule.clientKey(target: target, header: { fields.first($0) }) else { return "" }
        let name = Self.make(key)
        if let field {
            if known.count >= Self.bound { known.removeAll(keepingCapacity: true) }
            known[field] = name
        }
        return name
    }

    static func make(_ key: String) -> String {
        SHA256.hash(data: Array(key.utf8)).prefix(4).reduce(into: "key:") { text, byte in
            text += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
    }
}
