import NIOCore
import NIOHTTP1

/// The upstream's end of a CONNECT tunnel: a connection of its own, on which bytes are bytes from the first one on.
final class TunnelEnd: UpstreamEnd, ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let channel: any Channel
    private let onClose: () -> Void
    private var context: ChannelHandlerContext?
    private var isReadHeld = false

    /// - Parameter onClose: called once, when the connection is gone.
    init(_ channel: any Channel, exchange: Exchange, onClose: @escaping () -> Void) {
        self.channel = channel
        self.onClose = onClose
        super.init()
        self.exchange = exchange
    }

    override var isWritable: Bool { channel.isWritable }

    override func write(_ bytes: ByteBuffer) {
        context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    /// The caller has said its last; the upstream may go on.
    override func end(_ trailers: HTTPHeaders?) {
        context?.flush()
        context?.close(mode: .output, promise: nil)
    }

    override func flush() {
        context?.flush()
    }

    override func resumeReading() {
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    override func abandon() {
        exchange = nil
        guard let socket = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        let channel = self.channel
        socket.setSoLinger(NIOLinger(l_onoff: 1, l_linger: 0)).assumeIsolated()
            .whenComplete { _ in channel.close(promise: nil) }
    }

    override func becomeTunnel() {
        channel.read()
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        exchange?.upstreamBody(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.upstreamReadComplete()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.upstreamWritable() }
        context.fireChannelWritabilityChanged()
    }

    /// Also when the upstream has closed its half only: what it sent goes to the caller, and then the tunnel is over
    /// (RFC 9110 §9.3.6).
    func channelInactive(context: ChannelHandlerContext) {
        onClose()
        let exchange = exchange
        self.exchange = nil
        exchange?.upstreamEnd(nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let exchange = exchange
        self.exchange = nil
        exchange?.upstreamBroke(UpstreamFailure(error))
        context.close(promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        if let exchange, !exchange.wantsResponse {
            isReadHeld = true
        } else {
            context.read()
        }
    }
}
