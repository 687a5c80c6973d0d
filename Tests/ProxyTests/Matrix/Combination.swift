import Foundation
import NIOCore
import NIOSSL
import Testing

@testable import Policy
@testable import Proxy

/// How a caller and an upstream speak HTTP, one of all pairs.
struct Combination: Sendable, CustomTestStringConvertible {
    enum Downstream: String, CaseIterable, Sendable {
        case h1, h2c, tlsH1 = "TLS h1", tlsH2 = "TLS h2", unix

        var isHTTP2: Bool { self == .h2c || self == .tlsH2 }
        var isTLS: Bool { self == .tlsH1 || self == .tlsH2 }
    }

    enum Upstream: String, CaseIterable, Sendable {
        case h1, h2c, tlsH1 = "TLS h1", tlsH2 = "TLS h2"

        var isHTTP2: Bool { self == .h2c || self == .tlsH2 }
        var isTLS: Bool { self == .tlsH1 || self == .tlsH2 }
    }

    let downstream: Downstream
    let upstream: Upstream

    var testDescription: String { "\(downstream.rawValue) → \(upstream.rawValue)" }

    static let all = Downstream.allCases.flatMap { downstream in
        Upstream.allCases.map { Combination(downstream: downstream, upstream: $0) }
    }
    /// Those whose callers speak HTTP/2.
    static let fromHTTP2 = all.filter(\.downstream.isHTTP2)
    /// Those whose upstreams speak HTTP/2.
    static let toHTTP2 = all.filter(\.upstream.isHTTP2)
    /// Each version of HTTP on each side, for what is large.
    static let few = [
        Combination(downstream: .h1, upstream: .tlsH2), Combination(downstream: .tlsH2, upstream: .h1),
    ]

    /// What a policy says of the upstream, besides where it is.
    struct Rules: Sendable {
        var limits = "[{in_flight: 200}]"
        var retry = "{backoff: {base: 1ms, max: 1ms}}"
        var connections = "max: 8"
        var callers = StreamSettings()
        var origin = StreamSettings()
    }

    /// Runs a proxy between callers and an origin that speak so; at the end all permits must be settled.
    func run(_ rules: Rules = Rules(), _ body: (Between) async throws -> Void) async throws {
        let certificate = downstream.isTLS || upstream.isTLS ? try Certificate(for: "localhost") : nil
        defer { certificate?.remove() }
        let protocols = upstream.isHTTP2 ? "h2" : "http/1.1"
        let origin = try await Origin.start(
            isHTTP2: upstream.isHTTP2, tls: upstream.isTLS ? certificate?.context(protocols) : nil,
            settings: rules.origin)
        do {
            try await run(rules, certificate, origin, body)
        } catch {
            await origin.stop()
            throw error
        }
        await origin.stop()
    }

    private func run(
        _ rules: Rules, _ certificate: Certificate?, _ origin: Origin, _ body: (Between) async throws -> Void
    ) async throws {
        let version = upstream.isTLS ? "auto" : upstream.rawValue
        let authority = upstream.isTLS ? "tls: {ca: \(certificate?.path ?? "")}" : ""
        let policy = """
            upstreams:
              up:
                url: \(upstream.isTLS ? "https" : "http")://localhost:\(origin.port)
                limits: \(rules.limits)
                retry: \(rules.retry)
                connections: {protocol: \(version), \(rules.connections)}
                \(authority)
            """
        let socket = NSTemporaryDirectory() + "penstock-\(UInt32.random(in: 0 ... .max)).sock"
        let client = try certificate.map(trust)
        try await Proxied.run(
            policy, adjust: { $0.listen = [listener(certificate, socket: socket)] }
        ) { proxy in
            let address = try downstream == .unix ? SocketAddress(unixDomainSocketPath: socket) : proxy.address
            try await body(
                Between(
                    combination: self, proxy: proxy, origin: origin, address: address,
                    tls: downstream.isTLS ? client : nil, settings: rules.callers))
        }
    }

    private func listener(_ certificate: Certificate?, socket: String) -> Listener {
        var listener = Listener(
            address: downstream == .unix ? .unix(path: socket) : .tcp(host: "127.0.0.1", port: 0))
        if downstream.isTLS, let certificate {
            listener.tls = Listener.Certificate(certificatePath: certificate.path, keyPath: certificate.keyPath)
        }
        return listener
    }

    private func trust(_ certificate: Certificate) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(certificate.path)
        configuration.applicationProtocols = [downstream.isHTTP2 ? "h2" : "http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}

/// A proxy with callers on one side and an origin on the other.
struct Between: Sendable {
    let combination: Combination
    let proxy: Proxied
    let origin: Origin
    fileprivate let address: SocketAddress
    fileprivate let tls: NIOSSLContext?
    fileprivate let settings: StreamSettings

    init(
        combination: Combination, proxy: Proxied, origin: Origin, address: SocketAddress, tls: NIOSSLContext?,
        settings: StreamSettings
    ) {
        self.combination = combination
        self.proxy = proxy
        self.origin = origin
        self.address = address
        self.tls = tls
        self.settings = settings
    }

    func connect(receiveBuffer: Int? = nil) async throws -> Caller {
        try await Caller.connect(
            to: address, isHTTP2: combination.downstream.isHTTP2, tls: tls, settings: settings,
            receiveBuffer: receiveBuffer)
    }

    /// How many requests have ended so.
    func outcomes(_ outcome: String) -> Int { Int(proxy.metric("penstock_requests_total", "outcome=\"\(outcome)\"")) }

    /// The next exchange shows that nothing was left behind.
    func serves(_ caller: Caller? = nil) async throws {
        let caller = if let caller { caller } else { try await connect() }
        let asked = try await caller.post("/after", [:], "still there?")
        let request = try await origin.request()
        #expect(try await request.whole().text == Array("still there?".utf8))
        try await request.answer(200, ["Content-Length": "3"], "yes")
        #expect(try await asked.whole().text == Array("yes".utf8))
    }
}
