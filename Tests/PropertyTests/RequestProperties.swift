import Admission
import Foundation
import Logging
import NIOHTTP1
import NIOPosix
import Telemetry

@testable import Policy
@testable import Proxy

extension Property {
    /// What a request's fields say is bounded, and what goes on to an upstream has nothing that must stay here.
    static let requestHead = Property("request-head") { bytes in
        var message = Message(bytes)
        // Nothing else gets past the Door. Where names need not be tokens NIO takes "a\rb" for "a-b".
        message.fields.removeAll { !FieldName.isToken($0.name) }
        let headers = HTTPHeaders(message.fields)
        let identity = IdentityReader(rules: rules)
        let fields = RequestFields(headers, identity: identity)
        for (name, _) in message.fields {
            try requireEqual(fields.first(name.lowercased()), headers.first(name: name), name)
        }
        let now = Instant(nanoseconds: 7)
        let deadline = CallerDeadline.of(fields, usualFirstByte: .seconds(2), now: now)
        try requireEqual(deadline, CallerDeadline.of(headers, usualFirstByte: .seconds(2), now: now), "the deadline")
        try require(deadline >= now, "a deadline in the past")
        let who = identity.identity(of: fields, model: "", needsCredential: false) { "" }
        try require(!who.tenant.isEmpty, "no tenant")
        // A character that is cut in two becomes one of three bytes.
        for name in [who.tenant, who.job] + who.others {
            try require(name.utf8.count <= 258, "a name of \(name.count)")
        }
        try checkForwarding(fields, headers, identity)
        if let value = headers.first(name: "proxy-authorization") { try checkBasic(value) }
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: message.start, headers: headers)
        if RequestCheck.refusal(of: head, fields: fields) == nil {
            try requireEqual(headers["host"].count, 1, "the Host fields")
            let codings = headers["transfer-encoding"].flatMap(FieldName.elements)
            try require(codings.isEmpty || codings == ["chunked"], "\(codings)")
        }
    }

    private static let rules = IdentityRules(
        tenant: [.header(name: "X-Tenant-Id", forward: false), .proxyUser, .baggage(member: "tenant"), .fixed("none")],
        job: [.baggage(member: "job"), .header(name: "X-Job-Id", forward: true)],
        priority: IdentityRules.standard.priority,
        others: [IdentityRules.Named(name: "team", sources: [.header(name: "X-Team", forward: false)])])

    private static func checkForwarding(
        _ fields: RequestFields, _ headers: HTTPHeaders, _ identity: IdentityReader
    ) throws {
        let forwarded = fields.headers(for: services[0])
        let nominated = Forwarding.nominated(by: headers)
        for (name, _) in forwarded {
            let stays =
                FieldName.isHopByHop(name) || identity.withholds(name)
                || nominated.contains { FieldName.matches(name, $0) } || FieldName.matches(name, "expect")
            try require(!stays, "\(name) goes on")
        }
        try requireEqual(forwarded["host"], [services[0].upstream.url.authority], "the Host field")
        try requireEqual(forwarded["content-length"], headers["content-length"], "the length")
        try requireEqual(
            forwarded["content-type"], headers["content-type"].filter { _ in !nominated.contains("content-type") },
            "the type")
    }

    /// Against Foundation's base64, which is stricter.
    private static func checkBasic(_ value: String) throws {
        guard value.lowercased().hasPrefix("basic ") else { return }
        guard let data = Data(base64Encoded: String(value.dropFirst(6))), let colon = data.firstIndex(of: 0x3A) else {
            return
        }
        try requireEqual(BasicCredentials.user(value), String(decoding: data[..<colon], as: UTF8.self), "the user")
    }

    /// A request goes to an upstream that may have it, with the rest of its target as it came; a URL only to one that
    /// it names.
    static let router = Property("router") { bytes in
        let message = Message(bytes)
        let target = message.start
        let host = message.fields.first { $0.name.lowercased() == "host" }?.value ?? ""
        let router = Router(services: services, own: OwnListeners(), isForwardProxy: true)
        for owner in [nil, "a", "ab"] {
            let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target)
            guard case .route(let route) = router.route(head, host: host, owner: owner) else {
                try require(target.utf8.first != UInt8(ascii: "/"), "\(target) is refused, and there is a default")
                continue
            }
            let upstream = route.service.upstream
            try require(route.target.utf8.first == UInt8(ascii: "/"), "\(target) → \(route.target)")
            if target.utf8.first != UInt8(ascii: "/") {
                let isNamed = upstream.hosts.contains { target.lowercased().contains($0) }
                try require(isNamed, "\(target) → \(upstream.name)")
                continue
            }
            if let owner { try requireEqual(upstream.name, owner, "the owner") }
            let possible = targets(target, at: upstream)
            try require(possible.contains { $0.utf8.elementsEqual(route.target.utf8) }, "\(target) → \(route.target)")
        }
    }

    /// What an upstream may get for a path: all of it, and what is behind its prefix.
    private static func targets(_ path: String, at upstream: Upstream) -> [String] {
        let base = upstream.url.path
        let rest = path.utf8.dropFirst(upstream.prefix.utf8.count)
        let ends = rest.first.map { [UInt8(ascii: "/"), UInt8(ascii: "?")].contains($0) } ?? true
        guard ends, path.utf8.starts(with: upstream.prefix.utf8) else { return [base + path] }
        let slash = rest.first == UInt8(ascii: "/") ? "" : "/"
        return [base + path, base + slash + String(decoding: rest, as: UTF8.self)]
    }

    private static let services: [UpstreamService] = makeServices()

    private static func makeServices() -> [UpstreamService] {
        let text = """
            upstreams:
              a: {url: "http://a.example/base", default: true, hosts: [api.example], limits: [{in_flight: 1}]}
              ab: {url: "http://127.0.0.1:8000", prefix: /a/b, limits: [{in_flight: 1}]}
            """
        let quiet = Logger(label: "properties") { _ in SwiftLogNoOpLogHandler() }
        let metrics = ProxyMetrics(factory: PrometheusRegistry(catalogue: .penstock, logger: quiet))
        let loader = PolicyLoader(
            file: "p.yaml", secrets: SecretSource(missing: .refused, environment: { _ in nil }, readFile: { _ in [] }))
        do {
            let policy = try loader.load(text).policy
            return try policy.upstreams.enumerated().map { index, upstream in
                try UpstreamService(
                    index: index, upstream: upstream, dimensions: Dimensions(policy.identity), metrics: metrics,
                    listeners: OwnListeners(), lookUp: SystemResolver.addresses,
                    home: MultiThreadedEventLoopGroup.singleton.any(), log: quiet)
            }
        } catch {
            preconditionFailure("the policy above is valid: \(error)")
        }
    }
}
