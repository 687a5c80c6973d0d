extension Gate {
    /// The flow of an identity, made where there is none.
    mutating func flow(for identity: Identity) -> Int {
        let hash = registry.hash(identity, steps: registry.path.count)
        var probe = registry.nodes.probe(hash)
        while let node = registry.nodes.next(&probe) {
            if isFlow(node, of: identity) { return node }
        }
        return makeFlow(for: identity, hash)
    }

    private mutating func isFlow(_ node: Int, of identity: Identity) -> Bool {
        guard line[node].isFlow else { return false }
        if let owner = line[node].owner {
            return registry.path.allSatisfy { owner.identity[$0] == identity[$0] }
        }
        var node = node
        while node != FairLine.root {
            guard line[node].key == identity[registry.path[line[node].level - 1]] else { return false }
            node = line[node].parent
        }
        return true
    }

    private mutating func makeFlow(for identity: Identity, _ hash: UInt32) -> Int {
        let depth = rules.fairness.levels.count
        var parent = FairLine.root
        for level in 1..<(registry.levelsAreFlows ? depth : depth + 1) {
            parent = child(of: parent, level: level, identity: identity)
        }
        if registry.levelsAreFlows {
            return insertFlow(node(below: parent, level: depth, identity, hash), for: identity)
        }
        let own = attachments(onLevel: depth + 1, for: identity)
        return insertFlow(
            FairLine.Node(
                parent: parent, level: depth + 1, key: "", hash: hash, weight: 1, attachments: own,
                isByArrival: true, owner: FairLine.Owner(registry.normalised(identity))),
            for: identity)
    }

    private mutating func insertFlow(_ node: consuming FairLine.Node, for identity: Identity) -> Int {
        let hash = node.hash
        let path = line[node.parent].path
        if let attachment = shareAttachment(of: node, path + node.attachments) { node.attachments.append(attachment) }
        node.path = node.attachments.isEmpty ? path : path + node.attachments
        node.watched = watchedAttachments(for: identity)
        node.charged = node.watched.isEmpty ? node.path : node.path + node.watched
        node.isFlow = true
        let flow = line.insert(node)
        registry.nodes.insert(flow, hash: hash)
        tie(flow)
        listIdle(flow)
        return flow
    }

    /// Whose asks stand in a flow, as far as the rules look at it.
    mutating func identity(of flow: Int) -> Identity {
        if let owner = line[flow].owner { return owner.identity }
        var identity = Identity(tenant: "")
        for (dimension, key) in zip(rules.fairness.levels, line.keys(of: flow)) { identity[dimension] = key }
        return identity
    }

    /// Keeps a flow from being forgotten.
    mutating func hold(_ flow: Int) {
        line[flow].holders += 1
    }

    mutating func release(_ flow: Int) {
        line[flow].holders -= 1
        listIdle(flow)
    }

    /// The inner node of an identity on a level of the line, made where there is none.
    private mutating func child(of parent: Int, level: Int, identity: Identity) -> Int {
        let hash = registry.hash(identity, steps: level)
        var probe = registry.nodes.probe(hash)
        while let node = registry.nodes.next(&probe) {
            let isIt = line[node].parent == parent && line[node].level == level && !line[node].isFlow
            if isIt, line[node].key == identity[registry.path[level - 1]] { return node }
        }
        var node = node(below: parent, level: level, identity, hash)
        node.path = node.attachments.isEmpty ? line[parent].path : line[parent].path + node.attachments
        let place = line.insert(node)
        registry.nodes.insert(place, hash: hash)
        tie(place)
        return place
    }

    private mutating func node(below parent: Int, level: Int, _ identity: Identity, _ hash: UInt32) -> FairLine.Node {
        let dimension = registry.path[level - 1]
        let value = identity[dimension]
        return FairLine.Node(
            parent: parent, level: level, key: value, hash: hash,
            weight: rules.fairness.weight(of: value, in: dimension),
            attachments: attachments(onLevel: level, for: identity))
    }

    /// Ties the line's root to the limits that hold for all.
    mutating func plantRoot() {
        line[FairLine.root].attachments = attachments(onLevel: 0, for: Identity())
        line[FairLine.root].path = line[FairLine.root].attachments
        tie(FairLine.root)
    }

    /// The cells of the limits that are judged on a level and apply to an identity, made where there are none.
    private mutating func attachments(onLevel level: Int, for identity: Identity) -> [Attachment] {
        var attachments: [Attachment] = []
        for (index, limit) in rules.limits.enumerated()
        where registry.levels[index] == level && limit.mode == .enforce && limit.keys.isEmpty
            && limit.applies(to: identity)
        {
            attachments.append(attachment(to: index, limit, identity))
        }
        if registry.keyLevel == level { attachments.append(keyAttachment(for: identity)) }
        return attachments
    }

    /// The cells of the limits that apply to an identity and are only observed.
    private mutating func watchedAttachments(for identity: Identity) -> [Attachment] {
        var attachments: [Attachment] = []
        for index in rules.limits.indices where rules.limits[index].mode == .observe {
            let limit = rules.limits[index]
            if limit.applies(to: identity) { attachments.append(attachment(to: index, limit, identity)) }
        }
        return attachments
    }

    private mutating func attachment(to index: Int, _ limit: Limit, _ identity: Identity) -> Attachment {
        let cell = self.cell(of: index, limit, identity)
        let entry = limit.terms.distinct.map { self.entry(in: cell, values: $0.of.map { identity[$0] }) } ?? -1
        return Attachment(cell: cell, entry: entry)
    }

    /// Keeps what a new node is tied to from being forgotten before it.
    private mutating func tie(_ node: Int) {
        for attachment in line[node].attachments + line[node].watched {
            cells[attachment.cell].users += 1
            if attachment.entry >= 0 { entries[attachment.entry].nodes.append(node) }
        }
    }

    mutating func cell(of index: Int, _ limit: Limit, _ identity: Identity) -> Int {
        let key = Registry.Key(owner: index, values: limit.per.map { identity[$0] })
        if let cell = registry.cells[key] { return cell }
        let cell = cells.insert(
            Cell(limit: index, limit, values: key.values, terms: limit.terms(for: identity), rules, frame))
        registry.cells[key] = cell
        if sharedBook != nil { share(cell) }
        return cell
    }

    private mutating func entry(in cell: Int, values: [String]) -> Int {
        let key = Registry.Key(owner: cell, values: values)
        if let entry = registry.entries[key] { return entry }
        let entry = entries.insert(DistinctEntry(cell: cell, values: values))
        registry.entries[key] = entry
        return entry
    }

    // MARK: Forgetting

    private mutating func listIdle(_ flow: Int) {
        guard line[flow].holders == 0, !line[flow].isListedIdle else { return }
        line[flow].isListedIdle = true
        registry.idle.append(flow)
        // Two a turn, so that a list of flows that came back into use since shrinks as well.
        for _ in 0..<2 where registry.idle.count > Registry.idleFlows { forgetOldest() }
    }

    private mutating func forgetOldest() {
        guard let flow = registry.idle.popFirst() else { return }
        line[flow].isListedIdle = false
        guard line[flow].holders == 0 else { return }
        var node = flow
        while node != FairLine.root, line[node].children == 0 {
            let parent = line[node].parent
            registry.nodes.remove(node, hash: line[node].hash)
            untie(node)
            line.remove(node)
            node = parent
        }
        sweep()
    }

    private mutating func untie(_ node: Int) {
        for attachment in line[node].attachments + line[node].watched {
            if attachment.entry >= 0 { leaveEntry(attachment.entry, node) }
            cells[attachment.cell].users -= 1
            guard cells[attachment.cell].users == 0, !cells[attachment.cell].isLingering else { continue }
            cells[attachment.cell].isLingering = true
            registry.lingering.append(attachment.cell)
        }
    }

    private mutating func leaveEntry(_ entry: Int, _ node: Int) {
        entries[entry].nodes.removeAll { $0 == node }
        guard entries[entry].nodes.isEmpty else { return }
        registry.entries[Registry.Key(owner: entries[entry].cell, values: entries[entry].values)] = nil
        entries.remove(entry, leaving: DistinctEntry(cell: -1, values: []))
    }

    /// Frees a few cells whose past no longer matters.
    private mutating func sweep() {
        for _ in 0..<min(8, registry.lingering.count) {
            guard let cell = registry.lingering.popFirst() else { return }
            if cells[cell].users > 0 {
                cells[cell].isLingering = false
            } else if cells[cell].isIdle(now: now) {
                registry.cells[Registry.Key(owner: cells[cell].limit, values: cells[cell].values)] = nil
                openings.remove(cell)
                cells.remove(cell, leaving: .freed)
            } else {
                registry.lingering.append(cell)
            }
        }
    }
}
