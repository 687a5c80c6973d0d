import Admission
import NIOCore
import NIOHTTP1
import Policy
import Providers
import Telemetry

/// One request and its one response, all attempts included.
///
/// It lives on the loop of its downstream connection, drives the gate and the pool and moves parts between the two
/// channels. ``Phase`` says where the request is; everything that can happen to it is a method, and in every phase it
/// has an answer to each of them. The permit is part of the phase, so that what ends a phase settles it.
final class Exchange {
    enum Phase {
        /// Its body is read for what the gate must know, where it must; nothing is held.
        case begun
        case waiting(Ticket)
        /// Admitted, without a connection.
        case leasing(Permit)
        /// With a connection, until the rates that were charged again allow it.
        case departing(Permit, UpstreamEnd)
        /// Sent or being sent; no response head yet.
        case sent(Permit, UpstreamEnd)
        /// An error answer is held until it is clear what it means.
        case judging(Permit, UpstreamEnd?, HeldAnswer)
        case relaying(Permit, UpstreamEnd)
        /// The caller has gone with the whole answer; what follows it is read for the sake of the connection.
        case finishing(Permit, UpstreamEnd, Remainder)
        case ended
    }

    /// An error answer, as far as it has come. A class, so that a phase without one stays small.
    final class HeldAnswer {
        /// More of an error body is not waited for.
        static let bound = 16 << 10

        let head: HTTPResponseHead
        private(set) var parts: [ByteBuffer] = []
        private(set) var bytes = 0

        init(head: HTTPResponseHead) {
            self.head = head
        }

        func append(_ part: ByteBuffer) {
            parts.append(part)
            bytes += part.readableBytes
        }
    }

    let connection: Downstream
    let worker: Worker
    /// As it was when the request came: a reload does not reach what is under way.
    let service: UpstreamService
    let pool: UpstreamPool
    private(set) var identity: Identity
    /// As the upstream gets it.
    private(set) var head: HTTPRequestHead
    /// Whether it has a body whose end is known only when it comes.
    let isLengthUnknown: Bool
    /// Whether the caller takes trailers, as gRPC's say of themselves (RFC 9110 §10.1.4).
    let takesTrailers: Bool
    /// Whether the gate is asked only when all of the body is there: it is short, and a slow caller must not hold a slot
    /// with it.
    let awaitsBody: Bool
    /// `nil` for a request that wants an answer.
    let tunnel: TunnelKind?
    /// The caller's own; its fields are not kept, because thousands of requests may wait for slow answers.
    let target: String
    let version: HTTPVersion
    var phase = Phase.begun
    var body = RequestBody()
    /// What the guard has been told of what is buffered here.
    private var held = 0
    /// `nil` where the head says all that the gate must know, and after it was asked.
    private(set) var reading: BodyReading?
    /// `nil` while there is no answer whose tokens are of interest.
    var answerReading: AnswerReading?
    /// Of a stream that nobody reads: whether the last piece of it ended with the stream's own end.
    var streamEnd = StreamEnd.unwatched
    /// Whether Penstock asked a streamed answer for its usage, because the caller did not.
    private var asksForUsage = false
    /// How many answers came that are not the last one (RFC 9110 §15.2).
    var interim = 0
    private var claim: TokenClaim?
    var record: ExchangeRecord
    /// The latest instant at which the caller still listens, as far as it has said.
    let callerDeadline: Instant
    /// As the caller says; it goes on as it came unless the policy wants spans.
    let trace: TraceContext?
    /// Of the attempt under way, or the last one; `nil` where nobody wants to know.
    var span: OpenSpan?
    var reason = AttemptReason.first
    var isReusedConnection = false
    /// What the attempt under way has said about the provider's health.
    var verdict = Verdict.none
    /// How the request's body comes, and how much of it has been looked at for that.
    var progress = BodyProgress()
    var awaitedBytes = 0
    /// When the gate let the present attempt go.
    var grantedAt: Instant
    /// What ``deadline`` stands for at present.
    private var deadlineMeaning = UpstreamFailure.poolExhausted

    var rules: RetryRules { service.upstream.retry }

    init(
        head: HTTPRequestHead, fields: consuming RequestFields, isLengthUnknown: Bool, tunnel: TunnelKind?,
        route: Router.Route, connection: Downstream, worker: Worker, now: Instant
    ) {
        self.connection = connection
        self.worker = worker
        takesTrailers = fields.mayHave("te") && fields.all[canonicalForm: "te"].contains("trailers")
        identity = worker.identity(of: fields, head.uri, route)
        service = route.service
        pool = worker.pool(of: route.service)
        target = head.uri
        version = head.version
        callerDeadline = CallerDeadline.of(fields, usualFirstByte: service.usualFirstByte, now: now)
        trace = Self.trace(of: fields)
        let length = fields.first("content-length").flatMap { Int($0) } ?? 0
        awaitsBody =
            tunnel == nil && length > 0 && length <= RequestBody.windowBeforeSending && !fields.has("expect")
        let hops = head.method == .OPTIONS ? fields.first("max-forwards").flatMap { Int($0) } : nil
        self.head = HTTPRequestHead(
            version: .http1_1, method: head.method, uri: service.withoutClientKey(route.target),
            headers: fields.headers(for: service))
        if let left = hops, left > 0 {
            // One proxy nearer to its end (RFC 9110 §7.6.2).
            self.head.headers.replaceOrAdd(name: "Max-Forwards", value: String(left - 1))
        }
        self.isLengthUnknown = isLengthUnknown
        self.tunnel = tunnel
        record = ExchangeRecord(now: now)
        grantedAt = now
        reading = service.reading(of: self.head, knowsModel: !identity.model.isEmpty)
    }

    // MARK: What the body says

    /// Nothing more is waited for: the body has said what it will.
    func takeReading() -> TokenClaim? {
        guard let reading else { return nil }
        self.reading = nil
        reading.finish()
        if identity.model.isEmpty { identity.model = reading.modelInBody ?? "" }
        claim = reading.claim(length: head.headers.first(name: "content-length").flatMap { Int($0) })
        if claim != nil { askForUsage() }
        return claim
    }

    /// A streamed answer says what it used only where it is asked to.
    private func askForUsage() {
        // What is compressed can't be read.
        head.headers.replaceOrAdd(name: "Accept-Encoding", value: "identity")
        guard body.isComplete, service.profile.takesUsageOption(target: head.uri),
            let longer = body.askForUsage()
        else { return }
        asksForUsage = true
        if head.headers.contains(name: "content-length") {
            head.headers.replaceOrAdd(name: "Content-Length", value: String(longer))
        }
    }

    /// Begins to look at an answer, where its tokens are of interest.
    func readAnswer(_ head: HTTPResponseHead) {
        guard self.head.method == .POST,
            let framing = head.headers.first(name: "content-type").flatMap(AnswerFraming.init(contentType:))
        else { return }
        if Forwarding.isCompressed(head.headers) {
            if service.metersTokens { service.metrics.unmetered.increment() }
            return
        }
        guard service.metersTokens else {
            if framing == .events { streamEnd = .open }
            return
        }
        // A length that was announced must be kept to.
        let mayShorten = asksForUsage && !head.headers.contains(name: "content-length")
        let reading = AnswerReading(framing, asksForUsage: mayShorten)
        for (name, value) in head.headers where name.utf8.count > 20 { reading.take(header: name, value: value) }
        answerReading = reading
    }

    /// What the attempt has used, once nothing more comes of its answer.
    func usage() -> Tokens? {
        guard let usage = answerReading?.usage(claimed: claim?.input) else { return nil }
        answerReading = nil
        record.tokens = usage
        return usage
    }

    // MARK: Memory

    /// Tells the guard what is buffered here.
    ///
    /// - Parameter answer: of a held answer.
    func account(answer: Int = 0) {
        worker.guards.hold(&held, body.kept + answer)
    }

    /// What may be kept of the body for a repetition.
    var replayBound: Int { worker.guards.replayBound(rules.maxBody) }

    /// Memory is tight: what is only kept for a repetition goes.
    func saveMemory() {
        switch phase {
        // What waits for a tunnel is not there for a repetition.
        case .sent where wantsTunnel: return
        case .sent, .judging: body.forget()
        case .begun, .waiting, .leasing, .departing, .relaying, .finishing, .ended: return
        }
        account()
    }

    var waiter: GateShell.Waiter {
        let exchange = NIOLoopBound(self, eventLoop: worker.loop)
        return GateShell.Waiter(loop: worker.loop) { exchange.value.decided($0, by: $1) }
    }

    var upstreamName: String { service.upstream.name }
    var tenant: String { identity.tenant }
    var job: String { identity.job }
    var model: String { identity.model }
    var method: HTTPMethod { head.method }
    var provider: Provider { service.upstream.provider }
    var metrics: UpstreamMetrics { service.metrics }

    // MARK: Deadline

    /// The time that the present phase may take is over.
    func deadlinePassed() {
        let now = Clock.now()
        switch phase {
        case .leasing(let permit):
            pool.forget(self)
            phase = .ended
            service.gate.withdraw(permit, now: now)
            fail(deadlineMeaning)
        case .sent(_, let handler):
            // Whoever does not take or send the rest of the body is the one that is late.
            if !body.isComplete, !wantsTunnel, handler.isWritable {
                return requestBroke(.requestTimeout(after: Downstream.bodyTimeout))
            }
            handler.abandon()
            upstreamBroke(deadlineMeaning)
        case .judging(_, let handler?, _), .relaying(_, let handler):
            handler.abandon()
            upstreamBroke(deadlineMeaning)
        case .begun: requestBroke(bodyRefusal)
        case .waiting, .departing, .judging, .finishing, .ended: break
        }
    }

    /// Whether it waits for the caller alone.
    var isOwed: Bool {
        if case .begun = phase { true } else { false }
    }

    private var bodyRefusal: Refusal {
        worker.guards.isShedding ? WorkerGuard.tooMuchMemory : .requestTimeout(after: Downstream.bodyTimeout)
    }

    /// The rest of the request's body does not come, or is not what it should be.
    func requestBroke(_ refusal: Refusal) {
        release()
        record.outcome = .failed
        answer(refusal)
    }

    func setDeadline(_ length: Interval, meaning: UpstreamFailure, from now: Instant) {
        let total = wantsTunnel ? .never : record.sentAt.map { $0 + service.upstream.timeouts.total } ?? .never
        let isTotal = total < now + length
        deadlineMeaning = isTotal ? .totalTimeout : meaning
        connection.deadline = isTotal ? total : now + length
    }

    // MARK: Ends

    /// The caller went away: its place or slot is free at once, and its attempt is reset. One that has got the end of
    /// its stream has gone in good order.
    func downstreamGone() {
        if hasWholeAnswer { return finishAlone() }
        guard release() else { return }
        record.outcome = .cancelled
        connection.report(self)
    }

    /// Gives back whatever the present phase holds; says whether it held anything.
    @discardableResult
    private func release() -> Bool {
        let now = Clock.now()
        let released = phase
        phase = .ended
        body.forget()
        account()
        record.waited(until: now)
        switch released {
        case .begun: break
        case .waiting(let ticket): service.gate.cancel(ticket, now: now)
        case .leasing(let permit):
            pool.forget(self)
            service.gate.withdraw(permit, now: now)
        case .departing(let permit, let handler):
            handler.abandon()
            service.gate.withdraw(permit, now: now)
        case .sent(let permit, let handler), .relaying(let permit, let handler):
            handler.abandon()
            service.gate.settle(permit, verdict, usage: usage(), now: now)
        case .judging(let permit, let handler, _):
            handler?.abandon()
            service.gate.settle(permit, verdict, usage: nil, now: now)
        case .finishing(let permit, let handler, let rest):
            handler.abandon()
            service.gate.settle(permit, verdict, usage: rest.usage, now: now)
        case .ended: return false
        }
        return true
    }

    /// Writes Penstock's own answer.
    func answer(_ refusal: Refusal) {
        phase = .ended
        let answer = refusal.answer(for: service.upstream.provider, requestID: connection.requestID)
        record.status = answer.status
        service.recent.refused(refusal, tenant: identity.tenant, outcome: record.outcome, now: Clock.now())
        connection.answer(answer)
        finish()
    }

    func finish() {
        if record.outcome == nil { record.outcome = .ok }
        body.forget()
        account()
        connection.ended(self)
    }
}
