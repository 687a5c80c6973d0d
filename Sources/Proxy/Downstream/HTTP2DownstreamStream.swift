import Admission
import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Providers

/// One stream of an HTTP/2 connection of an application: one request, one response.
final class HTTP2DownstreamStream: Downstream {
    private let id: HTTP2StreamID
    private let connection: HTTP2Downstream
    private var flow = StreamFlow()
    /// What is written and may yet turn out to be the last of the stream, so that its end can go with it.
    private var pending = Pending.none
    private var isComplete = false
    private var hasEnded = false
    /// Whether it is gone from the connection.
    private var isClosed = false
    /// Whether something has come in this turn of reading.
    var hasPart = false

    private enum Pending {
        case none
        case head(HPACKHeaders)
        case data(ByteBuffer)
    }

    init(id: HTTP2StreamID, connection: HTTP2Downstream, owner: String?) {
        self.id = id
        self.connection = connection
        super.init(worker: connection.worker, owner: owner)
    }

    // MARK: The request

    func begin(_ block: HPACKHeaders, endsStream: Bool) {
        isComplete = endsStream
        guard FieldBlock.request.isWellFormed(block), let request = HTTP2RequestHead(block) else {
            connection.noteMalformed()
            return reset(.protocolError)
        }
        let refusal = RequestCheck.refusal(of: request, block)
        let fields = RequestFields(request.head.headers, identity: worker.identity)
        expectsContinue = fields.has("expect")
        let isLengthUnknown = !endsStream && !fields.has("content-length")
        open(
            request.head, consume fields, protocolName: request.protocolName, isLengthUnknown: isLengthUnknown,
            refusal: refusal, now: Clock.now())
        if endsStream, let exchange, !exchange.wantsTunnel { exchange.requestEnd(nil) }
    }

    func take(_ bytes: ByteBuffer, endsStream: Bool) {
        if bytes.readableBytes > 0 { exchange?.requestBody(bytes) }
        if endsStream { complete(nil) }
    }

    func takeTrailers(_ block: HPACKHeaders) {
        guard FieldBlock.trailers.isWellFormed(block) else {
            connection.noteMalformed()
            return reset(.protocolError)
        }
        complete(HTTP2Fields.headers(block))
    }

    private func complete(_ trailers: HTTPHeaders?) {
        isComplete = true
        exchange?.requestEnd(trailers)
    }

    override var hasSeenPart: Bool { hasPart }
    override var isSurplus: Bool { connection.isSurplus }
    override var isRequestComplete: Bool { isComplete }

    func windowChanged(to size: Int) {
        flow.windowChanged(to: size)
        resumeReading()
    }

    override func resumeReading() {
        guard !isComplete, !isClosed, let exchange, exchange.wantsRequest, let more = flow.renewal() else { return }
        connection.outlet.write(id, .windowUpdate(windowSizeIncrement: more))
        connection.outlet.flush()
    }

    // MARK: The response

    override var isWritable: Bool { flow.isWritable && connection.outlet.isWritable }

    override func inform(_ status: HTTPResponseStatus, _ fields: [(String, String)]) {
        connection.outlet.write(id, .headers(.init(headers: HTTP2Fields.response(status, fields))))
        connection.outlet.flush()
    }

    override func begin(status: HTTPResponseStatus, fields: [(String, String)], framing: Forwarding.Framing) {
        pending = .head(HTTP2Fields.response(status, fields))
    }

    override func write(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        pass(endsStream: false)
        pending = .data(bytes)
    }

    override func end(_ trailers: HTTPHeaders?) {
        hasEnded = true
        guard let trailers, !trailers.isEmpty else {
            if case .none = pending { pending = .data(ByteBuffer()) }
            return pass(endsStream: true)
        }
        pass(endsStream: false)
        connection.outlet.write(
            id, .headers(.init(headers: HTTP2Fields.trailers(trailers), endStream: true)), promise: restUnwanted())
    }

    /// When the answer has gone out the rest of the request is not waited for (RFC 9113 §8.1); a reset before that
    /// would take the answer with it.
    private func restUnwanted() -> EventLoopPromise<Void>? {
        guard !isComplete, !isClosed else { return nil }
        return connection.outlet.whenSent { [self] in if !isComplete { reset(.noError) } }
    }

    override func flush() {
        pass(endsStream: false)
        connection.outlet.flush()
    }

    private func pass(endsStream: Bool) {
        let part = pending
        pending = .none
        switch part {
        case .none: break
        case .head(let block):
            connection.outlet.write(
                id, .headers(.init(headers: block, endStream: endsStream)), promise: endsStream ? restUnwanted() : nil)
        case .data(let bytes):
            let marked = flow.send(bytes.readableBytes)
            connection.updates.sent(bytes.readableBytes)
            if !flow.isWritable { stall() }
            connection.outlet.write(
                id, .data(.init(data: .byteBuffer(bytes), endStream: endsStream)),
                promise: endsStream ? restUnwanted() : marked.map(report(sent:)))
        }
    }

    /// A promise that is kept when these bytes have gone out.
    private func report(sent count: Int) -> EventLoopPromise<Void> {
        connection.outlet.whenSent { [self] in sent(count) }
    }

    private func sent(_ count: Int) {
        if stalledSince != nil { stalledSince = Clock.now() }
        let hasRoom = flow.sent(count)
        if unwritten > 0 { holdUnsent() }
        guard hasRoom, !hasEnded else { return }
        stalledSince = nil
        exchange?.downstreamWritable()
    }

    private func stall() {
        stalledSince = stalledSince ?? Clock.now()
        holdUnsent()
    }

    /// Tells the guard of what the caller has no window for.
    private func holdUnsent() {
        worker.guards.hold(&unwritten, isClosed ? 0 : flow.unsent)
    }

    override func ended(_ exchange: Exchange?) {
        if let exchange { report(exchange) }
        self.exchange = nil
        deadline = .never
        // However little it is that the caller has no window for: nobody else would end the stream.
        if !isClosed { stall() }
        connection.outlet.flush()
    }

    override func becomeTunnel() {
        flush()
        resumeReading()
    }

    // MARK: Ends

    override func breakOff() {
        guard let exchange else { return }
        report(exchange)
        self.exchange = nil
        pass(endsStream: false)
        reset(.internalError)
    }

    private func reset(_ reason: HTTP2ErrorCode) {
        guard !isClosed else { return }
        connection.outlet.write(id, .rstStream(reason))
        connection.outlet.flush()
    }

    /// Both sides have said their last, one has reset the stream, or the connection is gone.
    func gone() {
        isClosed = true
        holdUnsent()
        worker.unwatch(self)
        let exchange = exchange
        self.exchange = nil
        if !hasEnded { exchange?.downstreamGone() }
    }

    override func deadlinePassed(now: Instant) {
        deadline = .never
        exchange?.deadlinePassed()
    }

    override func closeNow() {
        reset(.cancel)
    }
}
