/// Decides for one upstream who may go, who waits and who is refused.
///
/// A value without clock, chance or effects. Whoever drives it passes `now`, performs the returned answer, and after
/// each call performs what ``takeDecisions()`` returns for others. ``nextDeadline`` says when to call ``advance(to:)``
/// if nothing else happens before. All limits that match an ask are looked at before any is charged, and all are
/// charged or none.
package struct Gate: Sendable {
    package let rules: GateRules
    /// How much later than its neighbours a send may reach the provider.
    let jitter: Interval

    var now: Instant
    var cells = Slab<Cell>()
    var entries = Slab<DistinctEntry>()
    var line = FairLine()
    var room = WaitingRoom()
    var registry: Registry
    var permits = Slab<Attempt>()
    var pause = Pause()
    /// How long attempts usually hold their slots; a moving average over the last eight.
    var typicalHold: Interval?
    var permitGeneration: UInt32 = 0
    /// Outermost nodes with something waiting, those with the most per weight first.
    var backlogs = Ranking<Backlog>()
    /// Cells in which something may have become free for nodes parked on them.
    var opened: [Int] = []
    /// Open cells that still have nodes parked on them, because they woke only as many as need to compete.
    var contested: [Int] = []
    /// Cells that open by time while nodes are parked on them.
    var openings = Ranking<Instant>()
    var rootOpensAt = Instant.never
    var decisions: [Decision] = []
    private(set) var isDraining = false
    private var sequence: Int64 = 0

    /// An attempt under way.
    struct Attempt: Sendable {
        var flow: Int
        var sequence: Int64
        var grantedAt: Instant
        /// When its units were charged.
        var chargedAt: Instant
        var generation: UInt32
    }

    package init(rules: GateRules, jitter: Interval = .milliseconds(10), now: Instant) {
        self.rules = rules
        self.jitter = jitter
        self.now = now
        registry = Registry(rules: rules)
        line[FairLine.root].attachments = attachments(onLevel: 0, for: Identity())
        tie(FairLine.root)
    }

    // MARK: Asking

    /// Admits an ask at once where every limit has room and nobody waits before it, else puts it in line or refuses it.
    package mutating func submit(_ ask: Ask, now instant: Instant) -> Submission {
        tick(instant)
        if isDraining { return .refused(.draining) }
        let flow = flow(for: ask.identity)
        if isOpen(flow) {
            sequence += 1
            return .admitted(grant(flow, sequence: sequence))
        }
        let deadline = min(ask.deadline, now + rules.queue.timeout)
        let prospect = prospect(of: flow)
        if let refusal = refusalOnArrival(flow, prospect, deadline: deadline) { return .refused(refusal) }
        sequence += 1
        let place = enter(flow, sequence: sequence, deadline: deadline, heldBy: prospect.limit)
        let ticket = room.ticket(at: place)
        stand(place)
        if waiting > rules.queue.maxRequests { evictFromLargestBacklog() }
        dispatch()
        return .waiting(ticket, heldBy: prospect.limit)
    }

    /// Gives a permit back and asks for another attempt, not before `at`, in front of its flow.
    ///
    /// Refused at once where that would certainly be later than the deadline. Attempts that are repeated are not held
    /// to the bounds of the queue: they have been let in before. An attempt that was never sent (`wasSent: false`) has
    /// consumed nothing.
    package mutating func retry(
        _ permit: Permit, wasSent: Bool = true, at instant: Instant, deadline: Instant, now current: Instant
    ) -> Submission {
        tick(current)
        let attempt = end(permit)
        if !wasSent { giveBack(attempt) }
        let deadline = min(deadline, now + rules.queue.timeout)
        let prospect = prospect(of: attempt.flow, isFirst: true)
        let earliest = max(instant, prospect.earliest)
        guard !isDraining, earliest < deadline else {
            finish(attempt)
            dispatch()
            if isDraining { return .refused(.draining) }
            var refusal = refusal(.waitTooLong, prospect)
            refusal.comeBack = earliest - now
            return .refused(refusal)
        }
        let place = enter(attempt.flow, sequence: attempt.sequence, deadline: deadline, heldBy: prospect.limit)
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

    /// Gives the permit's slots back. What it was charged in rates stays charged.
    package mutating func settle(_ permit: Permit, now instant: Instant) {
        tick(instant)
        let attempt = end(permit)
        finish(attempt)
        let held = now - attempt.grantedAt
        typicalHold = typicalHold.map { $0 + (held - $0) / 8 } ?? held
        dispatch()
    }

    /// Gives back all that a permit holds, because its attempt was never sent: it has consumed nothing anywhere.
    package mutating func withdraw(_ permit: Permit, now instant: Instant) {
        tick(instant)
        let attempt = end(permit)
        giveBack(attempt)
        finish(attempt)
        dispatch()
    }

    /// Moves a permit's charges from when it was granted to when it can be sent, and says when that is: now, or when
    /// the rates next allow it. For attempts that had to wait for a connection after they were granted.
    package mutating func depart(_ permit: Permit, now instant: Instant) -> Instant {
        tick(instant)
        precondition(permits[permit.place].generation == permit.generation, "only a live permit departs")
        let attachments = line.attachments(of: permits[permit.place].flow)
        for attachment in attachments {
            cells[attachment.cell].uncharge(at: permits[permit.place].chargedAt, now: now)
        }
        var departure = max(now, pause.opening(now: now))
        for attachment in attachments {
            departure = cells[attachment.cell].rated(now: departure)
        }
        for attachment in attachments {
            cells[attachment.cell].recharge(at: departure)
            touch(attachment.cell)
        }
        pause.sent(at: departure)
        permits[permit.place].chargedAt = departure
        dispatch()
        return departure
    }

    // MARK: Time and signals

    /// When ``advance(to:)`` has something to do next, if nothing else is called before.
    package var nextDeadline: Instant {
        var next = min(room.nextDeadline, openings.first?.key ?? .never)
        if line.hasReady { next = min(next, rootOpensAt) }
        return next
    }

    package mutating func advance(to instant: Instant) {
        now = max(now, instant)
        while let place = room.nextDue(now: now) { stand(place) }
        while let first = openings.first, first.key <= now {
            openings.remove(first.member)
            opened.append(first.member)
        }
        dispatch()
        guard room.nextExpired(now: now) != nil else { return }
        while let place = room.nextExpired(now: now) {
            refuse(place, refusal(.timedOut, prospect(of: room[place].flow)))
        }
        dispatch()
    }

    /// Nothing is sent before this instant, whoever asks; after it sending resumes one at a time. An earlier end than
    /// one already set changes nothing.
    package mutating func pause(until instant: Instant, now current: Instant) {
        tick(current)
        guard instant > max(now, pause.until) else { return }
        let slots = line[FairLine.root].attachments.map { cells[$0.cell].maxInFlight }.min() ?? .max
        pause.set(until: instant, slots: slots)
        for attachment in line[FairLine.root].attachments { cells[attachment.cell].forgoBurst(until: instant) }
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

    /// Asks waiting, delayed ones included.
    package var waiting: Int { room.count }
    package var inFlight: Int { permits.count }
    package var pausedUntil: Instant { pause.until }

    private mutating func tick(_ instant: Instant) {
        now = max(now, instant)
        if nextDeadline <= now { advance(to: now) }
    }
}
