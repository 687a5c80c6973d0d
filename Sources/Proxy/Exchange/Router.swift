import NIOCore
import NIOHTTP1
import Policy
import Providers

/// Finds the upstream of a request and what the upstream is asked for. A reload puts another in its place.
final class Router: Sendable {
    /// Longest prefix first.
    private let prefixes: [(prefix: String, service: Int)]
    private let hosts: [String: [Int]]
    private let services: [UpstreamService]
    private let fallback: Int?
    private let own: OwnListeners
    private let isForwardProxy: Bool

    struct Route {
        let service: UpstreamService
        /// Path and query, as the upstream gets them; of a tunnel the authority.
        let target: String
        let way: Way
    }

    /// By what a request found its upstream.
    enum Way: Sendable {
        /// The listener is the upstream's own.
        case listener
        case prefix
        /// The `Host` field is a name of the upstream.
        case host
        /// Nothing else matched, and the upstream is the default.
        case fallback
        /// It asked a forward proxy for a name of the upstream.
        case forwardProxy
    }

    enum Verdict {
        case route(Route)
        case refused(Refusal)
    }

    init(services: [UpstreamService], own: OwnListeners, isForwardProxy: Bool) {
        self.services = services
        self.own = own
        self.isForwardProxy = isForwardProxy
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
    ///   - host: the `Host` field, empty where there is none.
    ///   - owner: the upstream to which the listener belongs, where it has one.
    func route(_ head: HTTPRequestHead, host: String, owner: String?) -> Verdict {
        guard let target = RequestTarget(head) else {
            return .refused(.badRequest("its target is neither a path nor a URL"))
        }
        switch target {
        case .origin, .asterisk: return reverse(head.uri, host: host, owner: owner)
        case .absolute(let authority, let path):
            if own.isNamed(authority) { return reverse(path, host: "", owner: owner) }
            guard isForwardProxy, let service = service(at: authority) else {
                return .refused(.destinationDenied(authority.host))
            }
            return .route(route(path, to: service, by: .forwardProxy))
        case .authority(let authority):
            guard isForwardProxy, let service = service(at: authority), authority.port == service.upstream.url.port
            else { return .refused(.destinationDenied(head.uri)) }
            return .route(Route(service: service, target: head.uri, way: .forwardProxy))
        }
    }

    /// For a client whose base URL is Penstock's.
    private func reverse(_ target: String, host: String, owner: String?) -> Verdict {
        if let owner {
            // The policy may have lost it while its address is bound.
            guard let service = services.first(where: { $0.upstream.name == owner }) else {
                return Self.noRoute(target)
            }
            return .route(route(target, to: service, by: .listener))
        }
        if let authority = RequestTarget.Authority(host), let service = service(at: authority) {
            return .route(route(target, to: service, by: .host))
        }
        for (prefix, service) in prefixes where Self.isPrefix(prefix, of: target) {
            return .route(route(target, to: services[service], by: .prefix))
        }
        guard let fallback else { return Self.noRoute(target) }
        return .route(route(target, to: services[fallback], by: .fallback))
    }

    private static func noRoute(_ target: String) -> Verdict {
        .refused(.noRoute(String(target.prefix { $0 != "?" })))
    }

    private func route(_ target: String, to service: UpstreamService, by way: Way) -> Route {
        if target == "*" { return Route(service: service, target: target, way: way) }
        var rest = Substring(target)
        if way == .prefix || way == .listener, Self.isPrefix(service.upstream.prefix, of: target) {
            rest = rest.dropFirst(service.upstream.prefix.count)
        }
        let slash = rest.utf8.first == UInt8(ascii: "/") ? "" : "/"
        let base = service.upstream.url.path
        if base.isEmpty, slash.isEmpty, rest.startIndex == target.startIndex {
            return Route(service: service, target: target, way: way)
        }
        return Route(service: service, target: base + slash + rest, way: way)
    }

    /// The upstream that a forward-proxy client, or one that only changed where a name leads to, has in mind.
    private func service(at authority: RequestTarget.Authority) -> UpstreamService? {
        let port = authority.port
        return hosts[authority.host]?.lazy.map { self.services[$0] }.first { service in
            let url = service.upstream.url
            // A further name leads to its upstream whatever the port there; the url's own host only with the url's
            // port, for Penstock itself may be at that host too.
            if authority.host != url.host { return port == nil || port == 80 || port == 443 || port == url.port }
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

extension OwnListeners {
    /// Whether an authority is one of this process's own addresses, as a client on this machine would write it.
    func isNamed(_ authority: RequestTarget.Authority) -> Bool {
        let port = authority.port ?? 80
        let names = authority.host == "localhost" ? ["127.0.0.1", "::1"] : [authority.host]
        return names.contains { name in
            guard let address = try? SocketAddress(ipAddress: name, port: port) else { return false }
            return contain(address)
        }
    }
}
