/// Compares field names without making lower-case copies of them (RFC 9110 §5.1: case does not count).
enum FieldName {
    /// Whether a field name is this one, which stands in lower case.
    static func matches(_ name: String, _ lowercased: String) -> Bool {
        guard name.utf8.count == lowercased.utf8.count else { return false }
        return name.withBytes { name in
            lowercased.withBytes { lowercased in
                for place in name.indices where lowered(name[place]) != lowercased[place] { return false }
                return true
            }
        }
    }

    @inline(__always)
    static func lowered(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// Whether a text is a token, as methods and field names are (RFC 9110 §5.6.2).
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.withBytes { $0.allSatisfy(isTokenByte) }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C,
            0x7E:
            true
        default: false
        }
    }

    /// A text in lower case, as far as it is ASCII.
    static func lowered(_ text: String) -> String {
        text.withBytes { bytes in
            String(unsafeUninitializedCapacity: bytes.count) { room in
                // As many as there is room for: `room` has at least the capacity that was asked for.
                for place in bytes.indices { room[place] = lowered(bytes[place]) }
                return bytes.count
            }
        }
    }

    /// What has a meaning between neighbours only and never passes a proxy, beside what `Connection` names
    /// (RFC 9110 §7.6.1; `Proxy-Connection` by custom, `HTTP2-Settings` by RFC 9113).
    static let hopByHop = [
        "te", "upgrade", "connection", "keep-alive", "http2-settings", "proxy-connection", "transfer-encoding",
        "proxy-authenticate", "proxy-authorization",
    ]

    private static let hopByHopFilter = NameFilter(hopByHop)

    /// Whether a name is one of ``hopByHop``.
    static func isHopByHop(_ name: String) -> Bool {
        hopByHopFilter.mayContain(name) && hopByHop.contains { matches(name, $0) }
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

extension String {
    /// Shows the bytes of the text without a copy; every string that is none of Objective-C has them in one piece.
    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        if let result = utf8.withContiguousStorageIfAvailable(body) { return result }
        var copy = self
        return copy.withUTF8(body)
    }
}
