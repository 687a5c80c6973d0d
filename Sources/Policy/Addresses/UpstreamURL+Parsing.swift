extension UpstreamURL {
    /// Why a text is no URL of an upstream. Says nothing of the text itself, which may hold a password.
    struct Malformed: Error {
        var reason: String
    }

    /// An absolute `http` or `https` URL (RFC 9110 §4.2) with nothing but host, port and path.
    init(parsing text: String) throws(Malformed) {
        guard let colon = text.firstRange(of: "://") else {
            throw Malformed(reason: "must begin with http:// or https://")
        }
        let scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else {
            throw Malformed(reason: "must begin with http:// or https://")
        }
        let rest = text[colon.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if authority.contains("@") {
            throw Malformed(reason: "must not carry credentials; give them with `credential`")
        }
        if rest.contains("?") || rest.contains("#") { throw Malformed(reason: "must not have a query or a fragment") }
        guard let (hostText, portText) = HostName.split(authority), let host = HostName.normalized(hostText) else {
            throw Malformed(reason: "has no valid host name")
        }
        let isTLS = scheme == "https"
        let ownPort = isTLS ? 443 : 80
        guard let port = portText.map({ HostName.port($0) }) ?? ownPort else {
            throw Malformed(reason: "must have a port from 1 to 65535")
        }
        let path = String(rest[authority.endIndex...])
        guard path.isEmpty || path.isPlainPath else {
            throw Malformed(reason: "must have a plain path: visible ASCII, no empty, . or .. segments")
        }
        let bracketed = host.contains(":") ? "[\(host)]" : host
        self.init(
            isTLS: isTLS, host: host, port: port, path: path.withoutFinalSlashes,
            authority: port == ownPort ? bracketed : "\(bracketed):\(port)")
    }

    package var text: String { "\(isTLS ? "https" : "http")://\(authority)\(path)" }
}

extension String {
    /// A path that means the same to everyone: visible ASCII, no dot segments, no empty segments inside.
    var isPlainPath: Bool {
        guard hasPrefix("/"), utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !#""<>\^`{|}?#"#.utf8.contains($0) }) else {
            return false
        }
        let segments = withoutFinalSlashes.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        return segments.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }

    var withoutFinalSlashes: String {
        var text = self[...]
        while text.hasSuffix("/") { text = text.dropLast() }
        return String(text)
    }
}
