import Admission
import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS
import Policy
import Telemetry

/// Opens one connection: the dial, TLS with ALPN, HTTP.
struct UpstreamConnector {
    let service: UpstreamService
    let loop: any EventLoop
    let number: Int
    let pool: UpstreamPool
    /// Whether it is to speak HTTP/1.1, because it will be upgraded to something else.
    var isForUpgrade = false

    func connect() -> EventLoopFuture<NIOLoopBound<UpstreamConnection>> {
        let context = NIOLoopBound(self, eventLoop: loop)
        return service.dial.connect(on: loop).flatMap { channel in context.value.setUp(channel) }
    }

    /// TLS has the connect timeout to itself: a peer that accepts and stays silent must not hold an attempt.
    private func setUp(_ channel: any Channel) -> EventLoopFuture<NIOLoopBound<UpstreamConnection>> {
        let ready = loop.makePromise(of: NIOLoopBound<UpstreamConnection>.self)
        let late = loop.scheduleTask(in: TimeAmount(service.upstream.timeouts.connect)) {
            ready.fail(UpstreamFailure.connectTimeout)
        }
        ready.futureResult.whenComplete { result in
            late.cancel()
            if case .failure = result { channel.close(promise: nil) }
        }
        let connection = UpstreamConnection(number: number, pool: pool, channel: channel)
        do {
            // It may have ended while a proxy's tunnel was made.
            guard channel.isActive else { throw UpstreamFailure.closed }
            if let tls = isForUpgrade ? try service.tlsForUpgrades() : service.tls {
                try channel.pipeline.syncOperations.addHandlers([
                    NIOSSLClientHandler(context: tls, serverHostname: service.serverName),
                    HandshakeHandler(
                        connection: connection, service: service, isForUpgrade: isForUpgrade, ready: ready),
                ])
            } else {
                try isForUpgrade ? connection.becomeHTTP1() : connection.becomeHTTP(agreed: nil, service.upstream)
                ready.succeed(NIOLoopBound(connection, eventLoop: loop))
            }
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            ready.fail(UpstreamFailure(error))
        }
        return ready.futureResult
    }
}

extension UpstreamConnection {
    fileprivate func becomeHTTP(agreed: String?, _ upstream: Upstream) throws {
        switch upstream.connections.httpVersion {
        case .h1: return try becomeHTTP1()
        case .h2c: try becomeHTTP2()
        case .auto where agreed == "h2": try becomeHTTP2()
        case .auto: return try becomeHTTP1()
        case .h2:
            guard agreed == "h2" else { throw UpstreamFailure.versionNotAgreed }
            try becomeHTTP2()
        }
        let http2 = try channel.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self)
        try channel.pipeline.syncOperations.addHandler(
            FirstSettingsHandler(connection: self, timeout: upstream.timeouts.connect), position: .after(http2))
    }
}

/// Waits for the end of the handshake, sets up what carries HTTP, and goes away.
private final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let connection: UpstreamConnection
    private let service: UpstreamService
    private let isForUpgrade: Bool
    private let ready: EventLoopPromise<NIOLoopBound<UpstreamConnection>>

    init(
        connection: UpstreamConnection, service: UpstreamService, isForUpgrade: Bool,
        ready: EventLoopPromise<NIOLoopBound<UpstreamConnection>>
    ) {
        self.connection = connection
        self.service = service
        self.isForUpgrade = isForUpgrade
        self.ready = ready
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let agreed)? = event as? TLSUserEvent { setUp(context, agreed: agreed) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ready.fail(UpstreamFailure.closed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A handshake that failed before a certificate came has none to look at.
        let tls = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
        let fault = HandshakeFault(
            certificate: tls?.peerCertificate, host: service.upstream.url.host,
            time: Int(WallTime.now.nanoseconds / 1_000_000_000))
        ready.fail(fault.failure(for: error))
        context.close(promise: nil)
    }

    private func setUp(_ context: ChannelHandlerContext, agreed: String?) {
        do {
            try isForUpgrade ? connection.becomeHTTP1() : connection.becomeHTTP(agreed: agreed, service.upstream)
        } catch {
            return ready.fail(error)
        }
        ready.succeed(NIOLoopBound(connection, eventLoop: context.eventLoop))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

/// Tells the pool how many streams the peer allows when its settings come, the first frame that it sends (RFC 9113
/// §3.4). Until then the connection is lent once: more streams would queue on it where the peer allows only one.
private final class FirstSettingsHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame

    private let connection: UpstreamConnection
    private let timeout: Interval
    private var late: Scheduled<Void>?

    init(connection: UpstreamConnection, timeout: Interval) {
        self.connection = connection
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        late = context.eventLoop.scheduleTask(in: TimeAmount(timeout)) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        late?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // First: a handler that has left hands nothing on.
        context.fireChannelRead(data)
        guard case .settings(.settings(let settings)) = unwrapInboundIn(data).payload else { return }
        let most = settings.last { $0.parameter == .maxConcurrentStreams }?.value
        // No number means no bound (RFC 9113 §6.5.2).
        connection.maxStreams(most ?? .max)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
