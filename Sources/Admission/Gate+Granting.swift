/// Deciding who goes now, and what a permit holds until it ends.
extension Gate {
    /// Whether an ask of this flow may go now, before anybody else.
    func isOpen(_ flow: Int) -> Bool {
        guard !line.hasReady, line[flow].head < 0, line.isReachable(flow), pause.opening(now: now) <= now else {
            return false
        }
        return line.attachments(of: flow).allSatisfy { opening(of: $0) <= now }
    }

    mutating func grant(_ flow: Int, sequence: Int64) -> Permit {
        permitGeneration &+= 1
        let attempt = Attempt(
            flow: flow, sequence: sequence, grantedAt: now, chargedAt: now, generation: permitGeneration)
        let place = permits.insert(attempt)
        hold(flow)
        line[line.outermost(of: flow)].inFlight += 1
        for attachment in line.attachments(of: flow) {
            cells[attachment.cell].charge(now: now)
            if attachment.entry >= 0 {
                entries[attachment.entry].inFlight += 1
                begin(attachment)
            }
            touch(attachment.cell)
        }
        line.charge(flow)
        recontest()
        pause.sent(at: now)
        return Permit(place: place, generation: permitGeneration)
    }

    /// Releases a permit's slots; the flow stays held.
    mutating func end(_ permit: Permit) -> Attempt {
        let attempt = permits[permit.place]
        precondition(attempt.generation == permit.generation, "a permit is settled exactly once")
        permits.remove(
            permit.place, leaving: Attempt(flow: -1, sequence: 0, grantedAt: now, chargedAt: now, generation: 0))
        line[line.outermost(of: attempt.flow)].inFlight -= 1
        for attachment in line.attachments(of: attempt.flow) {
            cells[attachment.cell].release()
            if attachment.entry >= 0 { entries[attachment.entry].inFlight -= 1 }
            touch(attachment.cell)
        }
        return attempt
    }

    /// Takes back what an attempt was charged that was never sent.
    mutating func giveBack(_ attempt: Attempt) {
        for attachment in line.attachments(of: attempt.flow) {
            cells[attachment.cell].uncharge(at: attempt.chargedAt, now: now)
            touch(attachment.cell)
        }
        line.refund(attempt.flow)
        recontest()
    }

    /// The rest of a permit's end, once it is known that its ask does not come back.
    mutating func finish(_ attempt: Attempt) {
        for attachment in line.attachments(of: attempt.flow) where attachment.entry >= 0 { endIfIdle(attachment) }
        release(attempt.flow)
    }

    private mutating func begin(_ attachment: Attachment) {
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

    // MARK: Dispatch

    /// Grants whatever may go now, in fair order.
    mutating func dispatch() {
        while true {
            wakeParked()
            guard line.hasReady else { return }
            rootOpensAt = rootOpening()
            guard rootOpensAt <= now else { return }
            grantNext()
        }
    }

    /// Grants the first of the line, or parks the first node on the way to it that is closed.
    private mutating func grantNext() {
        var node = FairLine.root
        while !line[node].isFlow {
            guard let child = line.next(below: node) else {
                preconditionFailure("a node in line leads to a flow")
            }
            if let closed = closedCell(of: child) { return park(child, on: closed) }
            node = child
        }
        let place = line[node].head
        let ticket = room.ticket(at: place)
        let sequence = room[place].sequence
        // Granted first, so that the last of a job to wait does not end the job for a moment.
        let permit = grant(node, sequence: sequence)
        leave(place)
        decisions.append(.granted(ticket, permit))
    }

    private func rootOpening() -> Instant {
        var latest = max(now, pause.opening(now: now))
        for attachment in line[FairLine.root].attachments {
            latest = max(latest, opening(of: attachment))
        }
        return latest
    }

    func opening(of attachment: Attachment) -> Instant {
        let isNew = attachment.entry >= 0 && !entries[attachment.entry].isUnderWay
        return cells[attachment.cell].opening(isNew: isNew, now: now)
    }

    /// Of the cells judged at a node, the closed one that opens last.
    private func closedCell(of node: Int) -> Int? {
        var closed: Int?
        var latest = now
        for attachment in line[node].attachments {
            let opening = opening(of: attachment)
            if opening > latest { (closed, latest) = (attachment.cell, opening) }
        }
        return closed
    }
}
