import Admission
import NIOCore
import NIOHTTP1
import Telemetry

/// From the ask to the sending of an attempt.
extension Exchange {
    func begin() {
        if let refusal = worker.overload(identity.priority, isSurplus: connection.isSurplus) {
            record.outcome = .failed
            return answer(refusal)
        }
        guard reading != nil || awaitsBody else { return ask(now: record.begunAt) }
        // The gate has to know what is in the body, so the caller may send it now.
        connection.sendContinue()
        awaitBody(record.begunAt)
    }

    /// Asks the gate, once all is known that it has to know.
    func ask(now: Instant) {
        // First: the body may name the model.
        let tokens = takeReading()
        let ask = Ask(identity: identity, deadline: callerDeadline, tokens: tokens)
        connection.deadline = .never
        let (submission, observed, terms) = service.gate.submit(ask, from: waiter, now: now)
        for limit in observed { noteObserved(terms.name(ofLimit: limit)) }
        switch submission {
        case .admitted(let permit): depart(permit)
        case .waiting(let ticket, let limit): wait(ticket, limit: limit.map(terms.name(ofLimit:)), since: now)
        case .refused(let refusal): refuse(RefusedAsk(refusal: refusal, terms: terms), now: now)
        }
    }

    private func wait(_ ticket: Ticket, limit: String?, since now: Instant) {
        phase = .waiting(ticket)
        record.wait(since: now)
        if tunnel == nil { pool.prepare() }
        guard let limit else { return }
        if record.limit != limit { service.metrics.limited(limit: limit, mode: .enforce, action: .wait).increment() }
        record.limit = limit
    }

    /// A limit that only watches would have held the request back.
    private func noteObserved(_ limit: String) {
        service.metrics.limited(limit: limit, mode: .observe, action: .wait).increment()
        record.observed.append(limit)
    }

    /// The gate's later answer.
    func decided(_ decision: Decision, by terms: GateTerms) {
        switch decision {
        case .granted(_, let permit): granted(permit)
        case .refused(_, let refusal): refused(RefusedAsk(refusal: refusal, terms: terms))
        }
    }

    private func granted(_ permit: Permit) {
        // It may have been cancelled while the grant was on its way here.
        guard case .waiting = phase else { return service.gate.withdraw(permit, now: Clock.now()) }
        record.waited(until: Clock.now())
        depart(permit)
    }

    private func refused(_ refused: RefusedAsk) {
        guard case .waiting = phase else { return }
        let now = Clock.now()
        record.waited(until: now)
        refuse(refused, now: now)
    }

    func refuse(_ refused: RefusedAsk, now: Instant) {
        if let limit = refused.refusal.limit {
            let name = refused.terms.name(ofLimit: limit.limit)
            record.limit = name
            service.metrics.limited(limit: name, mode: .enforce, action: .refuse).increment()
        }
        record.outcome = ExchangeOutcome(refused.refusal.reason)
        let allowed = min(refused.terms.rules.queue.timeout, callerDeadline - record.begunAt)
        answer(service.refusal(refused, tenant: identity.tenant, allowed: allowed))
    }

    // MARK: Departure

    /// A charge older than this when the head can be written is moved to that moment: the provider sees the sending,
    /// not the decision.
    private static let freshness = Interval.milliseconds(1)

    private func depart(_ permit: Permit) {
        phase = .leasing(permit)
        verdict = .none
        grantedAt = Clock.now()
        setDeadline(service.upstream.gate.queue.timeout, meaning: .poolExhausted, from: grantedAt)
        connection.sendContinue()
        if let tunnel { pool.openTunnel(tunnel, for: self) } else { pool.lease(for: self) }
    }

    /// The pool's answer: at once, or after a connection was made.
    func leased(_ handler: UpstreamEnd, isReused: Bool) {
        guard case .leasing(let permit) = phase else { return handler.abandon() }
        isReusedConnection = isReused
        let now = Clock.now()
        if now - grantedAt <= Self.freshness { return send(permit, handler, now: now) }
        let departure = service.gate.depart(permit, now: now)
        guard departure > now else { return send(permit, handler, now: now) }
        phase = .departing(permit, handler)
        awaitDeparture(departure)
    }

    private func awaitDeparture(_ departure: Instant) {
        let exchange = NIOLoopBound(self, eventLoop: worker.loop)
        worker.loop.scheduleTask(deadline: NIODeadline(departure)) { exchange.value.departureDue() }
    }

    private func departureDue() {
        guard case .departing(let permit, let handler) = phase else { return }
        let now = Clock.now()
        let departure = service.gate.confirm(permit, now: now)
        if departure > now { awaitDeparture(departure) } else { send(permit, handler, now: now) }
    }

    func leaseFailed(_ failure: UpstreamFailure) {
        guard case .leasing(let permit) = phase else { return }
        let now = Clock.now()
        record.attempts += 1
        service.metrics.attempts(status: .none, reason: reason).increment()
        unsentSpan(at: now)
        var held: Permit? = permit
        if failure.mayPass,
            case .waits = repeatAttempt(&held, after: failure, isStale: false, wasSent: false, now: now)
        {
            return
        }
        phase = .ended
        if let held { service.gate.withdraw(held, failure.verdict, now: now) }
        fail(failure)
    }

    private func send(_ permit: Permit, _ handler: UpstreamEnd, now: Instant) {
        guard handler.isOpen else {
            // It was told to take nothing new while this one waited for its moment.
            phase = .leasing(permit)
            handler.abandon()
            return leaseFailed(.notProcessed)
        }
        phase = .sent(permit, handler)
        record.send(at: now)
        if let tunnel { return send(tunnel, permit, handler, now: now) }
        var head = marked(head)
        if !service.keys.isEmpty { setKey(of: permit, in: &head) }
        // HTTP/1.1 would have to name it in `Connection`; there it is left out.
        if takesTrailers, handler.isHTTP2 { head.headers.add(name: "TE", value: "trailers") }
        beginSpan(&head, at: now)
        handler.send(head, isChunked: isLengthUnknown, endsHere: body.isEmpty)
        let parts = body.parts
        // Before anything is written: a connection that breaks under the write repeats what is kept.
        body.sent(bound: replayBound)
        account()
        for part in parts { handler.write(part) }
        if body.isComplete {
            handler.end(body.trailers)
            setDeadline(service.upstream.timeouts.firstByte, meaning: .firstByteTimeout, from: now)
        } else {
            awaitBody(now)
        }
        // What is still being read goes out with the head, in one write.
        if !connection.hasSeenPart { handler.flush() }
        connection.resumeReading()
    }

    private func setKey(of permit: Permit, in head: inout HTTPRequestHead) {
        guard let key = service.key(for: permit) else { return }
        key.add(to: &head.headers)
        record.credential = key.name
    }

    /// With the mark by which it would be known again, where it may be going round in a circle.
    private func marked(_ head: HTTPRequestHead) -> HTTPRequestHead {
        guard pool.loopWatch.sends(toPrivate: service.dial.mayBePrivate) else { return head }
        var head = head
        head.headers.add(name: "Via", value: worker.loopMark.via)
        return head
    }

    private func send(_ tunnel: TunnelKind, _ permit: Permit, _ handler: UpstreamEnd, now: Instant) {
        switch tunnel {
        case .connect: openTunnel(permit, handler, HTTPHeaders(), now: now)
        case .webSocket:
            setDeadline(service.upstream.timeouts.firstByte, meaning: .firstByteTimeout, from: now)
            var head = head
            setKey(of: permit, in: &head)
            sendHandshake(head, handler)
        }
    }

    /// Waits for more of the request's body, as long as it comes fast enough; what the upstream does not take is not the
    /// caller's fault.
    func awaitBody(_ now: Instant) {
        progress.resume(now: now)
        progress.moved(record.bytesIn - awaitedBytes, now: now)
        awaitedBytes = record.bytesIn
        if !wantsRequest { progress.pause(now: now) }
        let length = progress.deadline == .never ? Downstream.bodyTimeout : progress.deadline - now
        setDeadline(length, meaning: .firstByteTimeout, from: now)
    }
}
