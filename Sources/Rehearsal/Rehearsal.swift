import Admission

/// A world in virtual time: callers, one gate, the way to a provider and the provider. One seed decides everything.
package struct Rehearsal {
    private enum Event {
        case call(caller: Int)
        case arrive(request: Int)
        case answer(request: Int, isThrottled: Bool)
        case giveUp(request: Int)
        case timer
    }

    private struct Request {
        let caller: Int
        let submittedAt: Instant
        let deadline: Instant
        var permit: Permit?
        var ticket: Ticket?
        var isAtProvider = false
        var hasEnded = false
    }

    package private(set) var gate: Gate
    package private(set) var findings = Findings()
    private let callers: [Caller]
    private var upstream: Upstream
    private var random: SplitMix64
    private var agenda = Agenda<Event>()
    private var requests: [Request] = []
    private var waiting: [Ticket: Int] = [:]
    private var permitsHeld = 0
    private var atProvider = 0
    private var atProviderPerTenant: [String: Int] = [:]
    private var timerAt = Instant.never
    private var now = Rehearsal.start

    package static let start = Instant(nanoseconds: 1_000_000_000_000)

    package init(rules: GateRules, callers: [Caller], upstream: Upstream, seed: UInt64) {
        gate = Gate(rules: rules, jitter: upstream.jitter, now: Self.start)
        self.callers = callers
        self.upstream = upstream
        random = SplitMix64(seed: seed)
        for index in callers.indices {
            let count = if case .backlogged(let count) = callers[index].habit { count } else { 1 }
            for _ in 0..<count { agenda.enter(.call(caller: index), at: Self.start) }
        }
    }

    /// Lets the world run for so long.
    package mutating func run(for length: Interval) {
        let end = now + length
        while agenda.nextInstant <= end, findings.complaints.isEmpty, let (instant, event) = agenda.next() {
            findings.slotTime += (instant - now).nanoseconds * Int64(gate.inFlight)
            now = instant
            handle(event)
            perform()
            check()
        }
        findings.slotTime += (end - now).nanoseconds * Int64(gate.inFlight)
        now = end
    }

    // MARK: Events

    private mutating func handle(_ event: Event) {
        switch event {
        case .call(let caller): call(caller)
        case .arrive(let request): arrive(request)
        case .answer(let request, let isThrottled): answer(request, isThrottled)
        case .giveUp(let request): giveUp(request)
        case .timer:
            if timerAt <= now { timerAt = .never }
            gate.advance(to: now)
        }
    }

    private mutating func call(_ caller: Int) {
        switch callers[caller].habit {
        case .backlogged: submit(caller)
        case .steady(let every):
            submit(caller)
            agenda.enter(.call(caller: caller), at: now + every / 2 + random.interval(upTo: every))
        case .bursty(let count, let every):
            for _ in 0..<count { submit(caller) }
            agenda.enter(.call(caller: caller), at: now + every)
        }
    }

    private mutating func submit(_ caller: Int) {
        let id = requests.count
        let deadline = now + callers[caller].deadline
        requests.append(Request(caller: caller, submittedAt: now, deadline: deadline))
        if random.chance(percent: callers[caller].cancels) {
            agenda.enter(.giveUp(request: id), at: now + random.interval(upTo: .seconds(5)))
        }
        let ask = Ask(identity: callers[caller].identity, deadline: deadline)
        settleAnswer(gate.submit(ask, now: now), for: id)
    }

    private mutating func settleAnswer(_ answer: Submission, for id: Int) {
        switch answer {
        case .admitted(let permit): send(id, permit)
        case .waiting(let ticket, _):
            requests[id].ticket = ticket
            waiting[ticket] = id
        case .refused: end(id, as: \.refused)
        }
    }

    private mutating func send(_ id: Int, _ permit: Permit) {
        let tenant = callers[requests[id].caller].identity.tenant
        findings.sends += 1
        findings.sendsPerTenant[tenant, default: 0] += 1
        findings.lastSend = now
        if now < gate.pausedUntil { findings.complain("sent during a pause", at: now) }
        let wait = now - requests[id].submittedAt
        findings.longestWait[tenant] = max(findings.longestWait[tenant] ?? .zero, wait)
        requests[id].permit = permit
        permitsHeld += 1
        agenda.enter(.arrive(request: id), at: now + upstream.delay + random.interval(upTo: upstream.jitter))
    }

    private mutating func arrive(_ id: Int) {
        guard !requests[id].hasEnded else { return }
        requests[id].isAtProvider = true
        let tenant = callers[requests[id].caller].identity.tenant
        atProvider += 1
        atProviderPerTenant[tenant, default: 0] += 1
        findings.peakAtProvider = max(findings.peakAtProvider, atProvider)
        findings.peakPerTenant = max(findings.peakPerTenant, atProviderPerTenant[tenant, default: 0])
        var isThrottled = false
        for index in upstream.rates.indices where !upstream.rates[index].admits(at: now) {
            findings.violations[upstream.rates[index].method, default: 0] += 1
            isThrottled = upstream.throttles
        }
        let span = Interval(nanoseconds: upstream.longest.nanoseconds - upstream.shortest.nanoseconds)
        let service = isThrottled ? .milliseconds(5) : upstream.shortest + random.interval(upTo: span)
        agenda.enter(.answer(request: id, isThrottled: isThrottled), at: now + service)
    }

    private mutating func answer(_ id: Int, _ isThrottled: Bool) {
        guard !requests[id].hasEnded, let permit = requests[id].permit else { return }
        depart(id)
        guard isThrottled else {
            gate.settle(permit, now: now)
            return end(id, as: \.served)
        }
        gate.pause(until: now + upstream.retryAfter, now: now)
        settleAnswer(gate.retry(permit, at: now, deadline: requests[id].deadline, now: now), for: id)
    }

    private mutating func giveUp(_ id: Int) {
        guard !requests[id].hasEnded else { return }
        if let ticket = requests[id].ticket {
            gate.cancel(ticket, now: now)
            waiting[ticket] = nil
        } else if let permit = requests[id].permit {
            depart(id)
            gate.settle(permit, now: now)
        }
        end(id, as: \.cancelled)
    }

    /// The provider and the gate's books are done with an attempt.
    private mutating func depart(_ id: Int) {
        requests[id].permit = nil
        permitsHeld -= 1
        guard requests[id].isAtProvider else { return }
        requests[id].isAtProvider = false
        atProvider -= 1
        atProviderPerTenant[callers[requests[id].caller].identity.tenant, default: 0] -= 1
    }

    private mutating func end(_ id: Int, as kind: WritableKeyPath<Findings, Int>) {
        if requests[id].hasEnded { findings.complain("request \(id) ends twice", at: now) }
        requests[id].hasEnded = true
        findings[keyPath: kind] += 1
        // Who is refused comes back a little later, who is served at once.
        guard case .backlogged = callers[requests[id].caller].habit else { return }
        let rest = kind == \Findings.served ? Interval.zero : .milliseconds(100)
        agenda.enter(.call(caller: requests[id].caller), at: now + rest)
    }

    // MARK: The gate's side

    private mutating func perform() {
        for decision in gate.takeDecisions() {
            switch decision {
            case .granted(let ticket, let permit):
                guard let id = waiting.removeValue(forKey: ticket) else {
                    return findings.complain("a grant for nobody", at: now)
                }
                requests[id].ticket = nil
                send(id, permit)
            case .refused(let ticket, _):
                guard let id = waiting.removeValue(forKey: ticket) else {
                    return findings.complain("a refusal for nobody", at: now)
                }
                requests[id].ticket = nil
                end(id, as: \.refused)
            }
        }
        let next = gate.nextDeadline
        if next < timerAt, next < .never {
            timerAt = next
            agenda.enter(.timer, at: next)
        }
    }

    private mutating func check() {
        if gate.inFlight != permitsHeld { findings.complain("\(gate.inFlight) permits, \(permitsHeld) held", at: now) }
        if gate.waiting != waiting.count { findings.complain("\(gate.waiting) wait, not \(waiting.count)", at: now) }
        // Repeated attempts are let in above the bound: they have been let in before.
        if !upstream.throttles, gate.waiting > gate.rules.queue.maxRequests {
            findings.complain("\(gate.waiting) wait", at: now)
        }
        let open = requests.count - findings.ended
        if open != waiting.count + permitsHeld { findings.complain("\(open) requests are nowhere", at: now) }
    }
}
