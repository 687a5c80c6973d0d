/// Entering the waiting room, standing in line there, and leaving it.
extension Gate {
    /// Lets an ask in and counts it wherever its path counts those that wait. It does not stand in line yet.
    mutating func enter(
        _ flow: Int, sequence: Int64, _ reserve: Reserve, deadline: Instant, heldBy: Int?
    ) -> Int {
        let place = room.insert(
            WaitingRoom.Entry(
                flow: flow, sequence: sequence, since: now, deadline: deadline, heldBy: heldBy ?? -1,
                reserve: reserve))
        count(place)
        return place
    }

    /// Counts an ask in the room wherever its path counts those that wait.
    mutating func count(_ place: Int) {
        let flow = room[place].flow
        hold(flow)
        for attachment in line.attachments(of: flow) {
            cells[attachment.cell].wait(for: room[place].reserve.tokens)
            if attachment.entry >= 0 { entries[attachment.entry].waiting += 1 }
        }
        joinTenant(place)
    }

    /// Puts an ask into its flow's line, by order of first arrival.
    mutating func stand(_ place: Int) {
        let flow = room[place].flow
        let sequence = room[place].sequence
        var before = line[flow].tail
        // A repeated attempt is older than most that wait: it finds its place from the front.
        if before >= 0, room[before].sequence > sequence {
            var after = line[flow].head
            while room[after].sequence < sequence { after = room[after].after }
            before = room[after].before
        }
        let after = before >= 0 ? room[before].after : line[flow].head
        room[place].before = before
        room[place].after = after
        if before >= 0 { room[before].after = place } else { line[flow].head = place }
        if after >= 0 { room[after].before = place } else { line[flow].tail = place }
        line.join(flow)
        guard before < 0 else { return }
        if line[flow].isByArrival { arrive(flow, sequence) }
        line.activate(flow)
    }

    /// The first ask of a flow by arrival is another one.
    private mutating func arrive(_ flow: Int, _ sequence: Int64) {
        line[flow].tag = sequence
        line.reorderParked(flow)
    }

    /// Removes an ask from the room and from every list and count.
    mutating func leave(_ place: Int) {
        let flow = room[place].flow
        if !room[place].isDelayed { unlink(place) }
        leaveTenant(place)
        for attachment in line.attachments(of: flow) {
            cells[attachment.cell].waitNoLonger(for: room[place].reserve.tokens)
            if attachment.entry >= 0 {
                entries[attachment.entry].waiting -= 1
                endIfIdle(attachment)
            }
        }
        room.remove(place)
        release(flow)
    }

    /// Ends the wait of an ask with a refusal, which the next ``takeDecisions()`` returns.
    mutating func refuse(_ place: Int, _ refusal: GateRefusal) {
        decisions.append(.refused(room.ticket(at: place), refusal))
        leave(place)
    }

    private mutating func unlink(_ place: Int) {
        let (flow, before, after) = (room[place].flow, room[place].before, room[place].after)
        if before >= 0 { room[before].after = after } else { line[flow].head = after }
        if after >= 0 { room[after].before = before } else { line[flow].tail = before }
        (room[place].before, room[place].after) = (-1, -1)
        line.part(flow)
        guard before < 0 else { return }
        if after >= 0 {
            if line[flow].isByArrival { arrive(flow, room[after].sequence) }
            line.activate(flow)
        } else {
            deactivate(flow)
        }
    }

    // MARK: Tenants

    private mutating func joinTenant(_ place: Int) {
        let tenant = line.outermost(of: room[place].flow)
        let sequence = room[place].sequence
        var older = line[tenant].tail
        if older >= 0, room[older].sequence > sequence {
            var newer = line[tenant].head
            while room[newer].sequence < sequence { newer = room[newer].newer }
            older = room[newer].older
        }
        let newer = older >= 0 ? room[older].newer : line[tenant].head
        room[place].older = older
        room[place].newer = newer
        if older >= 0 { room[older].newer = place } else { line[tenant].head = place }
        if newer >= 0 { room[newer].older = place } else { line[tenant].tail = place }
        line[tenant].waiting += 1
        rank(tenant)
    }

    private mutating func leaveTenant(_ place: Int) {
        let tenant = line.outermost(of: room[place].flow)
        let (older, newer) = (room[place].older, room[place].newer)
        if older >= 0 { room[older].newer = newer } else { line[tenant].head = newer }
        if newer >= 0 { room[newer].older = older } else { line[tenant].tail = older }
        line[tenant].waiting -= 1
        rank(tenant)
    }

    /// Backlogs are ranked only while the room is nearly full, when it may come to turning somebody away.
    private mutating func rank(_ tenant: Int) {
        let most = rules.queue.maxRequests
        if ranksBacklogs {
            if waiting >= most / 2 { return setRank(of: tenant) }
            (ranksBacklogs, backlogs) = (false, Ranking())
        } else if waiting >= most - most / 4 {
            // Looking at all nodes costs little, for a quarter of what the room holds has come since the last time.
            ranksBacklogs = true
            for node in 0..<line.nodes.capacity where line[node].waiting > 0 { setRank(of: node) }
        }
    }

    private mutating func setRank(of tenant: Int) {
        let newest = line[tenant].tail
        guard newest >= 0 else { return backlogs.remove(tenant) }
        backlogs.set(
            tenant,
            key: Backlog(
                waiting: line[tenant].waiting, weight: line[tenant].weight, newest: room[newest].sequence))
    }

    /// Refuses the newest ask of whoever has the most waiting per weight: of a flooder, not of a light tenant.
    mutating func evictFromLargestBacklog() {
        guard let tenant = backlogs.first?.member else { return }
        let newest = line[tenant].tail
        refuse(newest, refusal(.queueFull, prospect(of: room[newest].flow, for: room[newest].reserve.tokens)))
    }
}

/// How much an outermost node has waiting; the largest per weight comes first, among equals the one with the newest.
struct Backlog: Comparable, Sendable {
    let waiting: Int
    let weight: Int
    let newest: Int64

    static func < (left: Backlog, right: Backlog) -> Bool {
        // left.waiting / left.weight > right.waiting / right.weight, without dividing
        let (ours, theirs) = (left.waiting * right.weight, right.waiting * left.weight)
        return ours != theirs ? ours > theirs : left.newest > right.newest
    }
}
