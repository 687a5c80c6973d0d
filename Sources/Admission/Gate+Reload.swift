/// Going on by other rules.
extension Gate {
    /// Goes by other rules from now on, for what waits and what will come. Permits, places in line, what was sent in
    /// each window, shares, pauses and what was learned carry over; a limit goes on where one of the same name was, or
    /// else one for the same callers.
    ///
    /// A dimension that no old rule looked at is not known of requests that came before.
    package mutating func replace(_ new: GateRules, now instant: Instant) {
        tick(instant)
        guard new != rules else { return }
        let old = self
        rules = new
        sharedBook = SharedBook(new, after: sharedBook)
        registry = Registry(rules: new)
        (cells, entries, line) = (Slab(), Slab(), FairLine())
        (backlogs, openings, recoveries) = (Ranking(), Ranking(), Ranking())
        keyring = Keyring(names: new.keys)
        keyring.inherit(old.keyring)
        (opened, contested, rootOpensAt, leadsUnderWay, ranksBacklogs) = ([], [], .never, 0, false)
        inheritRecovery(old)
        inheritCells(old)
        plantRoot()
        let held = moveFlows(old)
        inheritShares(old)
        for place in 0..<permits.capacity where permits[place].flow >= 0 {
            let key = permits[place].key
            permits[place].key = key < 0 ? -1 : new.keys.firstIndex(of: old.rules.keys[key]) ?? -1
            occupy(permits[place])
        }
        for place in room.places.sorted(by: { room[$0].sequence < room[$1].sequence }) {
            count(place)
            if !room[place].isDelayed { stand(place) }
        }
        for flow in held { release(flow) }
        dispatch()
    }

    private mutating func inheritRecovery(_ old: Gate) {
        budget.replace(rules.retryBudget)
        if let rules = rules.breaker {
            breaker = old.breaker ?? Breaker(rules)
            breaker?.replace(rules)
        } else {
            breaker = nil
        }
        if let rules = rules.adaptive {
            adaptive = old.adaptive ?? AdaptiveLimit(rules)
            adaptive?.replace(rules)
        } else {
            adaptive = nil
        }
    }

    /// Makes the cells anew that there were, also those whose callers are away: their windows still count.
    private mutating func inheritCells(_ old: Gate) {
        let successors = successors(of: old.rules)
        for place in 0..<old.cells.capacity where old.cells[place].limit >= 0 && old.cells[place].credits == nil {
            let earlier = old.cells[place]
            guard let index = successors[earlier.limit] else { continue }
            let limit = rules.limits[index]
            var cell = Cell(
                limit: index, limit, values: earlier.values, terms: limit.terms(forValues: earlier.values), rules, frame
            )
            cell.inherit(earlier, now: now)
            cell.isLingering = true
            let own = cells.insert(cell)
            registry.cells[Registry.Key(owner: index, values: cell.values)] = own
            registry.lingering.append(own)
            if sharedBook != nil { share(own) }
            if cell.recovery < .never { recoveries.set(own, key: cell.recovery) }
        }
    }

    /// For each old limit the place of the one that goes on with its counts.
    private func successors(of old: GateRules) -> [Int?] {
        var taken = Set<Int>()
        var successors = old.limits.map { limit in
            let index = rules.limits.firstIndex { $0.name == limit.name && $0.per == limit.per }
            if let index { taken.insert(index) }
            return index
        }
        for (place, limit) in old.limits.enumerated() where successors[place] == nil {
            let index = rules.limits.indices.first { index in
                !taken.contains(index) && rules.limits[index].per == limit.per
                    && rules.limits[index].match == limit.match
                    && names(of: rules.limits[index].keys, in: rules) == names(of: limit.keys, in: old)
            }
            guard let index else { continue }
            taken.insert(index)
            successors[place] = index
        }
        return successors
    }

    private func names(of keys: [Int], in rules: GateRules) -> [String] { keys.map { rules.keys[$0] } }

    /// Gives whatever waits or is under way its flow in the new line; those returned are held until all is counted.
    private mutating func moveFlows(_ old: Gate) -> [Int] {
        var old = old
        var flows: [Int?] = Array(repeating: nil, count: old.line.nodes.capacity)
        func moved(_ gate: inout Gate, _ flow: Int) -> Int {
            if let known = flows[flow] { return known }
            let new = gate.flow(for: old.identity(of: flow))
            gate.hold(new)
            flows[flow] = new
            return new
        }
        for place in 0..<permits.capacity where permits[place].flow >= 0 {
            permits[place].flow = moved(&self, permits[place].flow)
            permits[place].lead = nil
        }
        for place in room.places.sorted(by: { room[$0].sequence < room[$1].sequence }) {
            room[place].flow = moved(&self, room[place].flow)
            (room[place].before, room[place].after, room[place].older, room[place].newer) = (-1, -1, -1, -1)
        }
        return flows.compactMap(\.self)
    }

    private mutating func occupy(_ attempt: Attempt) {
        let flow = attempt.flow
        hold(flow)
        line[line.outermost(of: flow)].inFlight += 1
        if attempt.key >= 0 { keyring.keys[attempt.key].inFlight += 1 }
        for attachment in charged(by: flow, key: attempt.key) {
            cells[attachment.cell].occupy()
            guard attachment.entry >= 0 else { continue }
            entries[attachment.entry].inFlight += 1
            begin(attachment)
        }
    }

    /// Nodes that stand for the same go on with the shares that they had.
    private mutating func inheritShares(_ old: Gate) {
        line[FairLine.root].virtualTime = old.line[FairLine.root].virtualTime
        line[FairLine.root].usualHold = old.line[FairLine.root].usualHold
        guard old.rules.fairness.levels == rules.fairness.levels else { return }
        var places: [[String]: Int] = [:]
        for node in 0..<old.line.nodes.capacity where old.line[node].level > 0 && !old.line[node].isByArrival {
            places[old.line.keys(of: node)] = node
        }
        for node in 0..<line.nodes.capacity where line[node].level > 0 && !line[node].isByArrival {
            guard let earlier = places[line.keys(of: node)].map({ old.line[$0] }) else { continue }
            (line[node].tag, line[node].virtualTime) = (earlier.tag, earlier.virtualTime)
            (line[node].turn, line[node].usualHold) = (earlier.turn, earlier.usualHold)
        }
        line.turns = old.line.turns
    }
}
