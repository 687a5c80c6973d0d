import NIOSSL

/// Where the store is and how one makes oneself known there.
package struct StoreSettings: Sendable {
    /// Servers, Sentinels or members of a Redis Cluster, tried in turn.
    package var seeds: [StoreAddress]
    /// Of the access control list; `nil` for the default user.
    package var user: String?
    package var password: String?
    package var database = 0
    /// What the Sentinels call the server; `nil` where the seeds are servers.
    package var sentinelName: String?
    /// `nil` where nothing is encrypted.
    package var tls: NIOSSLContext?

    package init(
        seeds: [StoreAddress], user: String? = nil, password: String? = nil, database: Int = 0,
        sentinelName: String? = nil, tls: NIOSSLContext? = nil
    ) {
        precondition(!seeds.isEmpty, "a store is somewhere")
        (self.seeds, self.user, self.password, self.database) = (seeds, user, password, database)
        (self.sentinelName, self.tls) = (sentinelName, tls)
    }
}

package enum StoreAddress: Hashable, Sendable, CustomStringConvertible {
    case host(String, port: Int)
    case unix(path: String)

    package var description: String {
        switch self {
        case .host(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// As a Redis Cluster says it in a redirection: `host:port`, the host empty where it is the same as before.
    init?(redirection text: some StringProtocol, from old: StoreAddress) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.isEmpty, case .host(let same, _) = old { host = same }
        if host.isEmpty || host.utf8.count > 255 { return nil }
        self = .host(host, port: port)
    }
}
