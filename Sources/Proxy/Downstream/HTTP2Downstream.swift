import Admission
import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Providers

/// One HTTP/2 connection of an application: hands frames to its streams, each of which is one exchange.
///
/// NIO's handler below it keeps the protocol; here are no channels per stream, which would cost more than the exchange.
final class HTTP2Downstream: Watched, ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    /// Streams that one connection may have at a time. A client library opens one connection and lets requests wait
    /// inside itself beyond this; they should wait in the fair line.
    static let mostStreams = 1_000
    /// Resets of unanswered streams that a caller may make at once, and how many a second after that. Whoever cancels
    /// all that it has is within it; a flood is not (CVE-2023-44487).
    static let mostResets = 2_000
    private static let resetsPerSecond = 100

    let worker: Worker
    let outlet: FrameOutlet
    private let owner: String?
    private var context: ChannelHandlerContext?
    private(set) var streams: [HTTP2StreamID: HTTP2DownstreamStream] = [:]
    private var lastStream = HTTP2StreamID.rootStream
    /// Streams that got something in this turn of reading.
    private var touched: [HTTP2DownstreamStream] = []
    private(set) var isSurplus = false
    /// Of the head that has begun: how many had ended before it, its deadline, and the one that holds without it.
    private var head = (number: UInt32(0), deadline: Instant.never, otherwise: Instant.never)
    private var isGoingAway = false
    private var hasSaidGoodbye = false
    private var isSentAway = false
    private var resets = TokenBucket(capacity: mostResets, perSecond: resetsPerSecond)
    var updates = UpdateAllowance()
    /// As far as they were counted.
    private var unknownFrames: UInt32 = 0

    private let goAways: GoAwayWatch
    private let bytes: FrameBoundaryWatch

    init(worker: Worker, owner: String?, goAways: GoAwayWatch, bytes: FrameBoundaryWatch) {
        self.worker = worker
        outlet = FrameOutlet(loop: worker.loop)
        self.owner = owner
        self.goAways = goAways
        self.bytes = bytes
    }

    // MARK: Lifecycle

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        outlet.use(context)
        worker.opened(self)
        isSurplus = worker.hasTooMany
        awaitStreams()
        outlet.write(
            .rootStream, .windowUpdate(windowSizeIncrement: ConnectionFlow.window - ConnectionFlow.initialWindow))
        outlet.flush()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        outlet.use(nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let lost = Array(streams.values)
        streams = [:]
        for stream in lost { stream.gone() }
        worker.guards.hold(&unwritten, 0)
        worker.guards.hold(&begunHead, 0)
        worker.closed(self)
        context.fireChannelInactive()
    }

    private func awaitStreams() {
        deadline = Clock.now() + Downstream.idleTimeout
    }

    // MARK: Frames

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers): take(headers.headers, endsStream: headers.endStream, of: frame.streamID)
        case .data(let data):
            guard let stream = streams[frame.streamID], case .byteBuffer(let bytes) = data.data else { return }
            touch(stream)
            stream.take(bytes, endsStream: data.endStream)
        case .goAway:
            isGoingAway = true
            noteUpdate()
        case .windowUpdate: noteUpdate()
        default: break
        }
    }

    private func take(_ block: HPACKHeaders, endsStream: Bool, of id: HTTP2StreamID) {
        if let stream = streams[id] {
            touch(stream)
            return stream.takeTrailers(block)
        }
        guard !isGoingAway else { return outlet.write(id, .rstStream(.refusedStream)) }
        deadline = .never
        lastStream = max(lastStream, id)
        let stream = HTTP2DownstreamStream(id: id, connection: self, owner: owner)
        streams[id] = stream
        touch(stream)
        worker.watch(stream)
        stream.begin(block, endsStream: endsStream)
    }

    private func touch(_ stream: HTTP2DownstreamStream) {
        guard !stream.hasPart else { return }
        stream.hasPart = true
        touched.append(stream)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        while let stream = touched.popLast() {
            stream.hasPart = false
            stream.exchange?.requestReadComplete()
        }
        noteHead()
        outlet.flushNow()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as NIOHTTP2WindowUpdatedEvent: windowChanged(event)
        case let event as StreamClosedEvent: closed(event.streamID, event.reason)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func windowChanged(_ event: NIOHTTP2WindowUpdatedEvent) {
        guard let size = event.inboundWindowSize else { return }
        if event.streamID == .rootStream {
            if let more = ConnectionFlow.renewal(of: size) {
                outlet.write(.rootStream, .windowUpdate(windowSizeIncrement: more))
                outlet.flush()
            }
        } else {
            streams[event.streamID]?.windowChanged(to: size)
        }
    }

    private func closed(_ id: HTTP2StreamID, _ reason: HTTP2ErrorCode?) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        let wasUnanswered = stream.exchange != nil
        stream.gone()
        if wasUnanswered, reason != nil, !resets.take(now: Clock.now()) { return sendAway() }
        if streams.isEmpty { hasNoStreams() }
    }

    private func hasNoStreams() {
        guard isGoingAway || worker.isDraining else { return awaitStreams() }
        isGoingAway = true
        // The frame that has ended the last stream is still on its way through the handler that says so.
        let connection = NIOLoopBound(self, eventLoop: worker.loop)
        worker.loop.execute { connection.value.closeGently() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            stalledSince = nil
            worker.guards.hold(&unwritten, 0)
            for stream in Array(streams.values) { stream.exchange?.downstreamWritable() }
        } else {
            stalledSince = Clock.now()
            worker.guards.hold(&unwritten, Self.outboundMark)
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if goAways.concernsConnection(error) { context.close(promise: nil) }
    }

    /// A head that has begun, or another frame, must be whole in time, however its bytes trickle.
    private func noteHead() {
        let boundary = bytes.boundary
        while unknownFrames != boundary.unknown {
            unknownFrames &+= 1
            noteUpdate()
        }
        if begunHead > 0, !boundary.isOpen || boundary.ended != head.number { headEnded() }
        guard boundary.isOpen, begunHead == 0 else { return }
        head = (boundary.ended, min(deadline, Clock.now() + Downstream.headTimeout), deadline)
        deadline = head.deadline
        if worker.guards.beginHead(&begunHead, atMost: worker.maxHeaderBytes) != nil { sendAway() }
    }

    private func headEnded() {
        worker.guards.hold(&begunHead, 0)
        // Streams that came and went in the meantime have set another.
        if deadline <= head.deadline { deadline = streams.isEmpty ? head.otherwise : .never }
    }

    override var isOwed: Bool { begunHead > 0 }

    // MARK: For streams

    /// A stream's fields were none. Whoever sends many of them is sent away.
    func noteMalformed() {
        if !resets.take(now: Clock.now()) { sendAway() }
    }

    /// Neither a window nor a goodbye nor a frame without meaning costs its sender anything.
    private func noteUpdate() {
        if !updates.take(now: Clock.now()) { sendAway() }
    }

    private func sendAway() {
        // More of the same may have come in one read.
        guard !isSentAway else { return }
        isSentAway = true
        sayGoodbye(.enhanceYourCalm)
        closeNow()
    }

    // MARK: Ends

    override func deadlinePassed(now: Instant) {
        deadline = .never
        if hasSaidGoodbye { closeNow() } else if begunHead > 0 { sendAway() } else if streams.isEmpty { end(.noError) }
    }

    override func closeNow() {
        context?.close(promise: nil)
    }

    override func drain() {
        if streams.isEmpty { return end(.noError) }
        guard !isGoingAway else { return }
        isGoingAway = true
        sayGoodbye(.noError)
    }

    /// How long a peer that was told to go may take.
    private static let lingerTimeout = Interval.seconds(2)

    /// Closes this side's half after what is written has gone out, and the other when the caller does or has had time
    /// to: its window updates, unread, would turn a close into a reset, which may overtake the answer (RFC 9112 §9.6).
    private func closeGently() {
        guard let context else { return }
        deadline = Clock.now() + Self.stallTimeout
        sayGoodbye(.noError)
        let connection = NIOLoopBound(self, eventLoop: worker.loop)
        let said = worker.loop.makePromise(of: Void.self)
        said.futureResult.whenComplete { _ in connection.value.deadline = Clock.now() + Self.lingerTimeout }
        context.close(mode: .output, promise: said)
    }

    private func sayGoodbye(_ reason: HTTP2ErrorCode) {
        hasSaidGoodbye = true
        outlet.write(.rootStream, .goAway(lastStreamID: lastStream, errorCode: reason, opaqueData: nil))
        context?.flush()
    }

    /// The peer has a moment to read it.
    private func end(_ reason: HTTP2ErrorCode) {
        isGoingAway = true
        sayGoodbye(reason)
        deadline = Clock.now() + .seconds(1)
    }
}
