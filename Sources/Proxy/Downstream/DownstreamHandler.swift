import Admission
import NIOCore
import NIOHTTP1
import Providers
import Telemetry

/// One connection of an application: reads its requests one after the other, writes their responses.
///
/// One exchange runs at a time; what a pipelining caller sends ahead waits in order, bounded by not reading on. All
/// writes downstream go through here, so that framing and the end of the connection are decided in one place.
final class DownstreamHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// A head that has begun must be whole by then (RFC 9110 §15.5.9 leaves the length to the server).
    static let headTimeout = Interval.seconds(10)
    /// Longest pause within a request's body.
    static let bodyTimeout = Interval.seconds(60)
    /// Longest time without a request.
    static let idleTimeout = Interval.seconds(90)
    /// Longest time in which the caller takes nothing of a response.
    static let stallTimeout = Interval.seconds(60)
    /// What is read and dropped of a body that nobody wants, so that the caller gets to read the answer.
    static let mostDiscarded = 16 << 20

    let worker: Worker
    /// The upstream that owns the listener, where one does.
    private let owner: Int?
    var context: ChannelHandlerContext?
    var exchange: Exchange?
    /// Parts of later requests. Few callers send any, so that room for them is made when they come.
    var ahead = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 1)
    var request = RequestState.none
    var response = ResponseState.none
    var keepsAlive = true
    private var isHead = false
    /// Whether what comes can't be read as requests any more.
    var isBroken = false
    private var expectsContinue = false
    private var isReadHeld = false
    private var discarded = 0
    private var knownID: String?
    /// Place among what the worker watches.
    var watchPlace = -1
    /// When ``deadlinePassed()`` is to be called, checked a few times a second.
    var deadline = Instant.never
    var awaited = Awaited.request
    /// Whether a part has come in this turn of reading: then more may follow, and ``channelReadComplete(context:)``
    /// will.
    private(set) var hasSeenPart = false
    private var isTakingAhead = false
    var stalledSince: Instant?

    /// What the connection's own deadline is for, outside of exchanges.
    enum Awaited {
        /// The first byte of a request.
        case request
        /// The end of a head that has begun.
        case head
        /// The end of a body that is dropped.
        case bodyEnd
        /// The peer's close.
        case close
    }

    enum RequestState {
        /// Between two requests.
        case none
        case body
        /// Its exchange is over; the rest is dropped.
        case discarding
        case complete
        /// This side has said its last; what still comes is dropped.
        case closing
    }

    enum ResponseState {
        case none
        case begun(Forwarding.Framing)
        case ended
    }

    init(worker: Worker, owner: Int?) {
        self.worker = worker
        self.owner = owner
    }

    // MARK: Lifecycle

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { opened() }
    }

    func channelActive(context: ChannelHandlerContext) {
        opened()
        context.fireChannelActive()
    }

    private func opened() {
        guard watchPlace < 0 else { return }
        worker.opened(self)
        awaitRequest()
    }

    private func awaitRequest() {
        awaited = .request
        deadline = Clock.now() + Self.idleTimeout
    }

    func channelInactive(context: ChannelHandlerContext) {
        let exchange = exchange
        self.exchange = nil
        exchange?.downstreamGone()
        worker.closed(self)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasSeenPart = true
        let part = unwrapInboundIn(data)
        switch request {
        case .complete: ahead.append(part)
        case .none, .body, .discarding: take(part)
        case .closing: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        let wasSeen = hasSeenPart
        hasSeenPart = false
        exchange?.requestReadComplete()
        if !wasSeen, case .none = request, awaited == .request {
            // Bytes came and no part of a request: a head has begun.
            awaited = .head
            deadline = Clock.now() + Self.headTimeout
        }
        context.fireChannelReadComplete()
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): begin(head)
        case .body(let bytes):
            if case .discarding = request { return discard(bytes.readableBytes) }
            exchange?.requestBody(bytes)
        case .end(let trailers):
            let wasDiscarding = if case .discarding = request { true } else { false }
            request = .complete
            if wasDiscarding { next() } else { exchange?.requestEnd(trailers) }
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        let now = Clock.now()
        request = .body
        response = .none
        discarded = 0
        knownID = nil
        deadline = .never
        let fields = RequestFields(head.headers, identity: worker.identity)
        keepsAlive = head.isKeepAlive && !fields.has("upgrade") && !worker.isDraining
        isHead = head.method == .HEAD
        expectsContinue = head.version.knowsChunks && fields.has("expect")
        if let refusal = worker.overload() ?? RequestCheck.refusal(of: head, fields: fields) {
            keepsAlive = false
            return refuse(refusal, head, now: now)
        }
        guard let route = worker.router.route(head.uri, authority: fields.first("host") ?? "", owner: owner) else {
            return refuse(.noRoute(String(head.uri.prefix { $0 != "?" })), head, now: now)
        }
        let exchange = Exchange(
            head: head, fields: fields, route: route, connection: self, worker: worker, now: now)
        self.exchange = exchange
        exchange.begin()
    }

    /// Refuses what never became an exchange.
    func refuse(_ refusal: Refusal, _ head: HTTPRequestHead?, now: Instant) {
        if head == nil { isHead = false }
        worker.refused(refusal, head: head, requestID: requestID, tookSince: now)
        answer(refusal.answer(for: .generic, requestID: requestID))
        ended(nil)
    }

    /// Names the present request in the log and in provider-shaped errors; made when somebody asks for it.
    var requestID: String {
        if let knownID { return knownID }
        let made = worker.newRequestID()
        knownID = made
        return made
    }

    private func discard(_ bytes: Int) {
        discarded += bytes
        if discarded > Self.mostDiscarded { context?.close(promise: nil) }
    }

    /// The next request, where there may be one.
    private func next() {
        guard case .ended = response, case .complete = request, exchange == nil else { return }
        guard keepsAlive, !worker.isDraining else { return closeGently() }
        request = .none
        response = .none
        awaitRequest()
        // A loop and not a recursion: a caller may send a thousand requests ahead.
        guard !isTakingAhead else { return }
        isTakingAhead = true
        while !isRequestComplete, let part = ahead.popFirst() { take(part) }
        isTakingAhead = false
        // These parts came in a read that is long over, so no end of it will flush them.
        exchange?.requestReadComplete()
        resumeReading()
    }

    var isRequestComplete: Bool {
        if case .complete = request { true } else { false }
    }

    // MARK: Reading

    /// Whether more may come now: for the present request as its exchange says, nothing of a later one once there is
    /// some.
    private var wantsRead: Bool {
        guard ahead.isEmpty else { return false }
        return exchange?.wantsRequest ?? true
    }

    func read(context: ChannelHandlerContext) {
        if wantsRead { context.read() } else { isReadHeld = true }
    }

    func resumeReading() {
        guard isReadHeld, wantsRead else { return }
        isReadHeld = false
        context?.read()
    }

    // MARK: Writing

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            stalledSince = nil
            exchange?.downstreamWritable()
        } else {
            stalledSince = Clock.now()
        }
        context.fireChannelWritabilityChanged()
    }

    func write(_ part: HTTPServerResponsePart) {
        context?.write(wrapOutboundOut(part), promise: nil)
    }

    func flush() {
        context?.flush()
    }

    /// Tells a caller that asked first that its body may come (RFC 9110 §10.1.1).
    func sendContinue() {
        guard expectsContinue, case .body = request else { return }
        expectsContinue = false
        write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
        flush()
    }

    /// Writes a response's head. With it the fate of the connection is decided.
    func begin(status: HTTPResponseStatus, fields: [(String, String)], framing: Forwarding.Framing) {
        var fields = fields
        if case .close = framing { keepsAlive = false }
        if worker.isDraining { keepsAlive = false }
        if case .chunked = framing { fields.append(("Transfer-Encoding", "chunked")) }
        if !keepsAlive { fields.append(("Connection", "close")) }
        if keepsAlive, exchange?.version == .http1_0 { fields.append(("Connection", "keep-alive")) }
        response = .begun(framing)
        write(.head(HTTPResponseHead(version: .http1_1, status: status, headers: HTTPHeaders(fields))))
    }

    /// Writes an answer of Penstock's own, whole. A caller that still waits for leave to send its body is not given it.
    func answer(_ answer: OwnAnswer) {
        if expectsContinue, case .body = request { keepsAlive = false }
        var fields = answer.headers.map { ($0.name, $0.value) }
        fields.append(("Content-Length", String(answer.body.count)))
        fields.append(("Date", HTTPDate.now))
        fields.append(("Via", "1.1 penstock"))
        begin(status: HTTPResponseStatus(statusCode: answer.status), fields: fields, framing: .contentLength)
        if !isHead { write(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))) }
        write(.end(nil))
    }

    /// The exchange has written the end of its response.
    func ended(_ exchange: Exchange?) {
        // Before the caller sees the end: whoever looks at the figures then finds the request in them.
        if let exchange { report(exchange) }
        flush()
        self.exchange = nil
        response = .ended
        if isRequestComplete { return next() }
        // The caller is still sending what nobody waits for any more.
        guard case .body = request, keepsAlive else { return closeGently() }
        request = .discarding
        awaited = .bodyEnd
        deadline = Clock.now() + Self.headTimeout
        resumeReading()
    }

    func report(_ exchange: Exchange) {
        worker.report(exchange, requestID: requestID)
    }
}
