import Admission
import NIOHTTP1
import Telemetry

/// The attempt under way as its caller's trace will tell it. A class, because few exchanges have one.
final class OpenSpan {
    let id: SpanID
    let start: WallTime
    let begunAt: Instant
    let number: Int
    let reason: AttemptReason
    /// All the time that the exchange has waited for limits until then.
    let queued: Interval
    /// Of this and of the attempt before, what was waited between them.
    let queueTime: Interval
    var status: Int?
    var isOpen = true

    /// - Parameter instant: when the gate let the attempt go.
    init(
        id: SpanID, since instant: Instant, after last: OpenSpan?, _ record: ExchangeRecord, reason: AttemptReason,
        now: Instant
    ) {
        self.id = id
        start = WallTime(nanoseconds: WallTime.now.nanoseconds - (now - instant).nanoseconds)
        begunAt = instant
        number = record.attempts
        self.reason = reason
        queued = record.queued
        queueTime = record.queued - (last?.queued ?? .zero)
    }
}

/// Spans: one for each attempt of a request whose caller records its trace, where the policy wants them.
extension Exchange {
    /// The trace that a request says it belongs to; of several fields none counts.
    static func trace(of fields: RequestFields) -> TraceContext? {
        guard fields.mayHave("traceparent") else { return nil }
        let values = fields.all["traceparent"]
        return values.count == 1 ? TraceContext(values[0]) : nil
    }

    /// Begins the span of the attempt that is about to be sent, and puts it between the caller's and the provider's.
    func beginSpan(_ head: inout HTTPRequestHead, at now: Instant) {
        guard let trace, let open = openSpan(now) else { return }
        head.headers.replaceOrAdd(name: "traceparent", value: trace.field(from: open.id))
    }

    /// An attempt for which there was no connection is a span too, though the provider never hears of it.
    func unsentSpan(at now: Instant) {
        if openSpan(now) != nil { endSpan(isWhole: false, at: now) }
    }

    private func openSpan(_ now: Instant) -> OpenSpan? {
        guard let log = worker.spanLog, let trace, trace.isSampled, tunnel == nil else { return nil }
        let open = OpenSpan(id: log.newID(), since: grantedAt, after: span, record, reason: reason, now: now)
        span = open
        return open
    }

    /// The attempt under way is over, if there is one.
    ///
    /// - Parameter isWhole: whether nothing was missing of it.
    func endSpan(isWhole: Bool, at now: Instant) {
        guard let span, span.isOpen, let trace else { return }
        span.isOpen = false
        let url = service.upstream.url
        worker.spanLog?.write(
            AttemptSpan(
                context: trace, id: span.id, start: span.start, duration: (now - span.begunAt).nanoseconds,
                queueTime: span.queueTime.nanoseconds, number: span.number, reason: span.reason,
                upstream: upstreamName, host: url.host, port: url.port, method: method.rawValue, tenant: tenant,
                requestID: connection.requestID, model: model.isEmpty ? nil : model, status: span.status,
                isWhole: isWhole, tokensIn: record.tokens?.input, tokensOut: record.tokens?.output))
    }
}
