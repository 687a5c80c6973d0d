import NIOCore
import NIOHTTP1

/// In place of the decoder once bytes are bytes: the parts of a body without an end of its own.
final class TunnelDecoder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(.body(unwrapInboundIn(data))))
    }

    /// The caller has said its last and may still listen.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { context.fireChannelRead(wrapInboundOut(.end(nil))) }
        context.fireUserInboundEventTriggered(event)
    }
}
