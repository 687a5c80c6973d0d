/// What a permit holds, and what its attempt teaches.
extension Gate {
    /// An attempt under way.
    struct Attempt: Sendable {
        var flow: Int
        var sequence: Int64
        var grantedAt: Instant
        /// When its units were charged.
        var chargedAt: Instant
        var generation: UInt32
        var reserve: Reserve
        /// What the fair line charged it, in nanoseconds of all of the scarcest capacity.
        var cost: Int64
        /// The key that it goes out with; -1 where the upstream has none to choose from.
        @Compact var key = -1
        var keyTakenAt = Instant.never
        /// What it was to the probe of the first limit that has one.
        var lead: Lead?
        /// Whether breaker, adaptive limit and probe know how it went.
        var isJudged = false

        struct Lead: Sendable {
            let cell: Int
            let lead: BurstProbe.Lead
        }

        /// What a freed place holds.
        static let freed = Attempt(
            flow: -1, sequence: 0, grantedAt: .never, chargedAt: .never, generation: 0, reserve: .none, cost: 0)
    }

    /// The tokens kept for an attempt.
    struct Reserve: Sendable {
        var tokens: Tokens
        /// As estimated from the request's text, before what was learned is applied; -1 where nothing is to be learned.
        var claimedInput: Int

        static let none = Reserve(tokens: .none, claimedInput: -1)
    }

    mutating func holds(_ permit: Permit) -> Bool {
        permits[permit.place].generation == permit.generation && permits[permit.place].flow >= 0
    }

    mutating func attempt(of permit: Permit) -> Attempt {
        precondition(holds(permit), "a permit is used between its grant and its end")
        return permits[permit.place]
    }

    // MARK: Tokens

    /// The tokens to keep for an ask.
    mutating func reserve(for ask: Ask) -> Reserve {
        guard registry.countsTokens, let claim = ask.tokens else { return .none }
        var tokens = book.estimate(model: ask.identity.model, input: claim.input, outputBound: claim.outputBound)
        if rules.tokenCounting != .usage, let bound = claim.outputBound { tokens.output = bound }
        return Reserve(tokens: tokens, claimedInput: claim.input)
    }

    mutating func correct(_ permit: Permit, _ usage: Tokens, isFinal: Bool) {
        let attempt = attempt(of: permit)
        guard registry.countsTokens else { return }
        if isFinal, attempt.reserve.claimedInput >= 0 {
            book.learn(
                model: identity(of: attempt.flow).model, estimatedInput: attempt.reserve.claimedInput, actual: usage)
        }
        guard rules.tokenCounting != .reservation else { return }
        var actual = usage
        // An answer that still comes has used at least so much; what is kept for the rest stays kept.
        if !isFinal { actual.output = max(usage.output, attempt.reserve.tokens.output) }
        guard actual != attempt.reserve.tokens else { return }
        permits[permit.place].reserve.tokens = actual
        for attachment in charged(by: attempt.flow, key: attempt.key) where cells[attachment.cell].countsTokens {
            cells[attachment.cell].correct(
                attempt.reserve.tokens, to: actual, chargedAt: attempt.chargedAt, now: now)
            touch(attachment.cell)
        }
    }

    // MARK: Charges

    /// Charges all rates for an attempt that is sent at an instant.
    mutating func charge(_ attempt: Attempt, at instant: Instant) -> Attempt.Lead? {
        var lead: Attempt.Lead?
        for attachment in charged(by: attempt.flow, key: attempt.key) {
            if let own = cells[attachment.cell].charge(attempt.reserve.tokens, at: instant), lead == nil {
                lead = Attempt.Lead(cell: attachment.cell, lead: own)
            }
            touch(attachment.cell)
        }
        pause.sent(at: instant)
        if attempt.key >= 0 {
            keyring.keys[attempt.key].pause.sent(at: instant)
            touchChoices()
        }
        if lead?.lead.isUncertain == true { leadsUnderWay += 1 }
        return lead
    }

    /// Takes back what an attempt was charged and says when it can be charged anew, which may be with another key.
    mutating func move(_ place: Int) -> Instant {
        let attempt = permits[place]
        if !attempt.isJudged, attempt.lead?.lead.isUncertain == true { leadsUnderWay -= 1 }
        uncharge(attempt)
        var departure = pause.opening(now: now)
        for attachment in line.attachments(of: attempt.flow) {
            departure = max(departure, cells[attachment.cell].rated(for: attempt.reserve.tokens, now: departure))
        }
        return attempt.key >= 0 ? rebind(place, from: departure) : departure
    }

    private mutating func uncharge(_ attempt: Attempt) {
        for attachment in charged(by: attempt.flow, key: attempt.key) {
            let lead = attempt.lead.flatMap { $0.cell == attachment.cell ? $0.lead : nil }
            cells[attachment.cell].uncharge(attempt.reserve.tokens, lead, at: attempt.chargedAt, now: now)
            touch(attachment.cell)
        }
    }

    /// Takes back what an attempt was charged that was never sent.
    mutating func giveBack(_ attempt: Attempt) {
        uncharge(attempt)
        line.correct(attempt.flow, attempt.cost, to: 0)
        recontest()
    }

    // MARK: Ends

    /// Releases a permit's slots; the flow stays held.
    mutating func end(_ permit: Permit, _ verdict: Verdict) -> Attempt {
        precondition(holds(permit), "a permit is settled exactly once")
        judge(holding: permit, verdict, isLate: true)
        let attempt = permits[permit.place]
        permits.remove(permit.place, leaving: .freed)
        line[line.outermost(of: attempt.flow)].inFlight -= 1
        for attachment in charged(by: attempt.flow, key: attempt.key) {
            cells[attachment.cell].release()
            if attachment.entry >= 0 { entries[attachment.entry].inFlight -= 1 }
            touch(attachment.cell)
        }
        if attempt.key >= 0 {
            keyring.giveBack(attempt.key, takenAt: attempt.keyTakenAt)
            touchChoices()
        }
        return attempt
    }

    /// The rest of a permit's end, once it is known that its ask does not come back.
    mutating func finish(_ attempt: Attempt) {
        for attachment in line.charged(by: attempt.flow) where attachment.entry >= 0 { endIfIdle(attachment) }
        release(attempt.flow)
    }

    /// Corrects what the line charged by how long the slots were really held, and learns from it.
    mutating func noteHold(_ attempt: Attempt) {
        let held = now - attempt.grantedAt
        typicalHold = typicalHold.map { $0 + (held - $0) / 8 } ?? held
        let tenant = line.outermost(of: attempt.flow)
        line[tenant].usualHold = line[tenant].usualHold.map { $0 + (held - $0) / 8 } ?? held
        line.correct(
            attempt.flow, attempt.cost, to: cost(of: attempt.flow, attempt.reserve.tokens, hold: held))
        recontest()
    }

    /// What an attempt of a flow takes of what all share, as the time for which it would need all of the scarcest.
    mutating func cost(of flow: Int, _ tokens: Tokens, hold: Interval) -> Int64 {
        var most = Interval.zero
        for attachment in line.attachments(of: flow) where cells[attachment.cell].isShared {
            most = max(most, cells[attachment.cell].cost(tokens, hold: hold))
        }
        if let adaptive { most = max(most, hold / adaptive.limit) }
        if let choice = choice(of: flow) { most = max(most, keyring.choices[choice].cost(tokens, hold: hold)) }
        return most > .zero ? most.nanoseconds : FairLine.unit
    }

    /// How long an attempt of a flow is likely to hold its slots.
    mutating func likelyHold(of flow: Int) -> Interval {
        line[line.outermost(of: flow)].usualHold ?? typicalHold ?? .seconds(1)
    }

    // MARK: Verdicts

    /// Tells breaker, adaptive limit and probe how an attempt went, once.
    ///
    /// - Parameter isLate: whether it is told at the attempt's end, although the answer may have begun long before.
    mutating func judge(
        holding permit: Permit, _ verdict: Verdict, isThrottled: Bool = false, isLate: Bool = false
    ) {
        let place = permit.place
        guard !permits[place].isJudged else { return }
        permits[place].isJudged = true
        let (attempt, inFlight) = (permits[place], inFlight)
        if let lead = attempt.lead, lead.lead.isUncertain {
            leadsUnderWay -= 1
            if verdict == .answered, !isThrottled {
                cells[lead.cell].accepted(lead.lead, sentAt: attempt.chargedAt, now: now)
                touch(lead.cell)
            }
        }
        if attempt.key >= 0, verdict == .answered {
            keyring.keys[attempt.key].suspension.answered(takenAt: attempt.keyTakenAt)
            touchChoices()
        }
        switch verdict {
        case .answered:
            breaker?.succeeded(sentAt: attempt.grantedAt, isLate: isLate, now: now)
            // Too fast is not too much: the pacers' business.
            if !isThrottled { adaptive?.succeeded(inFlight: inFlight, now: now) }
        case .overloaded:
            breaker?.failed(sentAt: attempt.grantedAt, now: now)
            adaptive?.overloaded(sentAt: attempt.chargedAt, now: now)
        case .failed:
            breaker?.failed(sentAt: attempt.grantedAt, now: now)
            adaptive?.overloaded(sentAt: attempt.chargedAt, now: now)
        case .none:
            breaker?.abandoned(sentAt: attempt.grantedAt)
        }
    }

    /// The cells of an attempt's limits that may be the provider's own.
    private mutating func accountCells(of attempt: Attempt) -> [Attachment] {
        (line.attachments(of: attempt.flow) + keyAttachments(of: attempt.flow, key: attempt.key)).filter {
            cells[$0.cell].isAccountLike
        }
    }

    /// Lowers what the provider may have meant by its refusal.
    mutating func learn(from attempt: Attempt, hint: Interval, exceeded: ExceededLimit?) {
        for attachment in accountCells(of: attempt) {
            cells[attachment.cell].refused(sentAt: attempt.chargedAt, hint: hint, exceeded: exceeded, now: now)
            tune(attachment.cell)
        }
    }

    /// Takes over what the provider says that is left.
    mutating func notice(_ notices: [LimitNotice], _ attempt: Attempt) {
        for attachment in accountCells(of: attempt) {
            cells[attachment.cell].noticed(notices, sentAt: attempt.chargedAt, now: now)
            tune(attachment.cell)
        }
    }

    private mutating func tune(_ cell: Int) {
        cells[cell].tune(jitter: frame.jitter, now: now)
        if cells[cell].recovery < .never {
            recoveries.set(cell, key: cells[cell].recovery)
        } else {
            recoveries.remove(cell)
        }
        touch(cell)
    }

    /// Gives back what lessons took, where they have worn off.
    mutating func recover() {
        while let first = recoveries.first, first.key <= now { tune(first.member) }
    }

    // MARK: Pauses

    /// Pauses the limits that a refused attempt may have met: those of its model or key where there are some, and of
    /// those only what the provider named, where it did.
    mutating func pause(after attempt: Attempt, until instant: Instant, exceeded: ExceededLimit?) {
        if attempt.key >= 0 { return pauseKey(of: attempt, until: instant, exceeded: exceeded) }
        let accountLike = line.attachments(of: attempt.flow).filter { cells[$0.cell].isAccountLike }
        let own = accountLike.filter { attachment in
            let limit = rules.limits[cells[attachment.cell].limit]
            return !(limit.per.isEmpty && limit.match.isEmpty)
        }
        if let exceeded {
            for attachments in [own, accountLike] where pause(attachments, until: instant, exceeded) { return }
        }
        if own.isEmpty { return pauseAll(until: instant) }
        for attachment in own {
            cells[attachment.cell].pause(until: instant)
            touch(attachment.cell)
        }
    }

    /// Pauses what a refusal named; says whether any of these limits has it.
    mutating func pause(
        _ attachments: [Attachment], until instant: Instant, _ exceeded: ExceededLimit
    ) -> Bool {
        var isFound = false
        for attachment in attachments {
            if cells[attachment.cell].pause(until: instant, exceeded: exceeded) { isFound = true }
            touch(attachment.cell)
        }
        return isFound
    }

    mutating func pauseAll(until instant: Instant) {
        guard instant > max(now, pause.until) else { return }
        let slots = line[FairLine.root].attachments.map { cells[$0.cell].maxInFlight }.min() ?? .max
        pause.set(until: instant, slots: slots)
        sharedBook?.hasNews = true
        for attachment in line[FairLine.root].attachments { cells[attachment.cell].forgoBurst(until: instant) }
    }

    /// Whether it is the breaker that lets nobody go before this instant.
    mutating func isBreakerOpen(until instant: Instant) -> Bool {
        guard let until = breaker?.openUntil else { return false }
        return until > now && until >= instant
    }
}
