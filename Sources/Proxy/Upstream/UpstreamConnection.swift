import Admission
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL

/// One connection to an upstream: HTTP/1.1 with one handler, or HTTP/2 with a handler per stream.
final class UpstreamConnection {
    let number: Int
    unowned let pool: UpstreamPool
    let channel: any Channel
    private(set) var isClosed = false
    /// Whether it has served an exchange before: then it may have died while it was idle.
    private(set) var hasServed = false
    /// Whether it takes nothing new.
    private(set) var isRetired = false
    /// The last stream that the peer has taken, since it said so.
    private var lastTaken: HTTP2StreamID?
    private var kind = Kind.negotiating
    /// Those that wait for their stream to be made, oldest first.
    private var newcomers: [(exchange: Exchange, isReused: Bool)] = []

    private enum Kind {
        case negotiating
        case h1(UpstreamHandler)
        case h2(NIOHTTP2Handler.StreamMultiplexer)
    }

    init(number: Int, pool: UpstreamPool, channel: any Channel) {
        self.number = number
        self.pool = pool
        self.channel = channel
    }

    var isHTTP2: Bool {
        if case .h2 = kind { true } else { false }
    }

    // MARK: Setting up

    func becomeHTTP1() throws {
        let handler = UpstreamHandler(connection: self)
        var encoder = HTTPRequestEncoder.Configuration()
        encoder.automaticallySetFramingHeaders = false
        let decoder = HTTPResponseDecoder(
            leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward,
            limitConfiguration: pool.decoderLimits)
        try channel.pipeline.syncOperations.addHandlers([
            HTTPRequestEncoder(configuration: encoder), ByteToMessageHandler(decoder), handler,
        ])
        kind = .h1(handler)
    }

    func becomeHTTP2() throws {
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 0),
            HTTP2Setting(parameter: .initialWindowSize, value: UpstreamPool.streamWindow),
            HTTP2Setting(parameter: .maxHeaderListSize, value: pool.decoderLimits.maxHeaderListSize),
        ]
        configuration.stream.targetWindowSize = UpstreamPool.streamWindow
        configuration.connection.targetWindowSize = UpstreamPool.connectionWindow
        // The peer is the provider that the user chose; cancelled callers must not cost the connection.
        configuration.stream.streamResetFrameRateLimit.maximumCount = 10_000
        configuration.stream.streamErrorRateLimit.maximumCount = 10_000
        let handler = NIOHTTP2Handler(
            mode: .client, eventLoop: channel.eventLoop, connectionConfiguration: configuration.connection,
            streamConfiguration: configuration.stream
        ) { channel in
            // Push is switched off, so no stream comes from the peer.
            channel.close()
        }
        try channel.pipeline.syncOperations.addHandlers([handler, HTTP2ConnectionHandler(connection: self)])
        kind = .h2(try handler.syncMultiplexer())
    }

    // MARK: Leasing

    /// Lends the connection to an exchange, now or, where a stream has to be made first, in the next tick.
    func serve(_ exchange: Exchange) {
        let isReused = hasServed
        hasServed = true
        switch kind {
        case .negotiating: preconditionFailure("a connection is lent once it is set up")
        case .h1(let handler):
            handler.begin(exchange)
            exchange.leased(handler, isReused: isReused)
        case .h2(let multiplexer):
            newcomers.append((exchange, isReused))
            makeStream(multiplexer)
        }
    }

    private func makeStream(_ multiplexer: NIOHTTP2Handler.StreamMultiplexer) {
        let connection = NIOLoopBound(self, eventLoop: channel.eventLoop)
        let isTLS = pool.service.upstream.url.isTLS
        let made = channel.eventLoop.makePromise(of: (any Channel).self)
        made.futureResult.whenFailure { _ in connection.value.streamFailed() }
        multiplexer.createStreamChannel(promise: made) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandlers([
                    HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: isTLS ? .https : .http),
                    UpstreamHandler(connection: connection.value),
                ])
            }
        }
    }

    /// A stream is open: the oldest newcomer gets it.
    func streamActive(_ handler: UpstreamHandler) {
        guard isHTTP2 else { return }
        guard !newcomers.isEmpty else {
            handler.context?.close(promise: nil)
            return
        }
        let newcomer = newcomers.removeFirst()
        handler.begin(newcomer.exchange)
        newcomer.exchange.leased(handler, isReused: newcomer.isReused)
    }

    /// A stream could not be made: the connection is about to go.
    private func streamFailed() {
        guard !isClosed else { return }
        pool.streamEnded(on: self)
        // Whoever it was for may have left.
        guard !newcomers.isEmpty else { return }
        let newcomer = newcomers.removeFirst()
        newcomer.exchange.leaseFailed(.notProcessed)
    }

    /// Takes back a lease that was not served yet.
    func forget(_ exchange: Exchange) {
        newcomers.removeAll { $0.exchange === exchange }
    }

    // MARK: Ends

    /// An answer has ended.
    func finished(_ handler: UpstreamHandler, isReusable: Bool) {
        guard case .h1 = kind else {
            if !isReusable { handler.context?.close(promise: nil) }
            return
        }
        if isReusable, !isClosed {
            pool.released(self)
        } else {
            channel.close(promise: nil)
        }
    }

    /// An exchange gave up before the end of the answer.
    func discard(_ handler: UpstreamHandler) {
        if case .h1 = kind { reset() } else { handler.context?.close(promise: nil) }
    }

    /// Ends the connection with a TCP reset, below TLS. An orderly end of TLS waits for the peer's part in it, and a peer
    /// that does not read while it answers would go on for seconds with what nobody counts any more.
    private func reset() {
        let channel = self.channel
        let tls = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self)
        guard let socket = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        // Where the option fails the close still comes, as FIN.
        socket.setSoLinger(NIOLinger(l_onoff: 1, l_linger: 0)).assumeIsolated().whenComplete { _ in
            if let tls { tls.close(promise: nil) } else { channel.close(promise: nil) }
        }
    }

    func streamClosed(_ handler: UpstreamHandler) {
        switch kind {
        case .h2: pool.streamEnded(on: self)
        case .h1, .negotiating: closed()
        }
    }

    func maxStreams(_ count: Int) {
        pool.maxStreams(count, on: self)
    }

    /// GOAWAY: what the peer took may end, nothing new begins.
    func retire(after last: HTTP2StreamID) {
        isRetired = true
        lastTaken = last
        let lost = newcomers
        newcomers = []
        pool.retire(self)
        for newcomer in lost { newcomer.exchange.leaseFailed(.notProcessed) }
    }

    /// Whether a stream was closed because the peer took none beyond an earlier one (RFC 9113 §6.8).
    func wasNotTaken(_ error: any Error) -> Bool {
        guard let lastTaken, let closed = error as? NIOHTTP2Errors.StreamClosed else { return false }
        return closed.streamID > lastTaken
    }

    func closed() {
        guard !isClosed else { return }
        isClosed = true
        let lost = newcomers
        newcomers = []
        pool.closed(self)
        for newcomer in lost { newcomer.exchange.leaseFailed(.notProcessed) }
    }
}

/// Listens to what concerns the whole of an HTTP/2 connection.
private final class HTTP2ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    private let connection: UpstreamConnection

    init(connection: UpstreamConnection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data).payload {
        case .settings(.settings(let settings)):
            for setting in settings where setting.parameter == .maxConcurrentStreams {
                connection.maxStreams(setting.value)
            }
        case .goAway(let last, _, _): connection.retire(after: last)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.closed()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An error of one stream reaches that stream; what comes here concerns the connection.
        if error is NIOHTTP2Errors.StreamError || error is NIOHTTP2Errors.StreamClosed { return }
        context.close(promise: nil)
    }
}
