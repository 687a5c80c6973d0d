extension ProxyURL {
    /// Why a text is no URL of a proxy. Says nothing of the text itself, which may hold a password.
    struct Malformed: Error {
        var reason: String
    }

    /// An `http` URL with nothing but a host, perhaps a port and perhaps a user with a password.
    ///
    /// Without a port it is 80, the scheme's own (RFC 9110 §4.2.1).
    init(parsing text: String) throws(Malformed) {
        guard text.prefix(7).lowercased() == "http://" else {
            throw Malformed(reason: "must begin with http://, because proxies are spoken to without TLS")
        }
        var authority = text.dropFirst(7)
        if authority.hasSuffix("/") { authority = authority.dropLast() }
        var credentials: String?
        if let at = authority.lastIndex(of: "@") {
            credentials = try Self.credentials(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        if authority.contains(where: { "/?#".contains($0) }) {
            throw Malformed(reason: "must have nothing behind host and port")
        }
        guard let (hostText, portText) = HostName.split(authority), let host = HostName.normalized(hostText) else {
            throw Malformed(reason: "has no valid host name")
        }
        guard let port = portText.map({ HostName.port($0) }) ?? 80 else {
            throw Malformed(reason: "must have a port from 1 to 65535")
        }
        self.init(host: host, port: port, credentials: credentials)
    }

    /// `user:password` of the URL's user part (RFC 3986 §3.2.1) as the Basic scheme takes it: the user's name has no
    /// colon, nothing a control character (RFC 7617 §2).
    private static func credentials(_ text: Substring) throws(Malformed) -> String {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let user = decoded(parts[0]), !user.isEmpty, !user.contains(":"),
            let password = parts.count == 2 ? decoded(parts[1]) : ""
        else { throw Malformed(reason: "has a user or password that can't be sent") }
        return "\(user):\(password)"
    }

    /// A text with its percent-encoding (RFC 3986 §2.1) undone.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                let digits = rest.prefix(2)
                guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                    let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
