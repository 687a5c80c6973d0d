import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// One stream of an HTTP/2 connection to an upstream.
final class HTTP2UpstreamEnd: UpstreamEnd {
    private let frames: HTTP2Upstream
    /// `nil` until something is sent.
    private var id: HTTP2StreamID?
    private var flow = StreamFlow()
    private var hasHead = false
    private var hasSentRequest = false
    private var isOver = false
    /// The upstream has said its last.
    private var hasEnded = false
    /// Whether something has come in this turn of reading.
    var isTouched = false
    /// The last part of the request, which may go with its end.
    private var pending: ByteBuffer?

    init(_ frames: HTTP2Upstream, exchange: Exchange) {
        self.frames = frames
        super.init()
        self.exchange = exchange
    }

    // MARK: For the exchange

    override var isHTTP2: Bool { true }
    override var isOpen: Bool { !isOver && frames.takesStreams }
    override var isWritable: Bool { flow.isWritable && frames.outlet.isWritable }

    override func send(_ head: HTTPRequestHead, isChunked: Bool, endsHere: Bool) {
        let id = frames.open(self)
        self.id = id
        let block = HTTP2Fields.request(head, scheme: frames.scheme)
        hasSentRequest = endsHere
        frames.outlet.write(id, .headers(.init(headers: block, endStream: endsHere)))
    }

    override var takesExtendedConnect: Bool? { frames.takesExtendedConnect }

    override func sendExtendedConnect(_ head: HTTPRequestHead, protocolName: String) {
        let id = frames.open(self)
        self.id = id
        let block = HTTP2Fields.extendedConnect(head, scheme: frames.scheme, protocolName: protocolName)
        frames.outlet.write(id, .headers(.init(headers: block)))
    }

    override func write(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        pass(endsStream: false)
        pending = bytes
    }

    override func end(_ trailers: HTTPHeaders?) {
        guard !hasSentRequest, !isOver, let id else { return }
        hasSentRequest = true
        guard let trailers, !trailers.isEmpty else {
            pending = pending ?? ByteBuffer()
            return pass(endsStream: true)
        }
        pass(endsStream: false)
        frames.outlet.write(id, .headers(.init(headers: HTTP2Fields.trailers(trailers), endStream: true)))
    }

    private func pass(endsStream: Bool) {
        guard let bytes = pending else { return }
        pending = nil
        guard !isOver, let id else { return }
        let marked = flow.send(bytes.readableBytes)
        frames.outlet.write(
            id, .data(.init(data: .byteBuffer(bytes), endStream: endsStream)), promise: marked.map(report(sent:)))
    }

    /// A promise that is kept when these bytes have gone out.
    private func report(sent count: Int) -> EventLoopPromise<Void> {
        frames.outlet.whenSent { [self] in sent(count) }
    }

    private func sent(_ count: Int) {
        if flow.sent(count) { exchange?.upstreamWritable() }
    }

    override func flush() {
        pass(endsStream: false)
        frames.outlet.flush()
    }

    override func resumeReading() {
        guard !isOver, !hasEnded, let id, let exchange, exchange.wantsResponse, let more = flow.renewal() else {
            return
        }
        frames.outlet.write(id, .windowUpdate(windowSizeIncrement: more))
        frames.outlet.flush()
    }

    override func abandon() {
        exchange = nil
        reset(.cancel)
    }

    override func becomeTunnel() {}

    private func reset(_ reason: HTTP2ErrorCode) {
        guard !isOver else { return }
        guard let id else { return finish() }
        frames.outlet.write(id, .rstStream(reason))
        frames.outlet.flush()
    }

    /// The place on the connection is free again; once.
    private func finish() {
        guard !isOver else { return }
        isOver = true
        pending = nil
        frames.streamEnded()
    }

    // MARK: Inbound

    func take(_ block: HPACKHeaders, endsStream: Bool) {
        guard let exchange else { return }
        guard (hasHead ? FieldBlock.trailers : .response).isWellFormed(block) else {
            self.exchange = nil
            reset(.protocolError)
            return exchange.upstreamBroke(.malformed("fields that HTTP/2 does not allow"))
        }
        if hasHead { return end(of: exchange, HTTP2Fields.headers(block)) }
        guard let status = block.first(name: ":status").flatMap({ Int($0) }) else { return }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: HTTP2Fields.headers(block))
        hasHead = status >= 200
        exchange.upstreamHead(head)
        if endsStream, self.exchange != nil { end(of: exchange, nil) }
    }

    func take(_ bytes: ByteBuffer, endsStream: Bool) {
        guard let exchange else { return }
        if bytes.readableBytes > 0 { exchange.upstreamBody(bytes) }
        if endsStream, self.exchange != nil { end(of: exchange, nil) }
    }

    private func end(of exchange: Exchange, _ trailers: HTTPHeaders?) {
        self.exchange = nil
        hasEnded = true
        exchange.upstreamEnd(trailers)
    }

    func readComplete() {
        exchange?.upstreamReadComplete()
        // The upstream has answered before its window let all of the request through.
        if hasEnded { reset(.noError) }
    }

    func windowChanged(to size: Int) {
        flow.windowChanged(to: size)
        resumeReading()
    }

    /// The stream is over: in good order, or by a reset of either side.
    func closed(_ reason: HTTP2ErrorCode?) {
        broke(reason == .refusedStream ? .notProcessed : .closed)
    }

    func broke(_ failure: UpstreamFailure) {
        let exchange = exchange
        self.exchange = nil
        finish()
        exchange?.upstreamBroke(failure)
    }
}
