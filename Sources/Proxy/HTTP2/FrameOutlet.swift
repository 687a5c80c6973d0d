import NIOCore
import NIOHTTP2

/// Where the frames of one HTTP/2 connection are written. Its streams share one flush, when the loop's turn is over, and
/// so one system call.
final class FrameOutlet {
    let loop: any EventLoop
    private var context: ChannelHandlerContext?
    private var isFlushDue = false

    init(loop: any EventLoop) {
        self.loop = loop
    }

    /// - Parameter context: of the handler above NIO's; `nil` when it has gone.
    func use(_ context: ChannelHandlerContext?) {
        self.context = context
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload, promise: EventLoopPromise<Void>? = nil) {
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.write(NIOAny(HTTP2Frame(streamID: id, payload: payload)), promise: promise)
    }

    /// Sends what is written when this turn of the loop is over.
    func flush() {
        guard !isFlushDue else { return }
        isFlushDue = true
        let outlet = NIOLoopBound(self, eventLoop: loop)
        loop.execute { outlet.value.flushNow() }
    }

    /// Sends what is to be sent at the end of the turn.
    func flushNow() {
        guard isFlushDue else { return }
        isFlushDue = false
        context?.flush()
    }

    /// A promise that is kept when what it goes with has gone out.
    func whenSent(_ action: @escaping () -> Void) -> EventLoopPromise<Void> {
        let sent = loop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenSuccess(action)
        return sent
    }
}
