import NIOHTTP1

/// What a request names as its target (RFC 9112 §3.2).
enum RequestTarget: Equatable {
    /// A path, of the host in `Host`.
    case origin
    /// The server as such: `OPTIONS *`.
    case asterisk
    /// A whole URL, as a client of a forward proxy writes it.
    case absolute(Authority, path: String)
    /// What a tunnel is to lead to.
    case authority(Authority)

    /// A host, without the brackets of an IPv6 address and in lower case, and a port.
    struct Authority: Equatable {
        let host: String
        /// `nil` where none stands there.
        let port: Int?

        /// Reads `host`, `host:port` and `[address]:port`; a user before the host is no part of HTTP (RFC 9110 §4.2.4).
        init?(_ text: some StringProtocol) {
            let bytes = text.utf8
            guard !bytes.isEmpty, bytes.allSatisfy(Self.isAllowed) else { return nil }
            let lowered = String(decoding: bytes.map(FieldName.lowered), as: UTF8.self)
            var rest = lowered[...]
            if lowered.hasPrefix("[") {
                guard let end = lowered.firstIndex(of: "]") else { return nil }
                host = String(lowered[lowered.index(after: lowered.startIndex)..<end])
                rest = lowered[lowered.index(after: end)...]
                guard rest.isEmpty || rest.first == ":" else { return nil }
            } else {
                let end = lowered.firstIndex(of: ":") ?? lowered.endIndex
                host = String(lowered[..<end])
                rest = lowered[end...]
            }
            guard !host.isEmpty else { return nil }
            let digits = rest.dropFirst()
            guard !digits.isEmpty else {
                port = nil
                return
            }
            guard digits.utf8.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), (1...65_535).contains(number)
            else { return nil }
            port = number
        }

        private static func isAllowed(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["),
                UInt8(ascii: "]"), UInt8(ascii: "~"):
                true
            default: false
            }
        }
    }

    /// `nil` where it is none of them.
    init?(_ head: HTTPRequestHead) {
        let uri = head.uri
        if head.method == .CONNECT {
            guard let authority = Authority(uri), authority.port != nil else { return nil }
            self = .authority(authority)
        } else if uri.utf8.first == UInt8(ascii: "/") {
            self = .origin
        } else if uri == "*" {
            guard head.method == .OPTIONS else { return nil }
            self = .asterisk
        } else {
            guard let (authority, path) = Self.absolute(uri) else { return nil }
            // A URL without a path stands for the server as such there (RFC 9112 §3.2.4).
            let isServer = path.isEmpty && head.method == .OPTIONS
            let slash = path.utf8.first == UInt8(ascii: "/") ? "" : "/"
            self = .absolute(authority, path: isServer ? "*" : slash + path)
        }
    }

    private static func absolute(_ uri: String) -> (Authority, path: String)? {
        for scheme in ["http://", "https://"] where hasPrefix(uri, scheme) {
            let rest = uri.utf8.dropFirst(scheme.utf8.count)
            let end = rest.firstIndex { $0 == 0x2F || $0 == 0x3F || $0 == 0x23 } ?? rest.endIndex
            guard let authority = Authority(Substring(rest[..<end])) else { return nil }
            return (authority, String(Substring(rest[end...].prefix { $0 != 0x23 })))
        }
        return nil
    }

    /// Schemes are not told apart by case (RFC 3986 §3.1).
    private static func hasPrefix(_ uri: String, _ scheme: String) -> Bool {
        uri.utf8.prefix(scheme.utf8.count).elementsEqual(scheme.utf8) { FieldName.lowered($0) == $1 }
    }
}
