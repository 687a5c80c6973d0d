import NIOCore
import NIOHTTP1

/// The upstream's end of an attempt: the last handler of an HTTP/1.1 connection, or of one stream of an HTTP/2 one.
///
/// It carries parts between the channel and the exchange that has leased it, and nothing else. Between leases an
/// HTTP/1.1 connection stays here, idle; whatever arrives then makes it useless.
final class UpstreamHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    let connection: UpstreamConnection
    private(set) var context: ChannelHandlerContext?
    private var exchange: Exchange?
    /// Whether a read was asked for while the downstream took nothing.
    private var isReadHeld = false
    /// Whether an answer can follow on this connection.
    private var isReusable = true
    private var hasSentRequest = false
    /// Whether an answer has ended and the connection goes back to the pool when all that came with it has been looked
    /// at: what follows an answer unasked must not become the answer to somebody else's request.
    private var isEnding = false
    /// Whether something of the request was handed to the channel.
    private(set) var hasWritten = false

    init(connection: UpstreamConnection) {
        self.connection = connection
    }

    // MARK: For the exchange

    func begin(_ exchange: Exchange) {
        precondition(self.exchange == nil, "a connection serves one exchange at a time")
        self.exchange = exchange
        hasSentRequest = false
        hasWritten = false
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ part: HTTPClientRequestPart) {
        hasWritten = true
        if case .end = part { hasSentRequest = true }
        context?.write(wrapOutboundOut(part), promise: nil)
    }

    func flush() {
        context?.flush()
    }

    /// Goes on reading after the downstream has room again.
    func resumeReading() {
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    /// Gives the connection up in the middle: the upstream sees a reset, the pool never sees it again.
    func abandon() {
        exchange = nil
        isReusable = false
        connection.discard(self)
    }

    // MARK: Inbound

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        connection.streamActive(self)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let exchange else {
            isReusable = false
            return context.close(promise: nil)
        }
        let part = unwrapInboundIn(data)
        switch part {
        case .head(let head):
            if head.status.code >= 200, !head.isKeepAlive { isReusable = false }
            exchange.upstreamHead(head)
        case .body(let bytes):
            exchange.upstreamBody(bytes)
        case .end(let trailers):
            self.exchange = nil
            if isReusable, hasSentRequest {
                isEnding = true
            } else {
                connection.finished(self, isReusable: false)
            }
            exchange.upstreamEnd(trailers)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isEnding {
            isEnding = false
            connection.finished(self, isReusable: isReusable)
        }
        exchange?.upstreamReadComplete()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.upstreamWritable() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        broke(UpstreamFailure.closed)
        connection.streamClosed(self)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        broke(connection.wasNotTaken(error) ? .notProcessed : UpstreamFailure(error))
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
