extension Gate {
    /// The flow of an identity, made where there is none.
    mutating func flow(for identity: Identity) -> Int {
        if registry.levelsAreFlows { return innermost(for: identity) }
        let identity = registry.normalised(identity)
        if let flow = registry.flows[identity] { return flow }
        let parent = innermost(for: identity)
        let own = attachments(onLevel: rules.fairness.levels.count + 1, for: identity)
        let flow = insertFlow(
            FairLine.Node(
                parent: parent, level: rules.fairness.levels.count + 1, key: "", weight: 1, attachments: own,
                isByArrival: true, owner: FairLine.Owner(identity)),
            for: identity)
        registry.flows[identity] = flow
        return flow
    }

    /// The node of an identity on the innermost level of the line, made with its ancestors where there is none.
    private mutating func innermost(for identity: Identity) -> Int {
        var node = FairLine.root
        for (index, dimension) in rules.fairness.levels.enumerated() {
            node = child(of: node, level: index + 1, dimension: dimension, identity: identity)
        }
        return node
    }

    private mutating func insertFlow(_ node: FairLine.Node, for identity: Identity) -> Int {
        var node = node
        let path = line[node.parent].path
        node.path = node.attachments.isEmpty ? path : path + node.attachments
        node.watched = watchedAttachments(for: identity)
        node.charged = node.watched.isEmpty ? node.path : node.path + node.watched
        node.isFlow = true
        let flow = line.insert(node)
        tie(flow)
        listIdle(flow)
        return flow
    }

    /// Whose asks stand in a flow, as far as the rules look at it.
    func identity(of flow: Int) -> Identity {
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

    private mutating func child(of parent: Int, level: Int, dimension: Dimension, identity: Identity) -> Int {
        let value = identity[dimension]
        let key = Registry.ChildKey(parent: parent, value: value)
        if let node = registry.children[key] { return node }
        var node = FairLine.Node(
            parent: parent, level: level, key: value, weight: rules.fairness.weight(of: value, in: dimension),
            attachments: attachments(onLevel: level, for: identity))
        if registry.levelsAreFlows, level == rules.fairness.levels.count {
            let flow = insertFlow(node, for: identity)
            registry.children[key] = flow
            return flow
        }
        node.path = node.attachments.isEmpty ? line[parent].path : line[parent].path + node.attachments
        let place = line.insert(node)
        registry.children[key] = place
        tie(place)
        return place
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
        where registry.levels[index] == level && limit.mode == .enforce && limit.applies(to: identity) {
            attachments.append(attachment(to: index, limit, identity))
        }
        return attachments
    }

    /// The cells of the limits that apply to an identity and are only observed.
    private mutating func watchedAttachments(for identity: Identity) -> [Attachment] {
        var attachments: [Attachment] = []
        for (index, limit) in rules.limits.enumerated() where limit.mode == .observe && limit.applies(to: identity) {
            attachments.append(attachment(to: index, limit, identity))
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

    private mutating func cell(of index: Int, _ limit: Limit, _ identity: Identity) -> Int {
        let key = Registry.Key(owner: index, values: limit.per.map { identity[$0] })
        if let cell = registry.cells[key] { return cell }
        let cell = cells.insert(
            Cell(limit: index, limit, values: key.values, terms: limit.terms(for: identity), rules, frame))
        registry.cells[key] = cell
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
        if let owner = line[flow].owner { registry.flows[owner.identity] = nil }
        var node = flow
        while node != FairLine.root, line[node].children == 0 {
            let parent = line[node].parent
            if !line[node].isByArrival {
                registry.children[Registry.ChildKey(parent: parent, value: line[node].key)] = nil
            }
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
