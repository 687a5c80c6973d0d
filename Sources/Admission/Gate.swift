/// Decides for one upstream who may go, who waits and who is refused.
///
/// A value without clock, chance or effects. Whoever drives it passes `now`, performs the returned answer, and after
/// each call performs what ``takeDecisions()`` returns for others. ``nextDeadline`` says when to call ``advance(to:)``
/// if nothing else happens before. All limits that match an ask are looked at before any is charged, and all are
/// charged or none.
///
/// Questions that are asked for every decision are `mutating` although they change nothing: for others the compiler
/// copies the value, 760 bytes each time, which was a tenth of a decision's time.
package struct Gate: Sendable {
    package internal(set) var rules: GateRules
    var frame: GateFrame

    var now: Instant
    var cells = Slab<Cell>()
    var entries = Slab<DistinctEntry>()
    var line = FairLine()
    var room = WaitingRoom()
    var registry: Registry
    /// Empty where there is no key to choose.
    var keyring: Keyring
    var permits = Slab<Attempt>()
    var pause = Pause()
    var budget: RetryBudget
    /// `nil` where the rules have none.
    var breaker: Breaker?
    var adaptive: AdaptiveLimit?
    var book = TokenBook()
    /// `nil` where no limit is shared with other replicas.
    var sharedBook: SharedBook?
    /// How long attempts usually hold their slots; a moving average over the last eight.
    var typicalHold: Interval?
    var permitGeneration: UInt32 = 0
    /// Outermost nodes with something waiting, those with the most per weight first; empty where they are not ranked.
    var backlogs = Ranking<Backlog>()
    var ranksBacklogs = false
    /// Cells in which something may have become free for nodes parked on them.
    var opened: [Int] = []
    /// Open cells that still have nodes parked on them, because they woke only as many as need to compete.
    var contested: [Int] = []
    /// Cells that open by time while nodes are parked on them.
    var openings = Ranking<Instant>()
    /// Cells of which less than all is used, by when more of them is.
    var recoveries = Ranking<Instant>()
    var rootOpensAt = Instant.never
    var decisions: [Decision] = []
    /// Limits that would have held the last ask back, were they not only observed.
    var observed: [Int] = []
    private(set) var isDraining = false
    private var sequence: Int64 = 0

    /// - Parameters:
    ///   - jitter: how much later than its neighbours a send may reach the provider, until more is known.
    ///   - wallClock: what to add to an instant to have the time of day, for budgets of a calendar day.
    package init(
        rules: GateRules, jitter: Interval = .milliseconds(10), wallClock: WallClockOffset = WallClockOffset(),
        now: Instant
    ) {
        self.rules = rules
        frame = GateFrame(jitter: jitter, wallClock: wallClock)
        self.now = now
        registry = Registry(rules: rules)
        keyring = Keyring(names: rules.keys)
        budget = RetryBudget(rules.retryBudget, now: now)
        breaker = rules.breaker.map { Breaker($0) }
        adaptive = rules.adaptive.map { AdaptiveLimit($0) }
        sharedBook = SharedBook(rules)
        plantRoot()
    }

    // MARK: Asking

    /// Admits an ask at once where every limit has room and nobody waits before it, else puts it in line or refuses it.
    package mutating func submit(_ ask: Ask, now instant: Instant) -> Submission {
        tick(instant)
        budget.request(now: now)
        if isDraining { return .refused(.draining) }
        let flow = flow(for: ask.identity)
        if registry.countsTokens, let refusal = refusalForSize(flow, ask) { return .refused(refusal) }
        let reserve = reserve(for: ask)
        watch(flow, reserve.tokens)
        if let denial = denial(of: flow, reserve.tokens) { return .refused(denial) }
        if isOpen(flow, for: reserve.tokens) {
            sequence += 1
            line.pass(flow)
            return .admitted(grant(flow, sequence: sequence, reserve))
        }
        let deadline = min(ask.deadline, now + rules.queue.timeout)
        let prospect = prospect(of: flow, for: reserve.tokens, unlessBefore: deadline)
        // Whoever is refused is told when to come back, for which it matters how many go before.
        if refusalOnArrival(flow, prospect, deadline: deadline) != nil,
            let refusal = refusalOnArrival(flow, self.prospect(of: flow, for: reserve.tokens), deadline: deadline)
        {
            return .refused(refusal)
        }
        sequence += 1
        let place = enter(flow, sequence: sequence, reserve, deadline: deadline, heldBy: prospect.limit)
        let ticket = room.ticket(at: place)
        stand(place)
        if waiting > rules.queue.maxRequests { evictFromLargestBacklog() }
        dispatch()
        return .waiting(ticket, heldBy: prospect.limit)
    }

    /// Gives a permit back and asks for another attempt, not before `at`, in front of its flow.
    ///
    /// Refused at once where that would certainly be later than the deadline. Attempts that are repeated are not held
    /// to the bounds of the queue: they have been let in before.
    ///
    /// - Parameters:
    ///   - wasSent: an attempt that was never sent has consumed nothing.
    ///   - isFree: whether the provider or a dead connection turned the attempt away untouched, so that the retry
    ///     budget does not pay for another.
    /// - Returns: `nil` where the retry budget has no room; the permit is still held then. While the breaker is open a
    ///   repetition waits for room, if its deadline allows that.
    package mutating func retry(
        _ permit: Permit, _ verdict: Verdict = .answered, wasSent: Bool = true, isFree: Bool = false,
        at instant: Instant,
        deadline: Instant, now current: Instant
    ) -> Submission? {
        tick(current)
        let deadline = min(deadline, now + rules.queue.timeout)
        judge(holding: permit, verdict)
        var paid = now
        if !isFree, breaker?.isOpen == true {
            // While the upstream is left alone there is time to wait for the budget; else the caller is told now.
            paid = budget.reserve(now: now)
            guard paid < deadline else {
                budget.giveBack(paid)
                return nil
            }
        } else if !isFree, !budget.takeRetry(now: now) {
            return nil
        }
        let instant = max(instant, paid)
        let attempt = end(permit, verdict)
        if wasSent { noteHold(attempt) } else { giveBack(attempt) }
        let prospect = prospect(of: attempt.flow, for: attempt.reserve.tokens, isFirst: true)
        let earliest = max(instant, prospect.earliest)
        let denial = denial(of: attempt.flow, attempt.reserve.tokens)
        guard !isDraining, earliest < deadline, denial == nil else {
            if !isFree { budget.giveBack(paid) }
            finish(attempt)
            dispatch()
            if isDraining { return .refused(.draining) }
            if let denial { return .refused(denial) }
            var refusal = refusal(isBreakerOpen(until: earliest) ? .breakerOpen : .waitTooLong, prospect)
            refusal.comeBack = earliest - now
            return .refused(refusal)
        }
        let place = enter(
            attempt.flow, sequence: attempt.sequence, attempt.reserve, deadline: deadline, heldBy: prospect.limit)
        let ticket = room.ticket(at: place)
        release(attempt.flow)
        if instant > now { room.delay(place, until: instant) } else { stand(place) }
        dispatch()
        return .waiting(ticket, heldBy: prospect.limit)
    }

    /// Takes an ask out of the line. A ticket that is no longer waiting is a harmless race: its decision was on the way.
    package mutating func cancel(_ ticket: Ticket, now instant: Instant) {
        tick(instant)
        guard room.holds(ticket) else { return }
        leave(ticket.place)
        dispatch()
    }

    // MARK: Permits

    /// Gives the permit's slots back. What it was charged in rates stays charged, but for tokens that were not used.
    ///
    /// - Parameter usage: what the provider says was used; `nil` where it did not say.
    package mutating func settle(
        _ permit: Permit, _ verdict: Verdict = .answered, usage: Tokens? = nil, now instant: Instant
    ) {
        tick(instant)
        if let usage { correct(permit, usage, isFinal: true) }
        let attempt = end(permit, verdict)
        noteHold(attempt)
        finish(attempt)
        dispatch()
    }

    /// Gives back all that a permit holds, because its attempt was never sent: it has consumed nothing anywhere.
    package mutating func withdraw(_ permit: Permit, _ verdict: Verdict = .none, now instant: Instant) {
        tick(instant)
        let attempt = end(permit, verdict)
        giveBack(attempt)
        finish(attempt)
        dispatch()
    }

    /// Moves a permit's charges from when it was granted to when it can be sent, and says when that is: now, or when
    /// the rates next allow it. For attempts that had to wait for a connection after they were granted.
    package mutating func depart(_ permit: Permit, now instant: Instant) -> Instant {
        tick(instant)
        precondition(holds(permit), "a permit departs between its grant and its end")
        let departure = move(permit.place)
        permits[permit.place].lead = charge(permits[permit.place], at: departure)
        permits[permit.place].chargedAt = departure
        dispatch()
        return departure
    }

    /// When an attempt may be sent whose departure was put off by ``depart(_:now:)`` until now: now, or later where a
    /// pause has come meanwhile.
    package mutating func confirm(_ permit: Permit, now instant: Instant) -> Instant {
        tick(instant)
        let attempt = attempt(of: permit)
        let isPaused =
            pause.until > now
            || line.attachments(of: attempt.flow).contains { cells[$0.cell].pausedUntil > now }
            || isKeyPaused(attempt)
        return isPaused ? depart(permit, now: now) : now
    }

    /// The provider has begun to answer: tells breaker, adaptive limit and probe before the answer's end. Worth the
    /// call where ``watchesVerdicts`` says so.
    package mutating func answered(_ permit: Permit, _ verdict: Verdict = .answered, now instant: Instant) {
        tick(instant)
        guard holds(permit) else { return }
        if verdict == .answered { adaptive?.note(firstByte: now - permits[permit.place].chargedAt) }
        judge(holding: permit, verdict)
        dispatch()
    }

    /// Whether it makes a difference that verdicts come before their attempts end.
    package var watchesVerdicts: Bool {
        breaker?.watches == true || adaptive != nil || leadsUnderWay > 0 || keyring.isTrying
    }

    /// What the provider says was used so far, while the answer still comes.
    package mutating func correct(_ permit: Permit, _ usage: Tokens, now instant: Instant) {
        tick(instant)
        guard holds(permit) else { return }
        correct(permit, usage, isFinal: false)
        dispatch()
    }

    /// The provider refused an attempt because of a rate that these books had room in.
    ///
    /// Where there are several keys it concerns the attempt's only. Else:
    /// What it may be about is paused until the provider's hint: the limits of its model or key where it has some, else
    /// all. Finer windows are kept to where they explain it, and less of the limit is used for a while where not.
    ///
    /// - Parameter exceeded: which limit the provider says it was: then only what may stand for it is paused and lowered.
    /// - Returns: whether another key may take the attempt, so that a repetition need not wait for this one.
    @discardableResult
    package mutating func throttled(
        _ permit: Permit, comeBack: Interval?, exceeded: ExceededLimit? = nil, now instant: Instant
    ) -> Bool {
        tick(instant)
        let attempt = attempt(of: permit)
        judge(holding: permit, .answered, isThrottled: true)
        learn(from: attempt, hint: comeBack ?? .zero, exceeded: exceeded)
        if let comeBack, comeBack > .zero { pause(after: attempt, until: now + comeBack, exceeded: exceeded) }
        dispatch()
        return attempt.key >= 0 && keyring.hasAnother(than: attempt.key, now: now)
    }

    /// The provider said of its limits what they are and what is left of them: where that is less than these books have
    /// it, these books follow, for a while. Never above what the rules say.
    package mutating func noticed(_ permit: Permit, _ notices: [LimitNotice], now instant: Instant) {
        tick(instant)
        guard holds(permit) else { return }
        notice(notices, attempt(of: permit))
        dispatch()
    }

    // MARK: Time and signals

    /// When ``advance(to:)`` has something to do next, if nothing else is called before.
    package var nextDeadline: Instant {
        mutating get {
            var next = min(room.nextDeadline, openings.first?.key ?? .never, recoveries.first?.key ?? .never)
            if line.hasReady { next = min(next, rootOpensAt) }
            // Looked at first, because to ask it copies it.
            if sharedBook != nil, let turn = sharedBook?.nextDeadline { next = min(next, turn) }
            return next
        }
    }

    package mutating func advance(to instant: Instant) {
        now = max(now, instant)
        recover()
        if sharedBook != nil { advanceShared() }
        while let place = room.nextDue(now: now) { stand(place) }
        while let first = openings.first, first.key <= now {
            openings.remove(first.member)
            opened.append(first.member)
        }
        dispatch()
        guard room.nextExpired(now: now) != nil else { return }
        while let place = room.nextExpired(now: now) {
            refuse(place, refusal(.timedOut, prospect(of: room[place].flow, for: room[place].reserve.tokens)))
        }
        dispatch()
    }

    /// Nothing is sent before this instant, whoever asks; after it sending resumes one at a time. An earlier end than
    /// one already set changes nothing.
    package mutating func pause(until instant: Instant, now current: Instant) {
        tick(current)
        pauseAll(until: instant)
        dispatch()
    }

    /// What has been measured anew.
    ///
    /// - Parameters:
    ///   - jitter: how much later than its neighbours a send may reach the provider.
    ///   - wallClock: what to add to an instant to have the time of day; clocks are set now and then.
    package mutating func use(jitter: Interval?, wallClock: WallClockOffset? = nil, now instant: Instant) {
        tick(instant)
        if let wallClock, wallClock != frame.wallClock {
            frame.wallClock = wallClock
            for place in 0..<cells.capacity where cells[place].limit >= 0 { cells[place].use(wallClock: wallClock) }
        }
        // Each change has its price, and the way is never measured that well.
        guard let jitter, jitter > frame.jitter || jitter * 5 < frame.jitter * 4 else { return }
        frame.jitter = jitter
        for place in 0..<cells.capacity where cells[place].limit >= 0 {
            cells[place].tune(jitter: jitter, now: now)
            touch(place)
        }
        dispatch()
    }

    /// Refuses all that wait and all that will ask; permits run to their end.
    package mutating func drain(now instant: Instant) {
        tick(instant)
        isDraining = true
        for place in room.places { refuse(place, .draining) }
    }

    /// What became due for others since the last call.
    package mutating func takeDecisions() -> [Decision] {
        guard !decisions.isEmpty else { return [] }
        defer { decisions = [] }
        return decisions
    }

    /// The limits, by their place in the rules, that would have held the ask of the last ``submit(_:now:)`` back, were
    /// they enforced and not only observed.
    package mutating func takeObserved() -> [Int] {
        guard !observed.isEmpty else { return [] }
        defer { observed = [] }
        return observed
    }

    /// Asks waiting, delayed ones included.
    package var waiting: Int { room.count }
    package var inFlight: Int { permits.count }
    package var pausedUntil: Instant { pause.until }

    mutating func tick(_ instant: Instant) {
        now = max(now, instant)
        if nextDeadline <= now { advance(to: now) }
    }

    /// Leads of ``BurstProbe`` that nobody has answered.
    var leadsUnderWay = 0
}

/// What all cells of a gate are made with, beside the rules.
struct GateFrame: Sendable {
    /// How much later than its neighbours a send may reach the provider.
    var jitter: Interval
    var wallClock: WallClockOffset
}
