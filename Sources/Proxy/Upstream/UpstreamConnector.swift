import Admission
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Policy

/// Opens one connection: name, TCP, address check, TLS with ALPN, HTTP.
struct UpstreamConnector {
    let service: UpstreamService
    let loop: any EventLoop
    let number: Int
    let pool: UpstreamPool

    func connect() -> EventLoopFuture<NIOLoopBound<UpstreamConnection>> {
        let upstream = service.upstream
        let ready = loop.makePromise(of: NIOLoopBound<UpstreamConnection>.self)
        let context = NIOLoopBound(self, eventLoop: loop)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(upstream.timeouts.connect))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try context.value.prepare(channel, ready: ready)
                }
            }
        // An address needs no resolver, and so no thread that waits for one.
        let connected =
            service.address.map { bootstrap.connect(to: $0) }
            ?? bootstrap.connect(host: upstream.url.host, port: upstream.url.port)
        connected.whenFailure { ready.fail($0) }
        // TLS has the connect timeout to itself: a peer that accepts and stays silent must not hold an attempt.
        let late = loop.scheduleTask(in: TimeAmount(upstream.timeouts.connect + upstream.timeouts.connect)) {
            ready.fail(UpstreamFailure.connectTimeout)
        }
        ready.futureResult.whenComplete { _ in late.cancel() }
        return ready.futureResult
    }

    private func prepare(_ channel: any Channel, ready: EventLoopPromise<NIOLoopBound<UpstreamConnection>>) throws {
        let connection = UpstreamConnection(number: number, pool: pool, channel: channel)
        let handshake = HandshakeHandler(connection: connection, service: service, ready: ready)
        if let tls = service.tls {
            try channel.pipeline.syncOperations.addHandler(
                NIOSSLClientHandler(context: tls, serverHostname: service.serverName))
        }
        try channel.pipeline.syncOperations.addHandler(handshake)
        ready.futureResult.whenFailure { _ in channel.close(promise: nil) }
    }
}

/// Waits until the connection can carry HTTP, sets up what carries it, and goes away.
private final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let connection: UpstreamConnection
    private let service: UpstreamService
    private let ready: EventLoopPromise<NIOLoopBound<UpstreamConnection>>
    private var isSetUp = false

    init(
        connection: UpstreamConnection, service: UpstreamService,
        ready: EventLoopPromise<NIOLoopBound<UpstreamConnection>>
    ) {
        self.connection = connection
        self.service = service
        self.ready = ready
    }

    func channelActive(context: ChannelHandlerContext) {
        if let failure = service.objection(to: context.channel.remoteAddress) {
            ready.fail(failure)
            return context.close(promise: nil)
        }
        context.fireChannelActive()
        if service.tls == nil { setUp(context, agreed: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            setUp(context, agreed: negotiated)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ready.fail(UpstreamFailure.closed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        ready.fail(UpstreamFailure(error))
        context.close(promise: nil)
    }

    private func setUp(_ context: ChannelHandlerContext, agreed: String?) {
        guard !isSetUp else { return }
        isSetUp = true
        do {
            switch service.upstream.connections.httpVersion {
            case .h2c: try connection.becomeHTTP2()
            case .h1: try connection.becomeHTTP1()
            case .auto: try agreed == "h2" ? connection.becomeHTTP2() : connection.becomeHTTP1()
            case .h2:
                guard agreed == "h2" else { throw UpstreamFailure.versionNotAgreed }
                try connection.becomeHTTP2()
            }
        } catch {
            ready.fail(error)
            return context.close(promise: nil)
        }
        ready.succeed(NIOLoopBound(connection, eventLoop: context.eventLoop))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
