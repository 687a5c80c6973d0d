/// Nodes whose own cell is closed leave the line until it opens, so that nobody waits behind somebody else's limit.
///
/// An open cell wakes only the first of those parked on it: it wakes the next once that one has gone, has left the
/// line, or is no longer the first. So a slot that becomes free costs one turn in line, however many want it.
extension Gate {
    mutating func park(_ node: Int, on cell: Int, for tokens: Tokens) {
        line[node].parkedOn = cell
        line[node].parkedFor = tokens
        line[node].parkedPlace = cells[cell].parked.count
        cells[cell].parked.append(node)
        if gathers(cell) { line.enlist(node, on: cell, root: &cells[cell].stand) }
        deactivate(node)
        touch(cell)
        // Whoever was woken below it can't take its chance now.
        if !line[node].isFlow { recontest() }
    }

    mutating func unpark(_ node: Int) {
        let cell = line[node].parkedOn
        let place = line[node].parkedPlace
        if gathers(cell) { line.delist(node, from: cell, root: &cells[cell].stand) }
        let last = cells[cell].parked.removeLast()
        if last != node {
            cells[cell].parked[place] = last
            line[last].parkedPlace = place
        }
        (line[node].parkedOn, line[node].parkedPlace) = (-1, -1)
        if line[node].isFlow ? line[node].head >= 0 : !line[node].ready.isEmpty { line.activate(node) }
    }

    /// Takes a node out of the line, and with it every ancestor that has nothing else to serve. Whoever is parked on
    /// the cells of a node that leaves may take the chance that it had.
    mutating func deactivate(_ start: Int) {
        var node = start
        while node != FairLine.root {
            let wasReady = line.withdraw(node)
            let isEmpty = line[node].isFlow ? line[node].head < 0 : line[node].ready.isEmpty
            if isEmpty, line[node].parkedOn >= 0 { unpark(node) }
            guard wasReady else { return }
            for attachment in line[node].attachments { touch(attachment.cell) }
            node = line[node].parent
            guard line[node].ready.isEmpty else { return }
        }
    }

    /// Whether several nodes may be parked on a cell.
    private mutating func gathers(_ cell: Int) -> Bool {
        cells[cell].choice >= 0 || registry.gathers[cells[cell].limit]
    }

    /// Looks at a cell in which something changed, for the sake of the nodes parked on it.
    mutating func touch(_ cell: Int) {
        if cells[cell].isRemote { noteShared(cell) }
        guard !cells[cell].parked.isEmpty else {
            // Nobody waits for one key alone.
            if cells[cell].isOfKeys { touchChoices() }
            return
        }
        let opening = wakingTime(of: cell)
        if opening > now, opening < .never {
            openings.set(cell, key: opening)
        } else {
            openings.remove(cell)
            if opening <= now { opened.append(cell) }
        }
    }

    /// Has every contested cell look again for the first of its nodes, because the order of the line has changed.
    mutating func recontest() {
        guard !contested.isEmpty else { return }
        for index in contested.indices {
            cells[contested[index]].isContested = false
            opened.append(contested[index])
        }
        contested.removeAll(keepingCapacity: true)
    }

    mutating func wakeParked() {
        while let cell = opened.popLast() { wakeFirst(on: cell) }
    }

    /// Wakes the first, in fair order, of the nodes parked on a cell that it has room for.
    private mutating func wakeFirst(on cell: Int) {
        guard !cells[cell].parked.isEmpty else { return }
        let opening = wakingTime(of: cell)
        guard opening <= now else {
            // Whoever is the first now may want more than who was.
            if opening < .never { openings.set(cell, key: opening) }
            if cells[cell].isRemote { noteShared(cell) }
            return
        }
        while let first = firstParked(on: cell) {
            unpark(first)
            // One below a parked node waits for that as well, so its chance is somebody else's.
            guard line.isReachable(first) else { continue }
            guard !cells[cell].parked.isEmpty, !cells[cell].isContested else { return }
            cells[cell].isContested = true
            contested.append(cell)
            return
        }
    }

    /// When the first of those parked on a cell may fit. Whoever wants more tokens is not overtaken for that.
    private mutating func wakingTime(of cell: Int) -> Instant {
        let tokens = cells[cell].countsTokens ? firstParked(on: cell).map { line[$0].parkedFor } : nil
        if cells[cell].choice >= 0 { return opening(ofChoice: cells[cell].choice, for: tokens ?? .none) }
        return cells[cell].wakingTime(for: tokens ?? .none, now: now)
    }

    mutating func firstParked(on cell: Int) -> Int? {
        if gathers(cell), cells[cell].isOpenAlike {
            return line.firstParked(below: cells[cell].stand)
        }
        var first: Int?
        for node in cells[cell].parked where isOpen(node, at: cell) {
            if let best = first, line.precedes(best, node) { continue }
            first = node
        }
        return first
    }

    /// Whether a node would find the cell open that it is parked on; not every new combination does.
    private mutating func isOpen(_ node: Int, at cell: Int) -> Bool {
        guard cells[cell].maxDistinct < .max else { return true }
        return line[node].attachments.allSatisfy {
            $0.cell != cell || opening(of: $0, for: line[node].parkedFor) <= now
        }
    }
}
