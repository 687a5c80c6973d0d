import Admission

/// A world in virtual time in which something is measured: callers, one gate and a counterpart in the provider's place
/// that counts, refuses, fails or is away. One seed decides everything.
///
/// A ``Rehearsal`` looks for broken promises whatever happens; a scene has one thing happen and says how much of it.
package struct Scene<Counterpart: SceneCounterpart> {
    private enum Event {
        case ask(caller: Int)
        case arrive(request: Int)
        case head(request: Int, attempt: Int)
        case reply(request: Int, SceneReply)
        case timer
    }

    package var gate: Gate
    package var counterpart: Counterpart
    package private(set) var requests: [SceneRequest] = []
    /// Attempts sent, also those that never reached the counterpart.
    package private(set) var attempts = 0
    /// Attempts that the counterpart refused for a rate.
    package private(set) var throttled = 0
    package private(set) var underWay = 0
    package private(set) var peak = 0
    /// Slots held, times nanoseconds.
    package private(set) var slotTime: Int64 = 0
    package private(set) var now = Rehearsal.start
    private let callers: [SceneCaller]
    private let way: SceneWay
    private var random: SplitMix64
    private var agenda = Agenda<Event>()
    private var waiting: [Ticket: Int] = [:]
    private var waitingPerCaller: [Int]
    /// How often each caller has asked.
    private var asked: [Int]
    private var timerAt = Instant.never
    /// Looks at every ask before the gate does; for estimates that are compared with what came.
    package var onlooker: ((inout Gate, Ask, Int, Instant) -> Void)?

    package init(
        rules: GateRules, callers: [SceneCaller], counterpart: Counterpart, way: SceneWay = SceneWay(), seed: UInt64 = 1
    ) {
        gate = Gate(rules: rules, jitter: way.jitter, now: Rehearsal.start)
        self.callers = callers
        self.counterpart = counterpart
        self.way = way
        random = SplitMix64(seed: seed)
        waitingPerCaller = Array(repeating: 0, count: callers.count)
        asked = waitingPerCaller
        for caller in callers.indices { enter(caller) }
    }

    private mutating func enter(_ caller: Int) {
        switch callers[caller].habit {
        case .backlogged(let count):
            for _ in 0..<count { agenda.enter(.ask(caller: caller), at: now) }
        case .steady(let every): agenda.enter(.ask(caller: caller), at: now + random.interval(upTo: every))
        case .script(let instants):
            for instant in instants { agenda.enter(.ask(caller: caller), at: instant) }
        }
    }

    /// Lets the world run for so long.
    package mutating func run(for length: Interval) {
        let end = now + length
        while agenda.nextInstant <= end, let (instant, event) = agenda.next() {
            slotTime += (instant - now).nanoseconds * Int64(gate.inFlight)
            now = instant
            handle(event)
            perform()
        }
        slotTime += (end - now).nanoseconds * Int64(gate.inFlight)
        now = end
    }

    // MARK: Events

    private mutating func handle(_ event: Event) {
        switch event {
        case .ask(let caller):
            submit(caller)
            if case .steady(let every) = callers[caller].habit {
                agenda.enter(.ask(caller: caller), at: now + every / 2 + random.interval(upTo: every))
            }
        case .arrive(let request): arrive(request)
        case .head(let request, let attempt): hear(request, attempt)
        case .reply(let request, let reply): settle(request, reply)
        case .timer:
            if timerAt <= now { timerAt = .never }
            gate.advance(to: now)
        }
    }

    private mutating func submit(_ index: Int) {
        let caller = callers[index]
        let id = requests.count
        let size = caller.sizes.isEmpty ? nil : caller.sizes[asked[index] % caller.sizes.count]
        asked[index] += 1
        requests.append(
            SceneRequest(
                caller: index, submittedAt: now, deadline: now + caller.patience, size: size,
                attemptsBefore: attempts, ownAhead: waitingPerCaller[index]))
        let ask = Ask(identity: caller.identity, deadline: now + caller.patience, tokens: size?.claim)
        onlooker?(&gate, ask, id, now)
        take(gate.submit(ask, now: now), for: id)
    }

    private mutating func take(_ submission: Submission, for id: Int) {
        switch submission {
        case .admitted(let permit): send(id, permit)
        case .waiting(let ticket, _):
            waiting[ticket] = id
            waitingPerCaller[requests[id].caller] += 1
        case .refused(let refusal): end(id, .refused(refusal.reason))
        }
    }

    private mutating func send(_ id: Int, _ permit: Permit) {
        requests[id].permit = permit
        requests[id].attempts += 1
        requests[id].sentAt = now
        if requests[id].attempts == 1 { requests[id].overtakes = attempts - requests[id].attemptsBefore }
        attempts += 1
        agenda.enter(.arrive(request: id), at: now + way.delay + random.interval(upTo: way.jitter))
    }

    private mutating func arrive(_ id: Int) {
        let caller = callers[requests[id].caller]
        underWay += 1
        peak = max(peak, underWay)
        let reply = counterpart.receive(request: id, caller.identity, requests[id].size, at: now)
        guard reply == .answered else {
            return agenda.enter(.reply(request: id, reply), at: now + .milliseconds(5))
        }
        let hold =
            caller.hold.lowerBound + random.interval(upTo: caller.hold.upperBound - caller.hold.lowerBound)
            + caller.perToken * (requests[id].size?.used.output ?? 0)
        agenda.enter(.head(request: id, attempt: requests[id].attempts), at: now + min(hold, way.head))
        agenda.enter(.reply(request: id, reply), at: now + hold)
    }

    /// The answer's head comes, which says as much about the counterpart as its end.
    private mutating func hear(_ id: Int, _ attempt: Int) {
        guard requests[id].attempts == attempt, let permit = requests[id].permit, gate.watchesVerdicts else { return }
        gate.answered(permit, now: now)
    }

    private mutating func settle(_ id: Int, _ reply: SceneReply) {
        underWay -= 1
        guard let permit = requests[id].permit else { preconditionFailure("a reply is for an attempt under way") }
        requests[id].permit = nil
        counterpart.finish(request: id, requests[id].size, at: now)
        switch reply {
        case .answered:
            gate.settle(permit, usage: requests[id].size?.used, now: now)
            requests[id].held = now - requests[id].sentAt
            end(id, .served)
        case .throttled(let wait):
            throttled += 1
            gate.throttled(permit, comeBack: wait, now: now)
            retry(id, permit, .answered, wasSent: true, isFree: true, at: now + wait)
        case .overloaded: retry(id, permit, .overloaded, wasSent: true, isFree: false, at: now + backoff(id))
        case .unreachable: retry(id, permit, .failed, wasSent: false, isFree: false, at: now + backoff(id))
        }
    }

    private mutating func backoff(_ id: Int) -> Interval {
        let rules = RetryRules()
        return Backoff(base: rules.backoffBase, max: rules.backoffMax)
            .wait(afterAttempt: requests[id].attempts, random: random.next())
    }

    private mutating func retry(
        _ id: Int, _ permit: Permit, _ verdict: Verdict, wasSent: Bool, isFree: Bool, at instant: Instant
    ) {
        var submission: Submission?
        if requests[id].attempts < RetryRules().attempts {
            submission = gate.retry(
                permit, verdict, wasSent: wasSent, isFree: isFree, at: instant, deadline: requests[id].deadline,
                now: now)
        }
        if let submission { return take(submission, for: id) }
        if wasSent { gate.settle(permit, verdict, now: now) } else { gate.withdraw(permit, verdict, now: now) }
        end(id, .failed)
    }

    private mutating func end(_ id: Int, _ outcome: SceneRequest.Outcome) {
        requests[id].outcome = outcome
        requests[id].endedAt = now
        guard case .backlogged = callers[requests[id].caller].habit else { return }
        // Who is refused comes back a little later, who is served at once.
        let rest = outcome == .served ? Interval.zero : .milliseconds(100)
        agenda.enter(.ask(caller: requests[id].caller), at: now + rest)
    }

    // MARK: The gate's side

    private mutating func perform() {
        for decision in gate.takeDecisions() {
            switch decision {
            case .granted(let ticket, let permit): send(leave(ticket), permit)
            case .refused(let ticket, let refusal): end(leave(ticket), .refused(refusal.reason))
            }
        }
        let next = gate.nextDeadline
        if next < timerAt, next < .never {
            timerAt = next
            agenda.enter(.timer, at: max(now, next))
        }
    }

    private mutating func leave(_ ticket: Ticket) -> Int {
        guard let id = waiting.removeValue(forKey: ticket) else {
            preconditionFailure("a decision is for somebody who waits")
        }
        waitingPerCaller[requests[id].caller] -= 1
        return id
    }
}
