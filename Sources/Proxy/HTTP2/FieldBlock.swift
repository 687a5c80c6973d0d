import NIOHPACK

/// What a block of fields must be (RFC 9113 §8.2, §8.3): looked through once, by bytes, because it is done for each
/// message.
enum FieldBlock {
    case request, response, trailers

    /// Whether a block that came is well-formed, and can stand in an HTTP/1.1 message: its names and values could carry
    /// line ends, of which another request would be made.
    func isWellFormed(_ block: HPACKHeaders) -> Bool {
        var pseudo = PseudoFields()
        var isRegular = false
        for (name, value, _) in block {
            guard Self.isValue(value) else { return false }
            if name.utf8.first == UInt8(ascii: ":") {
                guard !isRegular, pseudo.insert(name, of: self) else { return false }
                continue
            }
            isRegular = true
            guard Self.isName(name), !Self.isForConnection(name, value) else { return false }
        }
        return pseudo.isComplete(for: self)
    }

    /// A token in lower case (RFC 9113 §8.2.1).
    private static func isName(_ name: String) -> Bool {
        FieldName.isToken(name) && name.withBytes { bytes in !bytes.contains { $0 &- 0x41 < 26 } }
    }

    /// Nearly all bytes are told by the first comparison.
    private static func isValue(_ value: String) -> Bool {
        value.withBytes { $0.allSatisfy { $0 > 0x0D || $0 != 0 && $0 != 0x0A && $0 != 0x0D } }
    }

    /// What HTTP/2 has no fields for (RFC 9113 §8.2.2).
    private static func isForConnection(_ name: String, _ value: String) -> Bool {
        switch name.utf8.count {
        case 2: name == "te" && value != "trailers"
        case 7: name == "upgrade"
        case 10: name == "connection" || name == "keep-alive"
        case 16: name == "proxy-connection"
        case 17: name == "transfer-encoding"
        default: false
        }
    }

    /// Which pseudo-fields there are, each at most once.
    private struct PseudoFields {
        private static let names = [":method", ":scheme", ":path", ":authority", ":protocol", ":status"]
        private static let (method, scheme, path, authority, extended, status) = (1, 2, 4, 8, 16, 32)

        private var seen = 0

        mutating func insert(_ name: String, of kind: FieldBlock) -> Bool {
            guard let place = Self.names.firstIndex(of: name) else { return false }
            let bit = 1 << place
            guard seen & bit == 0 else { return false }
            seen |= bit
            return switch kind {
            case .request: bit != Self.status
            case .response: bit == Self.status
            case .trailers: false
            }
        }

        /// Whether nothing is missing. A CONNECT has neither scheme nor path (§8.5), an extended one both (RFC 8441 §4);
        /// whether it is one is for ``HTTP2RequestHead`` to say.
        func isComplete(for kind: FieldBlock) -> Bool {
            switch kind {
            case .request:
                let isConnect = seen == Self.method | Self.authority
                let isWhole = seen & (Self.method | Self.scheme | Self.path) == Self.method | Self.scheme | Self.path
                return isConnect || isWhole
            case .response: return seen == Self.status
            case .trailers: return true
            }
        }
    }
}
