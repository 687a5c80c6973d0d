import Admission
import NIOCore
import SharedLimits
import Synchronization

/// One upstream's gate, shared by all event loops: lock, decide, unlock, perform.
///
/// Nothing is written, logged or awaited inside the lock. A decision for an exchange is carried out on that exchange's
/// loop, always in a later tick, so that a settlement never runs into somebody else's exchange half way.
final class GateShell: Sendable {
    private struct State {
        var gate: Gate
        var terms: GateTerms
        /// By ticket place. A place is taken again as soon as its ticket is decided, so each says whose it is.
        var waiters: [(ticket: Ticket, waiter: Waiter)?] = []
        /// Decisions taken from the gate and not carried out yet.
        var errands: [Errand] = []
        /// When the timer fires; `never` where none is set.
        var armed = Instant.never
        /// Asks since the start.
        var requests = 0
    }

    /// Who waits: what to call with the decision and the terms by which it was made, and on which loop.
    struct Waiter: Sendable {
        let loop: any EventLoop
        let decided: @Sendable (Decision, GateTerms) -> Void
    }

    private struct Errand: Sendable {
        let waiter: Waiter
        let decision: Decision
        /// By which it was decided.
        let terms: GateTerms
    }

    private let state: Mutex<State>
    /// Where the timer lives.
    private let home: any EventLoop
    /// Whether the gate wants to know at once how attempts go; read without the lock, for every answer.
    private let watches = Atomic(false)
    /// The way to the store of limits that all replicas share; `nil` where there is none.
    private let store: StoreWay?

    init(terms: GateTerms, home: any EventLoop, store: StoreWay? = nil) {
        let now = Clock.now()
        let gate = Gate(rules: terms.rules, wallClock: Clock.wallClockOffset, now: now)
        state = Mutex(State(gate: gate, terms: terms))
        (self.home, self.store) = (home, store)
        openStore(terms.rules)
    }

    // MARK: Calls

    /// The answer, the limits that would have held the ask back were they not only observed, and the terms of both.
    ///
    /// - Parameter waiter: made only where it waits.
    func submit(
        _ ask: Ask, from waiter: @autoclosure () -> Waiter, now: Instant
    ) -> (submission: Submission, observed: [Int], terms: GateTerms) {
        perform(now) { state in
            state.requests &+= 1
            let submission = state.gate.submit(ask, now: now)
            let observed = state.gate.takeObserved()
            Self.note(submission, waiter, &state)
            return (submission, observed, state.terms)
        }
    }

    /// Asks for another attempt; see ``Gate/retry(_:_:wasSent:isFree:at:deadline:now:)``.
    func retry(
        _ permit: Permit, _ verdict: Verdict, wasSent: Bool, isFree: Bool, at instant: Instant, deadline: Instant,
        from waiter: @autoclosure () -> Waiter, now: Instant
    ) -> (submission: Submission?, terms: GateTerms) {
        perform(now) { state in
            let submission = state.gate.retry(
                permit, verdict, wasSent: wasSent, isFree: isFree, at: instant, deadline: deadline, now: now)
            if let submission { Self.note(submission, waiter, &state) }
            return (submission, state.terms)
        }
    }

    func cancel(_ ticket: Ticket, now: Instant) {
        perform(now) { state in
            state.gate.cancel(ticket, now: now)
            // It may have been decided about in this very call; then whoever waited still has to hear of it.
            for decision in state.gate.takeDecisions() { Self.assign(decision, &state) }
            if let waiting = state.waiters[ticket.place], waiting.ticket == ticket { state.waiters[ticket.place] = nil }
        }
    }

    func settle(_ permit: Permit, _ verdict: Verdict, usage: Tokens?, now: Instant) {
        perform(now) { $0.gate.settle(permit, verdict, usage: usage, now: now) }
    }

    func withdraw(_ permit: Permit, _ verdict: Verdict = .none, now: Instant) {
        perform(now) { $0.gate.withdraw(permit, verdict, now: now) }
    }

    /// An answer has begun. Costs nothing where nobody waits for that.
    func answered(_ permit: Permit, _ verdict: Verdict, now: Instant) {
        guard watches.load(ordering: .relaxed) else { return }
        perform(now) { $0.gate.answered(permit, verdict, now: now) }
    }

    func correct(_ permit: Permit, _ usage: Tokens, now: Instant) {
        perform(now) { $0.gate.correct(permit, usage, now: now) }
    }

    /// Whether another key may take the attempt.
    func throttled(_ permit: Permit, comeBack: Interval?, exceeded: ExceededLimit?, now: Instant) -> Bool {
        perform(now) { $0.gate.throttled(permit, comeBack: comeBack, exceeded: exceeded, now: now) }
    }

    /// The provider said something of its limits; see ``Gate/noticed(_:_:now:)``.
    func noticed(_ permit: Permit, _ notices: [LimitNotice], now: Instant) {
        perform(now) { $0.gate.noticed(permit, notices, now: now) }
    }

    /// The provider turned the attempt's key away. Whether another key may take the attempt.
    func refusedKey(of permit: Permit, _ fault: KeyFault, now: Instant) -> Bool {
        perform(now) { $0.gate.refusedKey(of: permit, fault, now: now) }
    }

    /// The name of the key that an attempt is sent with now; `nil` where there is none to choose.
    func key(of permit: Permit) -> String? {
        state.withLock { state in state.gate.key(of: permit).map { state.gate.rules.keys[$0] } }
    }

    func depart(_ permit: Permit, now: Instant) -> Instant {
        perform(now) { $0.gate.depart(permit, now: now) }
    }

    func confirm(_ permit: Permit, now: Instant) -> Instant {
        perform(now) { $0.gate.confirm(permit, now: now) }
    }

    /// What has been measured of the way to the provider, where it has, and the time of day.
    func use(jitter: Interval?) {
        let now = Clock.now()
        perform(now) { $0.gate.use(jitter: jitter, wallClock: Clock.wallClockOffset, now: now) }
    }

    /// Goes by other terms from now on; see ``Gate/replace(_:now:)``.
    func replace(_ terms: GateTerms) {
        let now = Clock.now()
        perform(now) { state in
            // What is due by now is decided by the old terms.
            state.gate.advance(to: now)
            for decision in state.gate.takeDecisions() { Self.assign(decision, &state) }
            state.terms = terms
            state.gate.replace(terms.rules, now: now)
        }
        openStore(terms.rules)
    }

    func drain() {
        let now = Clock.now()
        perform(now) { $0.gate.drain(now: now) }
    }

    // MARK: The store

    /// Only once, and only where something is shared.
    private func openStore(_ rules: GateRules) {
        if rules.shared != nil { store?.open(on: home) { [weak self] event in self?.hear(event) } }
    }

    deinit { store?.close() }

    private func hear(_ event: StoreLine.Event) {
        let now = Clock.now()
        switch event {
        case .found: perform(now) { $0.gate.storeFound(now: now) }
        case .answered(let answer, let number): perform(now) { $0.gate.hear(answer, to: number, now: now) }
        case .paused(let pause): perform(now) { $0.gate.hear(pause, now: now) }
        case .lost(let wasRefused): perform(now) { $0.gate.storeLost(wasRefused: wasRefused, now: now) }
        case .trouble(let reason): store?.note(reason)
        case .recovered: store?.noteRecovery()
        }
    }

    /// Takes leave of the other replicas, so that nothing is kept free for this one.
    func leave() { store?.close() }

    /// `nil` where no limit is shared.
    var isStoreConnected: Bool? { state.withLock { $0.gate.isStoreConnected } }

    /// Whether requests for shared limits may go at all.
    var canServeShared: Bool { state.withLock { $0.gate.canServeShared } }

    /// See ``Gate/report(now:cells:tenants:explains:)``.
    func report(cells: Int, tenants: Int, explains: Bool) -> (report: GateReport, terms: GateTerms) {
        let now = Clock.now()
        return perform(now) { state in
            (state.gate.report(now: now, cells: cells, tenants: tenants, explains: explains), state.terms)
        }
    }

    /// What a glance shows.
    struct Level: Hashable, Sendable {
        /// Asks since the start.
        var requests: Int
        var inFlight: Int
        var waiting: Int
    }

    var level: Level {
        state.withLock { Level(requests: $0.requests, inFlight: $0.gate.inFlight, waiting: $0.gate.waiting) }
    }

    // MARK: Performing

    /// Remembers who waits. The same call may have decided about the ticket that had this place before, and about the
    /// new one already.
    private static func note(_ submission: Submission, _ waiter: () -> Waiter, _ state: inout State) {
        guard case .waiting(let ticket, _) = submission else { return }
        let decisions = state.gate.takeDecisions()
        for decision in decisions where decision.ticket != ticket { assign(decision, &state) }
        while state.waiters.count <= ticket.place { state.waiters.append(nil) }
        state.waiters[ticket.place] = (ticket, waiter())
        for decision in decisions where decision.ticket == ticket { assign(decision, &state) }
    }

    private static func assign(_ decision: Decision, _ state: inout State) {
        let ticket = decision.ticket
        guard let waiting = state.waiters[ticket.place], waiting.ticket == ticket else {
            preconditionFailure("whoever waits is known until it is decided about or cancelled")
        }
        state.waiters[ticket.place] = nil
        state.errands.append(Errand(waiter: waiting.waiter, decision: decision, terms: state.terms))
    }

    private func perform<Answer>(_ now: Instant, _ call: (inout State) -> Answer) -> Answer {
        var errands: [Errand] = []
        var wakeAt: Instant?
        var turn: SharedTurn?
        let answer = state.withLock { (state: inout State) -> Answer in
            let answer = call(&state)
            if store != nil { turn = state.gate.takeTurn(now: now) }
            for decision in state.gate.takeDecisions() { Self.assign(decision, &state) }
            swap(&errands, &state.errands)
            let watches = state.gate.watchesVerdicts
            if watches != self.watches.load(ordering: .relaxed) { self.watches.store(watches, ordering: .relaxed) }
            let next = state.gate.nextDeadline
            if next < state.armed {
                state.armed = next
                wakeAt = next
            }
            return answer
        }
        if let turn { store?.send(turn) }
        if let wakeAt { arm(wakeAt) }
        for errand in errands { errand.waiter.loop.execute { errand.waiter.decided(errand.decision, errand.terms) } }
        return answer
    }

    /// Sets the timer. An earlier one that is already set stays and finds nothing to do, which is cheaper than a
    /// cancellation: that is a linear search in NIO.
    private func arm(_ instant: Instant) {
        home.scheduleTask(deadline: NIODeadline(instant)) { [self] in
            // Never before what it was set for: a timer that thought itself early would leave nobody to wake the others.
            let now = max(Clock.now(), instant)
            perform(now) { state in
                if state.armed <= now { state.armed = .never }
                state.gate.advance(to: now)
            }
        }
    }
}

extension Decision {
    fileprivate var ticket: Ticket {
        switch self {
        case .granted(let ticket, _), .refused(let ticket, _): ticket
        }
    }
}
