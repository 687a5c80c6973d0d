import Admission
import NIOCore
import NIOHTTP1
import Providers
import Telemetry

/// The caller's end of an exchange: an HTTP/1.1 connection, with one request after the other, or a stream of an HTTP/2
/// one.
///
/// An exchange writes its response through this and hears of its request from it; what the bytes look like is for the
/// two kinds to know.
class Downstream: Watched {
    /// A head that has begun must be whole by then (RFC 9110 §15.5.9 leaves the length to the server).
    static let headTimeout = Interval.seconds(10)
    /// Longest pause within a request's body.
    static let bodyTimeout = Interval.seconds(60)
    /// Longest time without a request.
    static let idleTimeout = Interval.seconds(90)

    final let worker: Worker
    /// The upstream that owns the listener, where one does.
    private let owner: String?
    final var exchange: Exchange?
    /// Whether the caller waits for leave to send its body (RFC 9110 §10.1.1).
    final var expectsContinue = false
    /// Whether there were too many connections already when this one was opened.
    var isSurplus: Bool { preconditionFailure("each kind knows") }
    /// Whether the present request is one whose answer has no body.
    private var isHead = false
    private var knownID: String?

    init(worker: Worker, owner: String?) {
        self.worker = worker
        self.owner = owner
    }

    // MARK: What the two kinds do

    /// Whether the caller has room for more of the response.
    var isWritable: Bool { preconditionFailure("each kind knows") }
    /// Whether a part of the request has come in this turn of reading: then more may follow, and the end of the turn.
    var hasSeenPart: Bool { preconditionFailure("each kind knows") }
    /// Whether all of the request has come.
    var isRequestComplete: Bool { preconditionFailure("each kind knows") }

    /// Goes on reading after the exchange has room again.
    func resumeReading() { preconditionFailure("each kind does it in its way") }

    /// Writes a head that is not the last one (RFC 9110 §15.2).
    func inform(_ status: HTTPResponseStatus, _ fields: [(String, String)]) {
        preconditionFailure("each kind does it in its way")
    }

    /// Writes a response's head.
    func begin(status: HTTPResponseStatus, fields: [(String, String)], framing: Forwarding.Framing) {
        preconditionFailure("each kind does it in its way")
    }

    func write(_ bytes: ByteBuffer) { preconditionFailure("each kind does it in its way") }

    func write(_ chunks: WholeChunks) {
        chunks.forEach { write(chunks.data($0)) }
    }

    func end(_ trailers: HTTPHeaders?) { preconditionFailure("each kind does it in its way") }

    func flush() { preconditionFailure("each kind does it in its way") }

    /// The response is whole. The exchange, if there was one, is reported here.
    func ended(_ exchange: Exchange?) { preconditionFailure("each kind does it in its way") }

    /// A response that breaks off must not look whole.
    func breakOff() { preconditionFailure("each kind does it in its way") }

    /// From here on bytes are bytes, both ways: the head that was begun last is followed by no framing.
    func becomeTunnel() { preconditionFailure("each kind does it in its way") }

    // MARK: Requests

    /// Begins an exchange for a request, or refuses it.
    ///
    /// - Parameters:
    ///   - refusal: what is known to be wrong with it already.
    ///   - protocolName: of an extended CONNECT (RFC 8441 §4).
    ///   - isLengthUnknown: whether it has a body whose end is known only when it comes.
    final func open(
        _ head: HTTPRequestHead, _ fields: consuming RequestFields, protocolName: String? = nil,
        isLengthUnknown: Bool, refusal: Refusal?, now: Instant
    ) {
        knownID = nil
        deadline = .never
        isHead = head.method == .HEAD
        switch reception(of: head, copy fields, refusal: refusal) {
        case .refused(let refusal): refuse(refusal, head, now: now)
        case .answeredHere: answerOptions()
        case .route(let route):
            let tunnel = TunnelKind(head, copy fields, protocolName: protocolName)
            let exchange = Exchange(
                head: head, fields: fields, isLengthUnknown: isLengthUnknown, tunnel: tunnel, route: route,
                connection: self,
                worker: worker, now: now)
            self.exchange = exchange
            exchange.begin()
        }
    }

    /// Where a request goes.
    enum Reception {
        case route(Router.Route)
        /// No further than here.
        case answeredHere
        case refused(Refusal)
    }

    /// - Parameter refusal: what is known to be wrong with the request already.
    final func reception(of head: HTTPRequestHead, _ fields: RequestFields, refusal: Refusal?) -> Reception {
        if worker.isDraining { return .refused(.draining) }
        if let refusal { return .refused(refusal) }
        if fields.mayHave("via"), worker.loopMark.isOn(fields.all) { return .refused(.loop) }
        if isForProxyItself(head, fields) { return .answeredHere }
        switch worker.router.route(head, host: fields.first("host") ?? "", owner: owner) {
        case .refused(let refusal): return .refused(refusal)
        case .route(let route): return .route(route)
        }
    }

    /// Whether a request goes no further than here: what the server as such can do (RFC 9110 §9.3.7), or what its
    /// sender lets pass no proxy (§7.6.2).
    private func isForProxyItself(_ head: HTTPRequestHead, _ fields: RequestFields) -> Bool {
        head.method == .OPTIONS && (head.uri == "*" || fields.first("max-forwards") == "0")
    }

    private func answerOptions() {
        let fields = [("Date", HTTPDate.now), ("Via", "1.1 penstock")]
        begin(status: .noContent, fields: fields, framing: .none)
        end(nil)
        ended(nil)
    }

    /// Refuses what never became an exchange.
    final func refuse(_ refusal: Refusal, _ head: HTTPRequestHead?, now: Instant) {
        if head == nil { isHead = false }
        worker.refused(refusal, head: head, requestID: requestID, tookSince: now)
        answer(refusal.answer(for: .generic, requestID: requestID))
        ended(nil)
    }

    /// Names the present request in the log and in provider-shaped errors; made when somebody asks for it.
    final var requestID: String {
        if let knownID { return knownID }
        let made = worker.newRequestID()
        knownID = made
        return made
    }

    /// Tells a caller that asked first that its body may come.
    final func sendContinue() {
        guard expectsContinue, !isRequestComplete else { return }
        expectsContinue = false
        inform(.continue, [])
    }

    override final func saveMemory() {
        exchange?.saveMemory()
    }

    /// Whether a head has begun, or a body that nobody wants is still coming.
    var awaitsHead: Bool { false }

    override final var isOwed: Bool { exchange?.isOwed ?? awaitsHead }

    // MARK: Answers

    /// Writes an answer of Penstock's own, whole.
    final func answer(_ answer: OwnAnswer) {
        var fields = answer.headers.map { ($0.name, $0.value) }
        fields.append(("Content-Length", String(answer.body.count)))
        fields.append(("Date", HTTPDate.now))
        fields.append(("Via", "1.1 penstock"))
        begin(status: HTTPResponseStatus(statusCode: answer.status), fields: fields, framing: .contentLength)
        if !isHead { write(ByteBuffer(bytes: answer.body)) }
        end(nil)
    }

    final func report(_ exchange: Exchange) {
        worker.report(exchange, requestID: requestID)
    }
}
