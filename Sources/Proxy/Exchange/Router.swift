import Policy

/// Finds the upstream of a request and what the upstream is asked for.
struct Router: Sendable {
    /// Longest prefix first.
    private let prefixes: [(prefix: String, service: Int)]
    private let hosts: [String: [Int]]
    private let services: [UpstreamService]
    private let fallback: Int?

    struct Route {
        let service: UpstreamService
        /// Path and query, as the upstream gets them.
        let target: String
    }

    init(services: [UpstreamService]) {
        self.services = services
        prefixes = services.enumerated().map { ($1.upstream.prefix, $0) }
            .sorted { $0.prefix.utf8.count > $1.prefix.utf8.count }
        fallback = services.firstIndex { $0.upstream.isDefault }
        var hosts: [String: [Int]] = [:]
        for (index, service) in services.enumerated() {
            for host in service.upstream.hosts { hosts[host, default: []].append(index) }
        }
        self.hosts = hosts
    }

    /// - Parameters:
    ///   - target: in origin form.
    ///   - authority: the `Host` field.
    ///   - owner: the upstream to which the listener belongs, where it has one.
    func route(_ target: String, authority: String, owner: Int?) -> Route? {
        if let owner { return route(target, to: services[owner], stripping: true) }
        if let service = service(named: authority) { return route(target, to: service, stripping: false) }
        for (prefix, service) in prefixes where Self.isPrefix(prefix, of: target) {
            return route(target, to: services[service], stripping: true)
        }
        return fallback.map { route(target, to: services[$0], stripping: false) }
    }

    private func route(_ target: String, to service: UpstreamService, stripping: Bool) -> Route {
        var rest = Substring(target)
        if stripping, Self.isPrefix(service.upstream.prefix, of: target) {
            rest = rest.dropFirst(service.upstream.prefix.count)
        }
        let slash = rest.utf8.first == UInt8(ascii: "/") ? "" : "/"
        let base = service.upstream.url.path
        if base.isEmpty, slash.isEmpty, rest.startIndex == target.startIndex {
            return Route(service: service, target: target)
        }
        return Route(service: service, target: base + slash + rest)
    }

    /// The upstream that a forward-proxy client, or one that only changed where a name leads to, has in mind.
    private func service(named authority: String) -> UpstreamService? {
        guard !authority.isEmpty else { return nil }
        let authority = String(decoding: authority.utf8.map(FieldName.lowered), as: UTF8.self)
        let colon = authority.hasSuffix("]") ? nil : authority.lastIndex(of: ":")
        let host = colon.map { String(authority[..<$0]) } ?? authority
        let port = colon.flatMap { Int(authority[authority.index(after: $0)...]) }
        guard let candidates = hosts[host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host] else {
            return nil
        }
        return candidates.lazy.map { services[$0] }.first { service in
            let url = service.upstream.url
            // A further name leads to its upstream whatever the port there; the url's own host only with the url's
            // port, for Penstock itself may be at that host too.
            if host != url.host { return port == nil || port == 80 || port == url.port }
            return port == url.port || (port ?? 80) == 80 && url.port == (url.isTLS ? 443 : 80)
        }
    }

    /// Whether the prefix ends where a segment of the path ends.
    private static func isPrefix(_ prefix: String, of target: String) -> Bool {
        guard target.utf8.starts(with: prefix.utf8) else { return false }
        switch target.utf8.dropFirst(prefix.utf8.count).first {
        case nil, UInt8(ascii: "/"), UInt8(ascii: "?"): return true
        default: return false
        }
    }
}
