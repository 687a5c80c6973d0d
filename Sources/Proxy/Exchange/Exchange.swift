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
        case begun
        case waiting(Ticket)
        /// Admitted, without a connection.
        case leasing(Permit)
        /// With a connection, until the rates that were charged again allow it.
        case departing(Permit, UpstreamHandler)
        /// Sent or being sent; no response head yet.
        case sent(Permit, UpstreamHandler)
        /// An error answer is held until it is clear what it means.
        case judging(Permit, UpstreamHandler?, HeldAnswer)
        case relaying(Permit, UpstreamHandler)
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

    let connection: DownstreamHandler
    let worker: Worker
    let service: UpstreamService
    let identity: Identity
    /// As the upstream gets it.
    let head: HTTPRequestHead
    let isChunked: Bool
    /// The caller's own; its fields are not kept, because thousands of requests may wait for slow answers.
    let target: String
    let version: HTTPVersion
    var phase = Phase.begun
    var body = RequestBody()
    var record: ExchangeRecord
    /// The latest instant at which the caller still listens, as far as it has said.
    let callerDeadline: Instant
    var reason = AttemptReason.first
    var isReusedConnection = false
    /// When the gate let the present attempt go.
    var grantedAt: Instant
    /// What ``deadline`` stands for at present.
    private var deadlineMeaning = UpstreamFailure.poolExhausted

    var rules: RetryRules { service.upstream.retry }

    init(
        head: HTTPRequestHead, fields: RequestFields, route: Router.Route, connection: DownstreamHandler,
        worker: Worker, now: Instant
    ) {
        self.connection = connection
        self.worker = worker
        identity = worker.identity(of: fields, head.uri, route)
        service = route.service
        target = head.uri
        version = head.version
        self.head = HTTPRequestHead(
            version: .http1_1, method: head.method, uri: service.withoutClientKey(route.target),
            headers: fields.headers(for: service))
        isChunked = fields.has("transfer-encoding")
        record = ExchangeRecord(now: now)
        grantedAt = now
        callerDeadline = CallerDeadline.of(fields, usualFirstByte: service.usualFirstByte, now: now)
    }

    var waiter: GateShell.Waiter {
        GateShell.Waiter(loop: worker.loop, exchange: NIOLoopBound(self, eventLoop: worker.loop))
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
            worker.pool(of: service).forget(self)
            phase = .ended
            service.gate.withdraw(permit, now: now)
            fail(deadlineMeaning)
        case .sent(_, let handler):
            // Whoever does not take or send the rest of the body is the one that is late.
            if !body.isComplete, handler.isWritable {
                return requestBroke(.requestTimeout(after: DownstreamHandler.bodyTimeout))
            }
            handler.abandon()
            upstreamBroke(deadlineMeaning)
        case .judging(_, let handler?, _), .relaying(_, let handler):
            handler.abandon()
            upstreamBroke(deadlineMeaning)
        case .begun, .waiting, .departing, .judging, .ended: break
        }
    }

    /// The rest of the request's body does not come, or is not what it should be.
    func requestBroke(_ refusal: Refusal) {
        release()
        record.outcome = .failed
        answer(refusal)
    }

    func setDeadline(_ length: Interval, meaning: UpstreamFailure, from now: Instant) {
        let total = record.sentAt.map { $0 + service.upstream.timeouts.total } ?? .never
        let isTotal = total < now + length
        deadlineMeaning = isTotal ? .totalTimeout : meaning
        connection.deadline = isTotal ? total : now + length
    }

    // MARK: Ends

    /// The caller went away: its place or slot is free at once, and its attempt is reset.
    func downstreamGone() {
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
        record.waited(until: now)
        switch released {
        case .begun: break
        case .waiting(let ticket): service.gate.cancel(ticket, now: now)
        case .leasing(let permit):
            worker.pool(of: service).forget(self)
            service.gate.withdraw(permit, now: now)
        case .departing(let permit, let handler):
            handler.abandon()
            service.gate.withdraw(permit, now: now)
        case .sent(let permit, let handler), .relaying(let permit, let handler):
            handler.abandon()
            service.gate.settle(permit, now: now)
        case .judging(let permit, let handler, _):
            handler?.abandon()
            service.gate.settle(permit, now: now)
        case .ended: return false
        }
        return true
    }

    /// Writes Penstock's own answer.
    func answer(_ refusal: Refusal) {
        phase = .ended
        record.status = refusal.status
        connection.answer(refusal.answer(for: service.upstream.provider, requestID: connection.requestID))
        finish()
    }

    func finish() {
        if record.outcome == nil { record.outcome = .ok }
        connection.ended(self)
    }
}
