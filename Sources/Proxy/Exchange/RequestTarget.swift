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
        init?(_ text: String) {
            let read = text.withBytes { bytes -> (host: Range<Int>, port: Int?, hasUpperCase: Bool)? in
                guard bytes.allSatisfy(Self.isAllowed), let (host, rest) = Self.parts(of: bytes) else { return nil }
                guard !rest.isEmpty else { return (host, nil, Self.hasUpperCase(bytes)) }
                guard let port = Self.port(bytes[rest]) else { return nil }
                return (host, port, Self.hasUpperCase(bytes))
            }
            guard let read else { return nil }
            let name = Substring(text.utf8.dropFirst(read.host.lowerBound).prefix(read.host.count))
            host = read.hasUpperCase ? FieldName.lowered(String(name)) : String(name)
            port = read.port
        }

        /// Where the host is, and the digits of the port.
        private static func parts(of bytes: UnsafeBufferPointer<UInt8>) -> (host: Range<Int>, port: Range<Int>)? {
            var host = 0..<bytes.count
            var end = bytes.count
            if bytes.first == UInt8(ascii: "[") {
                guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
                host = 1..<bracket
                end = bracket + 1
            } else if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
                host = 0..<colon
                end = colon
            }
            guard !host.isEmpty, end == bytes.count || bytes[end] == UInt8(ascii: ":") else { return nil }
            return (host, min(end + 1, bytes.count)..<bytes.count)
        }

        private static func port(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
            guard digits.count <= 5, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            let number = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            return (1...65_535).contains(number) ? number : nil
        }

        private static func hasUpperCase(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
            bytes.contains { $0 &- 0x41 < 26 }
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
            guard let authority = Authority(String(Substring(rest[..<end]))) else { return nil }
            return (authority, String(Substring(rest[end...].prefix { $0 != 0x23 })))
        }
        return nil
    }

    /// Schemes are not told apart by case (RFC 3986 §3.1).
    private static func hasPrefix(_ uri: String, _ scheme: String) -> Bool {
        uri.utf8.prefix(scheme.utf8.count).elementsEqual(scheme.utf8) { FieldName.lowered($0) == $1 }
    }
}
