extension Listener.Address: CustomStringConvertible {
    /// `host:port`, `[::1]:port` or `unix:/path`; `nil` for anything else. The port may be 0, and the host a name, an
    /// address or `*` for all of the machine's addresses.
    package init?(_ text: String) {
        // In any case: a host of that name would be written as a socket's path is.
        if text.prefix(5).lowercased() == "unix:" {
            let path = String(text.dropFirst(5))
            // sun_path has 108 bytes on Linux, one of them for the end (unix(7)).
            guard path.hasPrefix("/"), path.utf8.count <= 107, !path.contains("\0") else { return nil }
            self = .unix(path: path)
            return
        }
        guard let (hostText, portText) = HostName.split(text[...]), let portText,
            let port = HostName.port(portText, from: 0)
        else { return nil }
        if hostText == "*" {
            self = .tcp(host: "0.0.0.0", port: port)
        } else if let host = HostName.normalized(hostText) {
            self = .tcp(host: host, port: port)
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Whether both can't be bound at once. Port 0 never clashes, because the system picks a free one.
    func clashes(with other: Listener.Address) -> Bool {
        switch (self, other) {
        case (.unix(let path), .unix(let otherPath)): path == otherPath
        case (.tcp(let host, let port), .tcp(let otherHost, let otherPort)):
            port != 0 && port == otherPort
                && (host == otherHost || HostName.isWildcard(host) || HostName.isWildcard(otherHost)
                    || Set([host, otherHost]) == ["localhost", "127.0.0.1"])
        default: false
        }
    }

    /// Whether a connection to this host and port would come in here.
    func receives(host dialled: String, port dialledPort: Int) -> Bool {
        guard case .tcp(let host, let port) = self, port == dialledPort else { return false }
        return host == dialled
            || HostName.isLoopback(dialled) && (HostName.isWildcard(host) || HostName.isLoopback(host))
            || HostName.isWildcard(dialled)
    }
}

extension Listener {
    /// Where requests come in unless something else is said.
    package static let standard = Listener(address: .tcp(host: "127.0.0.1", port: 8080))
    /// Where health, metrics and status are served unless something else is said.
    package static let standardAdmin = Listener(address: .tcp(host: "127.0.0.1", port: 9090))

    package init(address: Address) {
        self.init(address: address, tls: nil)
    }
}
