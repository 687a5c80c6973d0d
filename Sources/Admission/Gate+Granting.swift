/// Deciding who goes now.
extension Gate {
    /// Whether an ask of this flow may go now, before anybody else.
    mutating func isOpen(_ flow: Int, for tokens: Tokens) -> Bool {
        guard !line.hasReady, line[flow].head < 0, line.isReachable(flow), upstreamOpening() <= now else {
            return false
        }
        return line.attachments(of: flow).allSatisfy { attachment in
            opening(of: attachment, for: tokens) <= now
                && (!cells[attachment.cell].countsTokens || cells[attachment.cell].parked.isEmpty)
        }
    }

    mutating func grant(_ flow: Int, sequence: Int64, _ reserve: Reserve) -> Permit {
        permitGeneration &+= 1
        let cost = cost(of: flow, reserve.tokens, hold: likelyHold(of: flow))
        var attempt = Attempt(
            flow: flow, sequence: sequence, grantedAt: now, chargedAt: now, generation: permitGeneration,
            reserve: reserve, cost: cost)
        attempt.key = takeKey(for: flow, reserve.tokens)
        attempt.keyTakenAt = now
        hold(flow)
        line[line.outermost(of: flow)].inFlight += 1
        for attachment in charged(by: flow, key: attempt.key) {
            if let lead = cells[attachment.cell].admit(reserve.tokens, now: now), attempt.lead == nil {
                attempt.lead = Attempt.Lead(cell: attachment.cell, lead: lead)
            }
            if attachment.entry >= 0 {
                entries[attachment.entry].inFlight += 1
                begin(attachment)
            }
            touch(attachment.cell)
        }
        if attempt.key >= 0 { touchChoices() }
        if attempt.lead?.lead.isUncertain == true { leadsUnderWay += 1 }
        breaker?.sent(now: now)
        line.charge(flow, cost: cost)
        recontest()
        pause.sent(at: now)
        return Permit(place: permits.insert(attempt), generation: permitGeneration)
    }

    mutating func begin(_ attachment: Attachment) {
        guard !entries[attachment.entry].isUnderWay else { return }
        entries[attachment.entry].isUnderWay = true
        cells[attachment.cell].begin()
        // Whatever waits for the same combination may now follow it.
        for node in entries[attachment.entry].nodes where line[node].parkedOn == attachment.cell { unpark(node) }
    }

    /// A combination is under way until it has nothing in flight and nothing waiting.
    mutating func endIfIdle(_ attachment: Attachment) {
        let entry = attachment.entry
        guard entries[entry].isUnderWay, entries[entry].inFlight == 0, entries[entry].waiting == 0 else { return }
        entries[entry].isUnderWay = false
        cells[attachment.cell].end()
        touch(attachment.cell)
    }

    // MARK: Observing

    /// Notes which of the limits that are only observed would hold an ask back that comes now.
    mutating func watch(_ flow: Int, _ tokens: Tokens) {
        observed.removeAll(keepingCapacity: true)
        for attachment in line[flow].watched where opening(of: attachment, for: tokens) > now {
            observed.append(cells[attachment.cell].limit)
        }
    }

    // MARK: Dispatch

    /// Grants whatever may go now, in fair order.
    mutating func dispatch() {
        repeat {
            wakeParked()
            guard line.hasReady else { return }
            rootOpensAt = rootOpening(for: .none)
        } while rootOpensAt <= now && grantNext()
    }

    /// Grants the first of the line, or parks the first node on the way to it that is closed. Says no where the first
    /// has to wait for something that all share.
    private mutating func grantNext() -> Bool {
        var node = FairLine.root
        while !line[node].isFlow {
            guard let child = line.next(below: node) else {
                preconditionFailure("a node in line leads to a flow")
            }
            if let closed = closedCell(of: child, for: .none) {
                park(child, on: closed, for: .none)
                return true
            }
            node = child
        }
        let place = line[node].head
        let reserve = room[place].reserve
        if registry.countsTokens, let answer = wait(node, for: reserve.tokens) { return answer }
        let ticket = room.ticket(at: place)
        let sequence = room[place].sequence
        // Granted first, so that the last of a job to wait does not end the job for a moment.
        let permit = grant(node, sequence: sequence, reserve)
        leave(place)
        decisions.append(.granted(ticket, permit))
        return true
    }

    /// Has the outermost node on a flow's path that has no room for so many tokens wait for it; `nil` where all have
    /// room. Says whether others may go meanwhile.
    private mutating func wait(_ flow: Int, for tokens: Tokens) -> Bool? {
        let opening = rootOpening(for: tokens)
        if opening > now {
            rootOpensAt = opening
            return false
        }
        var outermost: (node: Int, cell: Int)?
        var node = flow
        while node != FairLine.root {
            if let closed = closedCell(of: node, for: tokens) ?? takenCell(of: node) { outermost = (node, closed) }
            node = line[node].parent
        }
        guard let outermost else { return nil }
        park(outermost.node, on: outermost.cell, for: tokens)
        return true
    }

    private mutating func rootOpening(for tokens: Tokens) -> Instant {
        var latest = upstreamOpening()
        for attachment in line[FairLine.root].attachments {
            latest = max(latest, opening(of: attachment, for: tokens))
        }
        return latest
    }

    /// When pause, breaker and adaptive limit let one more go, `now` or later.
    private mutating func upstreamOpening() -> Instant {
        if let adaptive, inFlight >= adaptive.limit { return .never }
        let opening = pause.opening(now: now)
        // Looked at first, because to ask it copies it.
        guard breaker != nil, let permission = breaker?.opening(now: now) else { return opening }
        return max(opening, permission)
    }

    mutating func opening(of attachment: Attachment, for tokens: Tokens) -> Instant {
        if cells[attachment.cell].choice >= 0 {
            return self.opening(ofChoice: cells[attachment.cell].choice, for: tokens)
        }
        let isNew = attachment.entry >= 0 && !entries[attachment.entry].isUnderWay
        return cells[attachment.cell].opening(isNew: isNew, for: tokens, now: now)
    }

    /// Of the cells judged at a node, the closed one that opens last.
    private mutating func closedCell(of node: Int, for tokens: Tokens) -> Int? {
        var closed: Int?
        var latest = now
        for attachment in line[node].attachments {
            let opening = opening(of: attachment, for: tokens)
            if opening > latest { (closed, latest) = (attachment.cell, opening) }
        }
        return closed
    }

    /// Of the token cells judged at a node, one that somebody waits for who comes first: who wants more is not passed
    /// by all that want less.
    mutating func takenCell(of node: Int) -> Int? {
        line[node].attachments.first { attachment in
            guard cells[attachment.cell].countsTokens, let first = firstParked(on: attachment.cell) else {
                return false
            }
            return line.precedes(first, node)
        }?.cell
    }
}
