import NIOCore

/// Stands first in a listener's pipeline: resets what there is no place for before anything is made for it, and stops
/// accepting for a moment where that can't succeed.
final class AcceptGuard: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    private let places: ConnectionPlaces
    private var isPaused = false

    /// While connections that were told to go are still there. They need one turn of their loop.
    private static let pauseInCrowd = TimeAmount.milliseconds(50)
    /// After accepting has failed, most likely because descriptors are used up (EMFILE, ENFILE).
    private static let pauseAfterFailure = TimeAmount.milliseconds(500)

    init(places: ConnectionPlaces) {
        self.places = places
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let connection = unwrapInboundIn(data)
        let places = places
        connection.closeFuture.whenComplete { _ in places.leave() }
        if places.enter() { return context.fireChannelRead(data) }
        Self.reset(connection)
        if places.isCrowded { pause(context.channel, for: Self.pauseInCrowd) }
    }

    /// An orderly close would leave the socket with the kernel for a minute, and the caller with hope.
    private static func reset(_ connection: any Channel) {
        guard let socket = connection as? any SocketOptionProvider else { return connection.close(promise: nil) }
        socket.setSoLinger(NIOLinger(l_onoff: 1, l_linger: 0)).whenComplete { _ in connection.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is IOError {
            places.noteFailure()
            pause(context.channel, for: Self.pauseAfterFailure)
        }
        context.fireErrorCaught(error)
    }

    /// Not reading is not enough: after a failed accept the channel (NIO 2.101) still has its read pending, so that it
    /// neither asks for one, for which `AcceptBackoffHandler` waits, nor stops watching a socket that stays readable. It
    /// would try again thousands of times a second. Without automatic reads it is not watched.
    private func pause(_ listener: any Channel, for length: TimeAmount) {
        guard !isPaused else { return }
        isPaused = true
        set(listener, isReading: false)
        let handler = NIOLoopBound(self, eventLoop: listener.eventLoop)
        listener.eventLoop.scheduleTask(in: length) { handler.value.resume(listener) }
    }

    private func resume(_ listener: any Channel) {
        isPaused = false
        if places.isCrowded { pause(listener, for: Self.pauseInCrowd) } else { set(listener, isReading: true) }
    }

    private func set(_ listener: any Channel, isReading: Bool) {
        // It fails where the listener is closed, and then nothing is read.
        try? listener.syncOptions?.setOption(.autoRead, value: isReading)
    }
}
