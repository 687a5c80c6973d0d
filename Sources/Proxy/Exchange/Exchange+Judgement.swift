import Admission
import NIOCore
import NIOHTTP1
import Providers
import Telemetry

/// After an attempt: pass its answer on, try again, or say what went wrong.
extension Exchange {
    /// Decides what an error answer means: pass it on, or pause and try again.
    func judge(isWhole: Bool, trailers: HTTPHeaders?) {
        guard case .judging(let permit, let handler, let answer) = phase else { return }
        let now = Clock.now()
        let judgement = judgement(of: answer)
        let status = Int(answer.head.status.code)
        if judgement.kind == .rateLimited || status == 529 {
            service.metrics.throttled(status: status).increment()
            service.recent.throttled()
        }
        verdict = Verdict(judgement.kind)
        let backoff = wait(for: judgement)
        let hasAnotherKey = note(judgement, backoff: backoff, permit, now: now)
        var held: Permit? = permit
        if let wait = hasAnotherKey && isRepeatableAfterAnswer ? .zero : backoff {
            let isOfKey = keyFault(judgement) != nil
            let repetition = repeatAttempt(
                &held, reason: isOfKey ? .credential : AttemptReason(judgement.kind),
                isFree: isOfKey || judgement.isUnprocessed && judgement.hint != nil, wasSent: true, at: now + wait,
                now: now)
            switch repetition {
            case .waits:
                handler?.abandon()
                return
            case .refused(let refusal) where handler != nil:
                // The slot is given back, so the rest of this answer must not be waited for.
                handler?.abandon()
                return refuse(refusal, now: now)
            case .refused, .notMade: break
            }
        }
        passOn(answer, held, handler, judgement: judgement, isWhole: isWhole, trailers: trailers, now: now)
    }

    private func judgement(of held: HeldAnswer) -> Judgement {
        var bytes: [UInt8] = []
        for part in held.parts where bytes.count < 8 << 10 { bytes.append(contentsOf: part.readableBytesView) }
        let fields = held.head.headers.lazy.map { (name: $0.name, value: $0.value) }
        return service.profile.judge(
            status: Int(held.head.status.code), headers: fields, body: bytes.span, now: Worker.wallTime)
    }

    /// A throttled account is left alone by everybody, not only by whoever was told so; of several keys only the one
    /// that the answer is about.
    ///
    /// - Returns: whether another key may take the request.
    private func note(_ judgement: Judgement, backoff: Interval?, _ permit: Permit, now: Instant) -> Bool {
        if let fault = keyFault(judgement) {
            return service.gate.refusedKey(of: permit, fault, now: now)
        }
        guard judgement.kind == .rateLimited else {
            service.gate.answered(permit, verdict, now: now)
            return false
        }
        var pause = judgement.hint.flatMap { $0.wait <= rules.maxRetryAfter ? $0.wait : nil }
        // Without a hint the next in line would meet the same key at once, and while others have room nobody waits for a
        // long one.
        if service.keys.count > 1 { pause = judgement.hint.map { min($0.wait, .days(1)) } ?? backoff ?? .seconds(1) }
        return service.gate.throttled(permit, comeBack: pause, exceeded: judgement.exceeded, now: now)
            && judgement.isRetryable
    }

    /// What is wrong with the key of an answer, where Penstock has chosen it.
    private func keyFault(_ judgement: Judgement) -> KeyFault? {
        guard service.keys.count > 1 else { return nil }
        if judgement.kind == .quotaExhausted { return .exhausted }
        return judgement.isKeyRejected ? .rejected : nil
    }

    /// Whether the request is still there to be sent again.
    private var isRepeatableAfterAnswer: Bool {
        record.attempts < rules.attempts && body.isReplayable && (body.isComplete || wantsTunnel)
    }

    /// How long to wait before the next attempt; `nil` where there must be none.
    private func wait(for judgement: Judgement) -> Interval? {
        guard judgement.isRetryable, isRepeatableAfterAnswer else { return nil }
        // What may have been worked on is repeated once: a provider that fails every time should not be paid thrice.
        if !judgement.isUnprocessed, record.attempts > 1 { return nil }
        guard let hint = judgement.hint else { return backoff() }
        return hint.wait <= rules.maxRetryAfter ? hint.wait : nil
    }

    private func backoff() -> Interval {
        Backoff(base: rules.backoffBase, max: rules.backoffMax)
            .wait(afterAttempt: max(1, record.attempts), random: UInt64.random(in: 0 ... .max))
    }

    /// The provider's own answer goes to the caller, with the advice not to repeat what Penstock has given up or must
    /// not repeat.
    ///
    /// - Parameter permit: `nil` where it was given back in vain, for another attempt.
    private func passOn(
        _ held: HeldAnswer, _ permit: Permit?, _ handler: UpstreamEnd?, judgement: Judgement, isWhole: Bool,
        trailers: HTTPHeaders?, now: Instant
    ) {
        let isClientError = judgement.kind == .clientError
        relay(held.head, advice: judgement.hasRetryAdvice || isClientError ? nil : false, now: now)
        record.outcome = held.head.status.code >= 500 ? .upstreamError : .clientError
        for part in held.parts {
            record.bytesOut += part.readableBytes
            connection.write(part)
        }
        if let handler, let permit, !isWhole {
            phase = .relaying(permit, handler)
            return connection.flush()
        }
        phase = .ended
        // What was refused has used no tokens.
        if let permit { service.gate.settle(permit, verdict, usage: Tokens.none, now: now) }
        guard isWhole else {
            record.outcome = .failed
            return connection.breakOff()
        }
        connection.end(Trailers.passing(trailers))
        finish()
    }

    /// What became of the wish to make another attempt.
    enum Repetition {
        /// It stands in line for it.
        case waits
        /// The gate has taken the permit back and lets it wait no longer.
        case refused(RefusedAsk)
        /// The budget is spent; the permit is still held.
        case notMade
    }

    /// Stands in line for another attempt, where it may. The permit is `nil` afterwards unless it is still held.
    func repeatAttempt(
        _ permit: inout Permit?, reason: AttemptReason, isFree: Bool, wasSent: Bool, at instant: Instant, now: Instant
    ) -> Repetition {
        guard let held = permit else { preconditionFailure("an attempt is repeated with the permit it had") }
        let (submission, terms) = service.gate.retry(
            held, verdict, wasSent: wasSent, isFree: isFree, at: instant, deadline: callerDeadline, from: waiter,
            now: now)
        switch submission {
        case nil: return .notMade
        case .refused(let refusal):
            permit = nil
            return .refused(RefusedAsk(refusal: refusal, terms: terms))
        case .admitted: preconditionFailure("a repeated attempt is granted by a decision")
        case .waiting(let ticket, _):
            permit = nil
            self.reason = reason
            record.attemptEnded(at: now)
            // It said why it has to be repeated, or broke.
            endSpan(isWhole: span?.status != nil, at: now)
            phase = .waiting(ticket)
            record.wait(since: now)
            connection.deadline = .never
            return .waits
        }
    }

    // MARK: Failures

    func repeatAttempt(
        _ permit: inout Permit?, after failure: UpstreamFailure, isStale: Bool, wasSent: Bool, now: Instant
    ) -> Repetition {
        verdict = failure.verdict
        guard record.attempts < rules.attempts, body.isReplayable else { return .notMade }
        if isStale { pool.dropIdle() }
        // What the upstream says it has not touched costs it nothing to see again; at once only the first time.
        let isAtOnce = isStale || failure.isUnprocessed && record.attempts == 1
        return repeatAttempt(
            &permit, reason: AttemptReason(failure, isStale: isStale), isFree: isStale || failure.isUnprocessed,
            wasSent: wasSent, at: isAtOnce ? now : now + backoff(), now: now)
    }

    /// The attempt's connection broke, or what came on it was no HTTP.
    func upstreamBroke(_ failure: UpstreamFailure) {
        let now = Clock.now()
        switch phase {
        case .departing(let permit, _):
            // Nothing was sent: as if the lease had failed.
            phase = .leasing(permit)
            leaseFailed(failure)
        case .sent(let permit, let handler):
            service.metrics.attempts(status: .none, reason: reason).increment()
            verdict = failure.verdict
            let isStale = isStale(failure, handler, now: now)
            var held: Permit? = permit
            if isStale || isRepeatable(after: failure),
                case .waits = repeatAttempt(&held, after: failure, isStale: isStale, wasSent: true, now: now)
            {
                return
            }
            phase = .ended
            if let held { service.gate.settle(held, verdict, usage: nil, now: now) }
            fail(failure)
        case .judging(let permit, _, let held):
            phase = .judging(permit, nil, held)
            judge(isWhole: false, trailers: nil)
        case .relaying(let permit, _):
            phase = .ended
            service.gate.settle(permit, verdict, usage: usage(), now: now)
            record.outcome = .failed
            connection.breakOff()
        case .finishing: endAlone()
        case .begun, .waiting, .leasing, .ended: break
        }
    }

    /// Whether the request may be sent again although it may have been received.
    private func isRepeatable(after failure: UpstreamFailure) -> Bool {
        if !failure.mayPass { return false }
        if failure.provesUnsent || rules.unsafe { return true }
        return head.method.isIdempotent && failure.isClose
    }

    /// A connection that breaks later than this after the sending was not dead before it.
    private static let staleBreak = Interval.seconds(1)

    /// Whether the connection had died while it was idle in the pool, so that the request was never read. An HTTP/2
    /// connection says of each stream what became of it.
    private func isStale(_ failure: UpstreamFailure, _ handler: UpstreamEnd, now: Instant) -> Bool {
        guard isReusedConnection, failure.isClose, !handler.isHTTP2, let sentAt = record.sentAt else {
            return false
        }
        return now - sentAt <= Self.staleBreak
    }

    func fail(_ failure: UpstreamFailure) {
        record.outcome = .failed
        answer(failure.refusal(for: service))
    }
}
