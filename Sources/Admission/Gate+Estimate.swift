/// What can be said beforehand of a wait.
extension Gate {
    /// What a new ask of a flow has before it.
    struct Prospect {
        /// Before this it certainly can't go, unless somebody before it gives up: rates and pauses only, because nobody
        /// knows when slots become free.
        var earliest: Instant
        /// Of the flow's cells the one that would let it go last.
        var cell: Int?
        /// The place of that cell's limit in the rules.
        var limit: Int?
        /// What the ask takes.
        var tokens: Tokens
    }

    /// What a new ask of this flow has before it, or the first one that waits in it.
    ///
    /// - Parameter deadline: where it is certainly earlier than this, how many go before is not looked at.
    mutating func prospect(
        of flow: Int, for tokens: Tokens, isFirst: Bool = false, unlessBefore deadline: Instant? = nil
    ) -> Prospect {
        var earliest = pause.opening(now: now)
        if breaker != nil, let until = breaker?.openUntil { earliest = max(earliest, until) }
        var binding: Int?
        var latest = now
        let matters = !isFirst && isPaced(flow, for: tokens, beyond: deadline)
        let ahead = matters ? ahead(of: flow, tokens) : 0
        for attachment in line.attachments(of: flow) {
            let cell = attachment.cell
            let rated = rated(cell, for: tokens, behind: ahead)
            earliest = max(earliest, rated)
            let opening = max(opening(of: attachment, for: tokens), rated)
            if opening > latest || binding == nil && cells[cell].waiting > 0 && cells[cell].isBounded {
                binding = cells[cell].isRemote ? cells[cell].credits?.limits.first ?? cell : cell
                latest = max(latest, opening)
            }
        }
        if let cell = binding { binding = namedCell(cell, for: tokens) }
        return Prospect(earliest: earliest, cell: binding, limit: binding.map { cells[$0].limit }, tokens: tokens)
    }

    /// Before this a cell lets nobody go that has so many others before it.
    private mutating func rated(_ cell: Int, for tokens: Tokens, behind others: Int) -> Instant {
        guard cells[cell].choice < 0 else { return rated(ofChoice: cells[cell].choice, for: tokens, behind: others) }
        return cells[cell].rated(for: tokens, behind: others, now: now)
    }

    /// Whether it may depend on how many go before whether a new ask of this flow goes by the deadline; whether it does
    /// on that when it goes, where there is none.
    private mutating func isPaced(_ flow: Int, for tokens: Tokens, beyond deadline: Instant?) -> Bool {
        for attachment in line.attachments(of: flow)
        where cells[attachment.cell].isPaced || cells[attachment.cell].choice >= 0 {
            guard let deadline else { return true }
            let waiting = cells[attachment.cell].waiting
            if rated(attachment.cell, for: tokens, behind: waiting) > deadline { return true }
        }
        return false
    }

    /// How many of those in line certainly go before a new ask of this flow and pass all the limits that it passes:
    /// those of its own flow, and beyond them as far outwards as nothing but the line decides.
    private mutating func ahead(of flow: Int, _ tokens: Tokens) -> Int {
        var count = line[flow].standing
        let cost = cost(of: flow, tokens, hold: likelyHold(of: flow))
        var node = flow
        while line[node].level > registry.deepest {
            count = line.ahead(of: node, own: count, cost: cost)
            node = line[node].parent
        }
        return count
    }

    /// Whether a new ask of this flow is refused before it stands in line.
    mutating func refusalOnArrival(_ flow: Int, _ prospect: Prospect, deadline: Instant) -> GateRefusal? {
        if prospect.earliest > deadline {
            return refusal(isBreakerOpen(until: prospect.earliest) ? .breakerOpen : .waitTooLong, prospect)
        }
        let tenant = line.outermost(of: flow)
        if tenant != FairLine.root, line[tenant].waiting >= rules.queue.maxRequestsPerTenant {
            return refusal(.tenantQueueFull, prospect)
        }
        guard waiting >= rules.queue.maxRequests, let largest = backlogs.first else { return nil }
        let own = Backlog(waiting: line[tenant].waiting + 1, weight: line[tenant].weight, newest: .max)
        return tenant == largest.member || own < largest.key ? refusal(.queueFull, prospect) : nil
    }

    /// Whether an ask brings more tokens than a whole window of some limit holds. What the answer may have counts only
    /// where the provider reserves it: a large bound is seldom used up.
    mutating func refusalForSize(_ flow: Int, _ ask: Ask) -> GateRefusal? {
        guard let claim = ask.tokens else { return nil }
        let tokens = Tokens(input: claim.input, output: rules.tokenCounting == .usage ? 0 : claim.outputBound ?? 0)
        for attachment in line.attachments(of: flow) {
            let refusal =
                cells[attachment.cell].choice >= 0
                ? refusalForSize(ofChoice: cells[attachment.cell].choice, tokens)
                : refusalForSize(attachment.cell, tokens)
            if let refusal { return refusal }
        }
        return nil
    }

    private mutating func refusalForSize(_ place: Int, _ tokens: Tokens) -> GateRefusal? {
        guard cells[place].countsTokens, let rate = cells[place].rateNeverFit(by: tokens) else { return nil }
        let binding = GateRefusal.Binding(limit: cells[place].limit, values: cells[place].values, bound: .rate(rate))
        return GateRefusal(reason: .neverFits(tokens), limit: binding, comeBack: .zero)
    }

    /// Where it fits no key, the last one's refusal.
    private mutating func refusalForSize(ofChoice choice: Int, _ tokens: Tokens) -> GateRefusal? {
        var refusal: GateRefusal?
        for cells in keyring.choices[choice].cells {
            refusal = nil
            for attachment in cells where refusal == nil { refusal = refusalForSize(attachment.cell, tokens) }
            if refusal == nil { return nil }
        }
        return refusal
    }

    /// A refusal that names the limit that holds an ask and says when coming back makes sense.
    mutating func refusal(_ reason: GateRefusal.Reason, _ prospect: Prospect) -> GateRefusal {
        var comeBack = prospect.earliest - now
        if let cell = prospect.cell, cells[cell].opening(isNew: true, for: .none, now: now) == .never {
            comeBack = max(comeBack, likelyWait(for: cells[cell]))
        }
        if let cell = prospect.cell, cells[cell].isRemote { comeBack = max(comeBack, sharedComeBack(cell)) }
        return GateRefusal(
            reason: reason, limit: prospect.cell.map { binding($0, prospect.tokens) },
            comeBack: max(comeBack, .milliseconds(1)))
    }

    /// How long until a slot is likely to be free for a new ask, from how long attempts usually hold theirs.
    mutating func likelyWait(for cell: Cell) -> Interval {
        let slots = cell.maxInFlight == .max ? max(1, cell.maxDistinct) : cell.maxInFlight
        return (typicalHold ?? .seconds(1)) * (cell.waiting + 1) / slots
    }

    /// The limit of a cell and the term of it that binds now.
    func binding(_ index: Int, _ tokens: Tokens) -> GateRefusal.Binding {
        if let limit = cells[index].credits?.limits.first { return binding(limit, tokens) }
        var cell = cells[index]
        let bound: GateRefusal.Bound
        if cell.inFlight >= cell.maxInFlight {
            bound = .inFlight(cell.maxInFlight)
        } else if cell.underWay >= cell.maxDistinct {
            bound = .distinct(cell.maxDistinct)
        } else if let rate = cell.rateThatBinds(tokens, now: now) {
            bound = .rate(rate)
        } else if let budget = cell.budgets.first {
            bound = .rate(budget.rate)
        } else if cell.maxInFlight < .max {
            bound = .inFlight(cell.maxInFlight)
        } else {
            bound = .distinct(cell.maxDistinct)
        }
        return GateRefusal.Binding(limit: cell.limit, values: cell.values, bound: bound)
    }
}

extension GateRefusal {
    /// Coming back reaches another replica, or this one restarted.
    static let draining = GateRefusal(reason: .draining, limit: nil, comeBack: .seconds(1))
}
