import Admission
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Policy
import Providers
import Synchronization
import Telemetry

/// One upstream as the running proxy has it: its policy, its gate, its metrics and what its connections are made with.
///
/// A reload makes another one of it with the new policy, which goes on with the same gate and with what was measured.
/// Requests that are under way keep the one that they began with.
final class UpstreamService: Sendable {
    /// Place among the upstreams of the policy.
    let index: Int
    let upstream: Upstream
    let profile: ProviderProfile
    let gate: GateShell
    /// `nil` where answers can say nothing that is of interest here.
    let limitWatch: LimitWatch?
    let way: WayJitter
    let recent: RecentPast
    let metrics: UpstreamMetrics
    let log: Logger
    /// `nil` for an upstream without TLS.
    let tls: NIOSSLContext?
    let dial: UpstreamDial
    /// What the upstream's certificate must be for; `nil` for an address, which is checked as such.
    let serverName: String?
    /// What the gate is to go by.
    let terms: GateTerms
    /// Whether a limit or the line tells callers apart by their keys.
    let needsCredential: Bool
    /// Whether the gate must know of each request for which model it is, and how many tokens it has.
    let needsModel: Bool
    let countsTokens: Bool
    let decoderLimits: NIOHTTPDecoderLimitConfiguration
    /// Those that the gate chooses from; empty where there is one key at most.
    let keys: [UpstreamKey]
    /// The one key, where there are not several.
    private let credential: (name: String, value: String)?
    /// Empty where the client's key goes on.
    private let clientCredentialFields: [String]
    private let upgradeContext = Mutex<NIOSSLContext?>(nil)
    private let firstByte: UsualTime

    /// - Parameter earlier: the same upstream by an earlier policy.
    /// - Throws: what NIOSSL says of the certificates that are to be trusted.
    init(
        index: Int, upstream: Upstream, dimensions: Dimensions, metrics: ProxyMetrics, listeners: OwnListeners,
        lookUp: @escaping NameLookup, home: any EventLoop, store: StoreWay? = nil, log: Logger,
        succeeding earlier: UpstreamService? = nil
    ) throws {
        self.index = index
        self.upstream = upstream
        terms = GateTerms(rules: upstream.gate, dimensions: dimensions)
        needsCredential = upstream.gate.depends(on: .credential)
        needsModel = upstream.gate.depends(on: .model)
        countsTokens = upstream.gate.countsTokens
        self.log = log
        profile = upstream.profile
        limitWatch = LimitWatch(profile, upstream.gate)
        gate = earlier?.gate ?? GateShell(terms: terms, home: home, store: store)
        way = earlier?.way ?? WayJitter()
        recent = earlier?.recent ?? RecentPast()
        firstByte = earlier?.firstByte ?? UsualTime()
        keys = upstream.credentials.compactMap { UpstreamKey($0, upstream.provider.profile.credential) }
        self.metrics = metrics.upstream(upstream.name)
        tls = upstream.url.isTLS ? try Self.context(for: upstream, upstream.connections.httpVersion) : nil
        dial = UpstreamDial(to: upstream, listeners: listeners, lookUp: lookUp, succeeding: earlier?.dial)
        serverName = IPAddressText.isAddress(upstream.url.host) ? nil : upstream.url.host
        if let key = upstream.credential?.value {
            credential = profile.credential.header(forKey: key)
            clientCredentialFields = profile.credential.clientFields
        } else {
            credential = nil
            clientCredentialFields = keys.isEmpty ? [] : profile.credential.clientFields
        }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = 256 << 10
        decoderLimits = limits
    }

    /// TLS for a connection that is to be upgraded, and so has to be HTTP/1.1; made when somebody wants one.
    func tlsForUpgrades() throws -> NIOSSLContext? {
        guard tls != nil else { return nil }
        return try upgradeContext.withLock { context in
            let made = try context ?? Self.context(for: upstream, .h1)
            context = made
            return made
        }
    }

    private static func context(
        for upstream: Upstream, _ version: ConnectionRules.HTTPVersion
    ) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        switch version {
        case .auto: configuration.applicationProtocols = ["h2", "http/1.1"]
        case .h2: configuration.applicationProtocols = ["h2"]
        case .h1, .h2c: configuration.applicationProtocols = ["http/1.1"]
        }
        if let path = upstream.trustedCertificatesPath { configuration.trustRoots = .file(path) }
        return try NIOSSLContext(configuration: configuration)
    }

    /// What is known of the protocol before the first handshake.
    var versionInAdvance: PoolState.Version {
        switch upstream.connections.httpVersion {
        case .h1: .h1
        case .h2, .h2c: .h2
        case .auto: upstream.url.isTLS ? .unknown : .h1
        }
    }

    /// Whether connections made for the other one lead to where this one's would, in the same way. Their number and
    /// their idle time are not part of that.
    func sharesConnections(with other: UpstreamService) -> Bool {
        let (new, old) = (upstream, other.upstream)
        return new.name == old.name && new.url.isTLS == old.url.isTLS && new.url.host == old.url.host
            && new.url.port == old.url.port && new.proxy == old.proxy && new.isPrivate == old.isPrivate
            && new.connections.httpVersion == old.connections.httpVersion
            && new.trustedCertificatesPath == old.trustedCertificatesPath
    }

    /// What the upstream usually takes to begin its answer; zero until it has answered.
    var usualFirstByte: Interval { firstByte.value }

    func noteFirstByte(after length: Interval) {
        firstByte.note(length)
    }

    /// Puts the upstream's own key, where the policy has one, in place of the client's; where it has several, the client's
    /// only goes: which of them is sent is known with the permit.
    func setCredential(in headers: inout HTTPHeaders) {
        for field in clientCredentialFields { headers.remove(name: field) }
        if let credential { headers.add(name: credential.name, value: credential.value) }
    }

    /// The key that an attempt is sent with now; `nil` where there are not several.
    ///
    /// The gate may go by a later policy than this, so it is asked for a name only: what is sent is a key that stood
    /// beside this url.
    func key(for permit: Permit) -> UpstreamKey? {
        guard !keys.isEmpty else { return nil }
        let name = gate.key(of: permit)
        return keys.first { $0.name == name } ?? keys.first
    }

    /// A path and query without the client's key, where the upstream has one of its own.
    func withoutClientKey(_ target: String) -> String {
        guard !clientCredentialFields.isEmpty, let parameter = profile.credential.queryParameter,
            let mark = target.utf8.firstIndex(of: UInt8(ascii: "?"))
        else { return target }
        let query = target[target.index(after: mark)...]
        let kept = query.split(separator: "&", omittingEmptySubsequences: false).filter { pair in
            pair.prefix { $0 != "=" } != parameter
        }
        return target[..<mark] + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
    }

    // MARK: Bodies

    /// Whether answers are looked at for the tokens that they used.
    var metersTokens: Bool { countsTokens || upstream.provider != .generic }

    /// How a request's body is to be read before the gate is asked; `nil` where its head says enough.
    func reading(of head: HTTPRequestHead, knowsModel: Bool) -> BodyReading? {
        guard needsModel && !knowsModel || countsTokens, head.method == .POST else { return nil }
        // A form with a file or the like has neither model nor text where they could be found.
        if let type = head.headers.first(name: "content-type"), !type.contains("json") { return nil }
        return BodyReading(
            needsModel: needsModel && !knowsModel, needsTokens: countsTokens,
            hasOutput: profile.request.hasOutput(target: head.uri))
    }

    /// A core refusal in words.
    ///
    /// - Parameter allowed: the longest wait that the request had.
    func refusal(_ refused: RefusedAsk, tenant: String, allowed: Interval) -> Refusal {
        let terms = refused.terms
        let limit = refused.refusal.limit.flatMap { binding in
            RefusedLimit(binding, in: terms.rules.limits) { terms.dimensions.name(of: $0) }
        }
        return .byGate(
            refused.refusal, limit: limit, rules: terms.rules.queue, upstream: upstream.name, tenant: tenant,
            allowed: allowed)
    }
}
