import NIOCore
import NIOHTTP1

/// The last handler of an HTTP/1.1 connection to an upstream.
///
/// It carries parts between the channel and the exchange that has leased it, and nothing else. Between leases the
/// connection stays here, idle; whatever arrives then makes it useless.
final class HTTP1UpstreamEnd: UpstreamEnd, ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = ByteBuffer

    private let connection: UpstreamConnection
    private let decoder: HTTPResponseDecoder
    private var outgoing: Outgoing
    private var context: ChannelHandlerContext?
    /// Where writes begin: below the decoder, which is told of requests but need not see their bytes.
    private var outlet: ChannelHandlerContext?
    /// Whether a read was asked for while the downstream took nothing.
    private var isReadHeld = false
    /// Whether an answer can follow on this connection.
    private var isReusable = true
    private var hasSentRequest = false
    /// Whether an answer has ended and the connection goes back to the pool when all that came with it has been looked
    /// at: what follows an answer unasked must not become the answer to somebody else's request.
    private var isEnding = false
    private var isTunnel = false
    private var passage: ChunkPassage?

    init(connection: UpstreamConnection, scratch: Scratch) {
        self.connection = connection
        outgoing = Outgoing(scratch)
        decoder = HTTPResponseDecoder(
            leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .forward,
            limitConfiguration: connection.pool.decoderLimits)
    }

    /// Adds what speaks HTTP/1.1 to the connection's channel.
    func addHandlers(to pipeline: ChannelPipeline.SynchronousOperations) throws {
        let parser = ByteToMessageHandler(decoder)
        let passage = ChunkPassage {
            self.exchange?.upstreamChunks($0)
        } readComplete: {
            self.readComplete()
        }
        try pipeline.addHandlers([passage, parser, self])
        self.passage = passage
        outlet = try pipeline.context(handler: parser)
    }

    // MARK: For the exchange

    func begin(_ exchange: Exchange) {
        precondition(self.exchange == nil, "a connection serves one exchange at a time")
        self.exchange = exchange
        hasSentRequest = false
    }

    override var isWritable: Bool { context?.channel.isWritable ?? false }

    override func send(_ head: HTTPRequestHead, isChunked: Bool, endsHere: Bool) {
        // The length of an answer depends on what was asked (RFC 9112 §6.3).
        decoder.write(data: .head(head))
        outgoing.isChunked = isChunked
        outgoing.gather { buffer in
            buffer.writeRequestLine(head.method, head.uri)
            for (name, value) in head.headers { buffer.writeField(name, value) }
            if isChunked { buffer.writeText("Transfer-Encoding: chunked\r\n") }
            buffer.writeEndOfFields()
        }
    }

    override func write(_ bytes: ByteBuffer) {
        if let outlet { outgoing.body(bytes, to: outlet) }
    }

    override func end(_ trailers: HTTPHeaders?) {
        hasSentRequest = true
        outgoing.end(trailers)
        guard isTunnel else { return }
        flush()
        context?.close(mode: .output, promise: nil)
    }

    override func flush() {
        if let outlet { outgoing.flush(to: outlet) }
    }

    override func resumeReading() {
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    override func abandon() {
        exchange = nil
        isReusable = false
        connection.discard()
    }

    override func becomeTunnel() {
        guard let context, !isTunnel else { return }
        isTunnel = true
        isReusable = false
        // The decoder is at work on the head that led here.
        let end = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { end.value.replaceDecoder() }
    }

    private func replaceDecoder() {
        guard let context else { return }
        let pipeline = context.pipeline.syncOperations
        do {
            let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
            try pipeline.addHandler(TunnelParts(), position: .before(self))
            // It hands on what it has not parsed. Until it is gone nothing must be written through it.
            pipeline.removeHandler(parser).assumeIsolated().whenSuccess {
                self.outlet = self.context
                self.exchange?.upstreamReadComplete()
            }
        } catch {
            context.close(promise: nil)
        }
    }

    // MARK: Inbound

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        outlet = nil
        passage = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let exchange else {
            isReusable = false
            return context.close(promise: nil)
        }
        switch unwrapInboundIn(data) {
        case .head(let head):
            passage?.found(head)
            if head.status.code >= 200, !head.isKeepAlive { isReusable = false }
            exchange.upstreamHead(head)
        case .body(let bytes):
            passage?.found(data: bytes.readableBytes)
            exchange.upstreamBody(bytes)
        case .end(let trailers):
            passage?.foundEnd()
            // What follows the head of a tunnel is the tunnel's.
            if isTunnel { return }
            self.exchange = nil
            if isReusable, hasSentRequest, !Trailers.announceClose(trailers) {
                isEnding = true
            } else {
                connection.finished(self, isReusable: false)
            }
            exchange.upstreamEnd(trailers)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        readComplete()
        context.fireChannelReadComplete()
    }

    private func readComplete() {
        if isEnding {
            isEnding = false
            connection.finished(self, isReusable: isReusable)
        }
        exchange?.upstreamReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.upstreamWritable() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isTunnel, let exchange {
            self.exchange = nil
            exchange.upstreamEnd(nil)
        }
        broke(UpstreamFailure.closed)
        connection.closed()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        broke(UpstreamFailure(error))
        context.close(promise: nil)
    }

    private func broke(_ failure: UpstreamFailure) {
        isReusable = false
        isEnding = false
        guard let exchange else { return }
        self.exchange = nil
        exchange.upstreamBroke(failure)
    }

    // MARK: Outbound

    func read(context: ChannelHandlerContext) {
        if let exchange, !exchange.wantsResponse {
            isReadHeld = true
        } else {
            context.read()
        }
    }
}

/// In place of the decoder once bytes are bytes: the parts of a body without an end of its own.
private final class TunnelParts: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = HTTPClientResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(.body(unwrapInboundIn(data))))
    }
}
