import Admission
import NIOCore
import NIOPosix
import Policy

/// The way to one upstream: name, permitted addresses, TCP, and the tunnel of a further proxy where there is one.
///
/// What it makes are plain byte channels without handlers that do not read by themselves.
final class UpstreamDial: Sendable {
    /// As many addresses of a name are tried by one dial.
    static let mostAddresses = 8

    /// Whom TCP goes to: the upstream, or the proxy that leads to it.
    private let resolver: HostResolver
    private let proxy: ProxyURL?
    private let host: String
    private let port: Int
    private let timeout: Interval
    /// Whether the url itself, or the user, says that it leads to an inner address.
    let mayBePrivate: Bool
    private let listeners: OwnListeners

    /// - Parameter earlier: the way there by an earlier policy; what is known of the name goes on where it is the same.
    init(
        to upstream: Upstream, listeners: OwnListeners, lookUp: @escaping NameLookup,
        succeeding earlier: UpstreamDial? = nil
    ) {
        proxy = upstream.proxy?.url
        (host, port) = (upstream.url.host, upstream.url.port)
        let name = proxy?.host ?? host
        let known = earlier?.resolver
        resolver = known.flatMap { $0.host == name ? $0 : nil } ?? HostResolver(host: name, lookUp: lookUp)
        timeout = upstream.timeouts.connect
        // Nobody but the user says where the proxy is.
        mayBePrivate = proxy != nil || upstream.isPrivate || Self.namesPrivateHost(host)
        self.listeners = listeners
    }

    /// Whether the url itself says that it leads to an inner address; only a public name must not lead there.
    private static func namesPrivateHost(_ host: String) -> Bool {
        if IPAddressText.isAddress(host) || !host.contains(".") { return true }
        return [".localhost", ".local", ".internal", ".svc", ".cluster.local"].contains { host.hasSuffix($0) }
            || host.contains(".svc.")
    }

    // MARK: Dialling

    /// A connection to where the upstream's url says.
    ///
    /// - Throws: ``UpstreamFailure``. The connect timeout holds for name and addresses together; the proxy's answer has
    ///   it to itself.
    func connect(on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        tunnel(to: port, on: loop)
    }

    /// A connection to another port of the upstream's host, in the same way and with the same checks.
    func tunnel(to port: Int, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        guard let proxy else { return reach(port, on: loop) }
        let request = ProxyConnect(host: host, port: port, credentials: proxy.credentials, timeout: timeout)
        return reach(proxy.port, on: loop)
            .flatMapErrorThrowing { error in throw UpstreamFailure(error).atProxy }
            .flatMap { channel in request.open(on: channel) }
    }

    private func reach(_ port: Int, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        return resolver.addresses(on: loop, within: timeout)
            .flatMapThrowing { addresses in try self.permitted(addresses, port: port) }
            .flatMap { addresses in self.connect(to: addresses, before: deadline, on: loop) }
            .flatMapErrorThrowing { error in throw UpstreamFailure(error) }
    }

    /// Those that may be spoken to, with their port. Nothing is sent to the others, not even a SYN.
    private func permitted(_ addresses: [SocketAddress], port: Int) throws -> [SocketAddress] {
        var objection: UpstreamFailure?
        let permitted = addresses.compactMap { address -> SocketAddress? in
            var address = address
            address.port = port
            guard let found = self.objection(to: address) else { return address }
            objection = objection ?? found
            return nil
        }
        guard permitted.isEmpty else { return Array(permitted.prefix(Self.mostAddresses)) }
        throw objection ?? .nameNotFound
    }

    private func objection(to address: SocketAddress) -> UpstreamFailure? {
        if listeners.contain(address) { return .loop }
        guard !mayBePrivate, address.isPrivate else { return nil }
        return .addressForbidden(address.ipAddress ?? "unknown")
    }

    private func connect(
        to addresses: [SocketAddress], before deadline: NIODeadline, on loop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(max(deadline - .now(), .milliseconds(1)))
            .channelOption(.autoRead, value: false)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
        if addresses.count == 1 { return bootstrap.connect(to: addresses[0]) }
        // The connector asks for a name and a port only to hand them to the resolver.
        let connected = bootstrap.resolver(OrderedAddresses(addresses: addresses, loop: loop))
            .connect(host: host, port: port)
        connected.whenSuccess { channel in
            guard let place = addresses.firstIndex(where: { $0 == channel.remoteAddress }) else { return }
            self.resolver.reached(place, of: addresses.map(\.withoutPort))
        }
        return connected
    }
}

/// Addresses for NIO's connector, which tries one after the other with a quarter of a second between them (RFC 8305 §5).
///
/// It takes one of each list in turn; all stand in the first, so that the order is ours.
private struct OrderedAddresses: Resolver, Sendable {
    let addresses: [SocketAddress]
    let loop: any EventLoop

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        loop.makeSucceededFuture(addresses)
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        loop.makeSucceededFuture([])
    }

    func cancelQueries() {}
}

extension SocketAddress {
    fileprivate var withoutPort: SocketAddress {
        var address = self
        address.port = 0
        return address
    }
}
