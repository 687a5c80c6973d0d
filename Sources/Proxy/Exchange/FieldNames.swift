/// Compares field names without making lower-case copies of them (RFC 9110 §5.1: case does not count).
enum FieldName {
    /// Whether a field name is this one, which stands in lower case.
    static func matches(_ name: String, _ lowercased: String) -> Bool {
        let (left, right) = (name.utf8, lowercased.utf8)
        guard left.count == right.count else { return false }
        var other = right.makeIterator()
        for byte in left {
            guard let expected = other.next(), lowered(byte) == expected else { return false }
        }
        return true
    }

    @inline(__always)
    static func lowered(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// Whether a text is a token, as methods and field names are (RFC 9110 §5.6.2).
    static func isToken(_ text: String) -> Bool {
        guard !text.isEmpty else { return false }
        for byte in text.utf8 {
            switch byte {
            case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60,
                0x7C,
                0x7E:
                continue
            default: return false
            }
        }
        return true
    }

    /// What has a meaning between neighbours only and never passes a proxy, beside what `Connection` names
    /// (RFC 9110 §7.6.1; `Proxy-Connection` by custom, `HTTP2-Settings` by RFC 9113).
    static func isHopByHop(_ name: String) -> Bool {
        switch name.utf8.count {
        case 2: matches(name, "te")
        case 7: matches(name, "upgrade")
        case 10: matches(name, "connection") || matches(name, "keep-alive")
        case 14: matches(name, "http2-settings")
        case 16: matches(name, "proxy-connection")
        case 17: matches(name, "transfer-encoding")
        case 18: matches(name, "proxy-authenticate")
        case 19: matches(name, "proxy-authorization")
        default: false
        }
    }

    /// The elements of a comma-separated list, trimmed, in lower case.
    static func elements(_ value: String) -> [String] {
        value.split(separator: ",").map { element in
            let trimmed = element.utf8.drop { $0 == 0x20 || $0 == 0x09 }
            let bytes = trimmed.reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed()
            return String(decoding: bytes.map(lowered), as: UTF8.self)
        }
    }
}
