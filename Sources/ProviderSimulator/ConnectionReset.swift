import NIOCore
import NIOHTTP2

/// Stands first in a connection's pipeline, below TLS, and turns a ``StreamReset`` into a TCP reset: with a linger
/// time of zero a close sends RST instead of FIN.
final class SocketResetHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is StreamReset else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        if let socket = context.channel as? any SocketOptionProvider {
            // Where the option fails the close still comes, as FIN.
            socket.setSoLinger(NIOLinger(l_onoff: 1, l_linger: 0)).whenFailure { _ in }
        }
        context.close(promise: promise)
    }
}

/// Stands first in a stream's pipeline and turns a ``StreamReset`` into RST_STREAM with its code.
final class StreamResetHandler: ChannelOutboundHandler {
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let reset = event as? StreamReset else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        let code: HTTP2ErrorCode =
            switch reset {
            case .broken: .internalError
            case .refused: .refusedStream
            }
        context.writeAndFlush(wrapOutboundOut(.rstStream(code)), promise: promise)
    }
}
