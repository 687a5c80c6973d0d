import Admission
import NIOCore
import NIOHTTP1
import Providers
import Telemetry

/// One HTTP/1.1 connection of an application: reads its requests one after the other, writes their responses.
///
/// One exchange runs at a time; what a pipelining caller sends ahead waits in order, bounded by not reading on. All
/// writes downstream go through here, so that framing and the end of the connection are decided in one place.
final class HTTP1Downstream: Downstream, ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer

    /// What is read and dropped of a body that nobody wants, so that the caller gets to read the answer.
    static let mostDiscarded = 16 << 20

    var context: ChannelHandlerContext?
    /// Parts of later requests. Few callers send any, so that room for them is made when they come.
    var ahead = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 1)
    var request = RequestState.none
    var response = ResponseState.none
    var keepsAlive = true
    /// Whether what comes can't be read as requests any more.
    var isBroken = false
    /// Whether the caller speaks HTTP/1.0.
    private var isOld = false
    private var isReadHeld = false
    private var isOneTooMany = false
    private var discarded = 0
    var awaited = Awaited.request
    private var hasPart = false
    /// What the channel says of its writability, which costs more to ask than to be told.
    private var hasRoom = true
    private var isTakingAhead = false
    private var outgoing: Outgoing
    /// Whether bytes are bytes, both ways.
    private(set) var isTunnel = false

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

    override init(worker: Worker, owner: String?) {
        outgoing = Outgoing(worker.scratch)
        super.init(worker: worker, owner: owner)
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
        isOneTooMany = worker.hasTooMany
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
        worker.guards.hold(&unwritten, 0)
        worker.guards.hold(&begunHead, 0)
        worker.closed(self)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hasPart = true
        let part = unwrapInboundIn(data)
        switch request {
        case .complete: ahead.append(part)
        case .none, .body, .discarding: take(part)
        case .closing: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        let hadPart = hasPart
        hasPart = false
        exchange?.requestReadComplete()
        if !hadPart, case .none = request, awaited == .request {
            // Bytes came and no part of a request: a head has begun.
            awaited = .head
            deadline = Clock.now() + Self.headTimeout
            if let refusal = worker.guards.beginHead(&begunHead, atMost: worker.maxHeaderBytes) { refuseHead(refusal) }
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
            if wasDiscarding { return next() }
            // What follows a request for a tunnel is the tunnel's, if there will be one.
            if let exchange, isTunnel || !exchange.wantsTunnel { exchange.requestEnd(trailers) }
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        request = .body
        response = .none
        discarded = 0
        if begunHead > 0 { worker.guards.hold(&begunHead, 0) }
        let fields = RequestFields(head.headers, identity: worker.identity)
        let isUpgrade = fields.has("upgrade")
        isOld = !head.version.knowsChunks
        keepsAlive = head.isKeepAlive && !isUpgrade && head.method != .CONNECT && !worker.isDraining && !isOneTooMany
        expectsContinue = !isOld && fields.has("expect")
        let refusal = RequestCheck.refusal(of: head, fields: fields)
        if refusal != nil || worker.isDraining { keepsAlive = false }
        let isLengthUnknown = fields.has("transfer-encoding")
        open(head, consume fields, isLengthUnknown: isLengthUnknown, refusal: refusal, now: Clock.now())
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

    override var hasSeenPart: Bool { hasPart }
    override var isSurplus: Bool { isOneTooMany }

    override var isRequestComplete: Bool {
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

    override func resumeReading() {
        guard isReadHeld, wantsRead else { return }
        isReadHeld = false
        context?.read()
    }

    // MARK: Writing

    override var isWritable: Bool { hasRoom }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        hasRoom = context.channel.isWritable
        if hasRoom {
            stalledSince = nil
            worker.guards.hold(&unwritten, 0)
            exchange?.downstreamWritable()
        } else {
            stalledSince = Clock.now()
            worker.guards.hold(&unwritten, Self.outboundMark)
        }
        context.fireChannelWritabilityChanged()
    }

    override func inform(_ status: HTTPResponseStatus, _ fields: [(String, String)]) {
        // HTTP/1.0 knows no such answers (RFC 9110 §15.2).
        if isOld { return }
        outgoing.gather { buffer in
            buffer.writeStatusLine(status)
            for (name, value) in fields { buffer.writeField(name, value) }
            buffer.writeEndOfFields()
        }
        flush()
    }

    /// Writes a response's head. With it the fate of the connection is decided.
    override func begin(status: HTTPResponseStatus, fields: [(String, String)], framing: Forwarding.Framing) {
        // Whoever still waits for leave to send its body is not given it any more.
        if expectsContinue, case .body = request, status.code >= 400 { keepsAlive = false }
        if case .close = framing { keepsAlive = false }
        if worker.isDraining { keepsAlive = false }
        let isTunnel = if case .tunnel = framing { true } else { false }
        let isChunked = if case .chunked = framing { true } else { false }
        let connection: String? = keepsAlive ? (isOld ? "keep-alive" : nil) : (isTunnel ? nil : "close")
        response = .begun(framing)
        outgoing.isChunked = isChunked
        outgoing.gather { buffer in
            buffer.writeStatusLine(status)
            for (name, value) in fields { buffer.writeField(name, value) }
            if isChunked { buffer.writeText("Transfer-Encoding: chunked\r\n") }
            if let connection { buffer.writeField("Connection", connection) }
            buffer.writeEndOfFields()
        }
    }

    override func becomeTunnel() {
        guard let context, !isTunnel else { return }
        isTunnel = true
        request = .body
        flush()
        let pipeline = context.pipeline.syncOperations
        do {
            try context.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(TunnelDecoder(), position: .before(self))
            // It hands on what it has not parsed, and no end of reading follows.
            pipeline.removeHandler(decoder).assumeIsolated().whenComplete { _ in self.exchange?.requestReadComplete() }
        } catch {
            context.close(promise: nil)
        }
        resumeReading()
    }

    override func write(_ bytes: ByteBuffer) {
        if let context { outgoing.body(bytes, to: context) }
    }

    override func write(_ chunks: WholeChunks) {
        guard let context, outgoing.isChunked else { return super.write(chunks) }
        outgoing.framed(chunks.bytes, to: context)
    }

    override func end(_ trailers: HTTPHeaders?) {
        guard !isTunnel else {
            // The other side of the tunnel has said its last.
            flush()
            context?.close(mode: .output, promise: nil)
            return
        }
        outgoing.end(trailers)
    }

    override func flush() {
        if let context { outgoing.flush(to: context) }
    }

    /// The exchange has written the end of its response.
    override func ended(_ exchange: Exchange?) {
        // Before the caller sees the end: whoever looks at the figures then finds the request in them.
        if let exchange { report(exchange) }
        flush()
        self.exchange = nil
        response = .ended
        if isTunnel { return closeGently() }
        if isRequestComplete { return next() }
        // The caller is still sending what nobody waits for any more.
        guard case .body = request, keepsAlive else { return closeGently() }
        request = .discarding
        awaited = .bodyEnd
        deadline = Clock.now() + Self.headTimeout
        resumeReading()
    }

    // MARK: Ends

    /// A response that breaks off must not look whole: an orderly close is an end where the caller waits for one.
    override func breakOff() {
        guard let exchange else { return }
        report(exchange)
        self.exchange = nil
        guard let context else { return }
        flush()
        if endsByClose, let socket = context.channel as? any SocketOptionProvider {
            // A reset, since the end of the connection would be the end of the body.
            socket.setSoLinger(NIOLinger(l_onoff: 1, l_linger: 0)).assumeIsolated()
                .whenComplete { _ in context.close(promise: nil) }
        } else {
            context.close(promise: nil)
        }
    }

    private var endsByClose: Bool {
        switch response {
        case .begun(.close), .begun(.tunnel): true
        default: false
        }
    }

    override func deadlinePassed(now: Instant) {
        deadline = .never
        if let exchange { return exchange.deadlinePassed() }
        guard awaited == .head else {
            context?.close(promise: nil)
            return
        }
        refuseHead(worker.guards.isShedding ? WorkerGuard.tooMuchMemory : .requestTimeout(after: Self.headTimeout))
    }

    override var awaitsHead: Bool { awaited == .head || awaited == .bodyEnd }

    /// What has begun is not waited for.
    private func refuseHead(_ refusal: Refusal) {
        keepsAlive = false
        isBroken = true
        request = .complete
        refuse(refusal, nil, now: Clock.now())
        // What has come of it is the parser's until the connection is gone.
        if worker.guards.isShedding { closeNow() }
    }

    override func closeNow() {
        context?.close(promise: nil)
    }

    /// Draining: a connection without a request closes now, the others after theirs.
    override func drain() {
        if exchange == nil, case .none = request { closeGently() }
    }
}
