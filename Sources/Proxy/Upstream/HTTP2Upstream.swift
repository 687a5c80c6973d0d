import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// The frames of one HTTP/2 connection to an upstream: hands them to its streams, each of which is one attempt.
///
/// NIO's handler below it keeps the protocol; here are no channels per stream, which would cost more than the attempt.
final class HTTP2Upstream: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    /// The last number that a stream can have (RFC 9113 §5.1.1).
    private static let lastNumber = 0x7FFF_FFFF

    let outlet: FrameOutlet
    private let connection: UpstreamConnection
    private var streams: [HTTP2StreamID: HTTP2UpstreamEnd] = [:]
    private var nextNumber = 1
    /// Streams that got something in this turn of reading.
    private var touched: [HTTP2UpstreamEnd] = []
    /// The last stream that the peer has taken, since it said so.
    private var lastTaken: HTTP2StreamID?
    /// Whether the peer allows an extended CONNECT (RFC 8441 §3); `nil` before its first settings.
    private(set) var takesExtendedConnect: Bool?

    private let goAways: GoAwayWatch

    init(connection: UpstreamConnection, goAways: GoAwayWatch) {
        self.connection = connection
        outlet = FrameOutlet(loop: connection.channel.eventLoop)
        self.goAways = goAways
    }

    func handlerAdded(context: ChannelHandlerContext) {
        outlet.use(context)
        outlet.write(
            .rootStream, .windowUpdate(windowSizeIncrement: ConnectionFlow.window - ConnectionFlow.initialWindow))
        outlet.flush()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        outlet.use(nil)
    }

    // MARK: For streams

    /// Whether the peer takes new streams.
    var takesStreams: Bool { lastTaken == nil && !connection.isClosed }
    var scheme: String { connection.pool.service.upstream.url.isTLS ? "https" : "http" }

    /// Gives a stream its number: it is open with the head that it then sends.
    func open(_ stream: HTTP2UpstreamEnd) -> HTTP2StreamID {
        let id = HTTP2StreamID(nextNumber)
        nextNumber += 2
        streams[id] = stream
        if nextNumber >= Self.lastNumber { connection.retire() }
        return id
    }

    /// The attempt that had the stream is over.
    func streamEnded() {
        connection.pool.streamEnded(on: connection)
    }

    // MARK: Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers):
            guard let stream = touch(frame.streamID) else { return }
            stream.take(headers.headers, endsStream: headers.endStream)
        case .data(let data):
            guard case .byteBuffer(let bytes) = data.data, let stream = touch(frame.streamID) else { return }
            stream.take(bytes, endsStream: data.endStream)
        case .settings(.settings(let settings)): take(settings)
        case .goAway(let last, _, _): goAway(after: last)
        default: break
        }
    }

    private func touch(_ id: HTTP2StreamID) -> HTTP2UpstreamEnd? {
        guard let stream = streams[id] else { return nil }
        if !stream.isTouched {
            stream.isTouched = true
            touched.append(stream)
        }
        return stream
    }

    private func take(_ settings: HTTP2Settings) {
        takesExtendedConnect = takesExtendedConnect ?? false
        for setting in settings {
            switch setting.parameter {
            case .maxConcurrentStreams: connection.maxStreams(setting.value)
            case .enableConnectProtocol: takesExtendedConnect = setting.value == 1
            default: break
            }
        }
    }

    /// What the peer took may end, nothing new begins. What it did not take costs it nothing to see again elsewhere.
    private func goAway(after last: HTTP2StreamID) {
        lastTaken = last
        connection.retire()
        let lost = streams.filter { $0.key > last }.sorted { $0.key < $1.key }
        for (id, stream) in lost {
            streams[id] = nil
            stream.broke(.notProcessed)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        while let stream = touched.popLast() {
            stream.isTouched = false
            stream.readComplete()
        }
        outlet.flushNow()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as NIOHTTP2WindowUpdatedEvent: windowChanged(event)
        case let event as StreamClosedEvent:
            streams.removeValue(forKey: event.streamID)?.closed(wasRefused(event) ? .refusedStream : event.reason)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// Whether a stream was closed because the peer took none beyond an earlier one (RFC 9113 §6.8).
    private func wasRefused(_ event: StreamClosedEvent) -> Bool {
        guard let lastTaken else { return false }
        return event.streamID > lastTaken
    }

    private func windowChanged(_ event: NIOHTTP2WindowUpdatedEvent) {
        guard let size = event.inboundWindowSize else { return }
        guard event.streamID == .rootStream else {
            streams[event.streamID]?.windowChanged(to: size)
            return
        }
        guard let more = ConnectionFlow.renewal(of: size) else { return }
        outlet.write(.rootStream, .windowUpdate(windowSizeIncrement: more))
        outlet.flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            for stream in Array(streams.values) { stream.exchange?.upstreamWritable() }
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        let lost = streams.sorted { $0.key < $1.key }
        streams = [:]
        for (_, stream) in lost { stream.broke(.closed) }
        connection.closed()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if goAways.concernsConnection(error) { context.close(promise: nil) }
    }
}
