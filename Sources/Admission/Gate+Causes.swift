/// Why those wait that wait; for people, so asked seldom.
extension Gate {
    /// How many delayed asks are passed over in search of one that stands in line.
    private static let searchDepth = 64

    /// `nil` where nothing waits below an outermost node.
    mutating func waitReport(of tenant: Int) -> GateReport.WaitReport? {
        guard line[tenant].head >= 0 else { return nil }
        let place = oldestInLine(line[tenant].head)
        let entry = room[place]
        let length = now - entry.since
        if entry.isDelayed {
            let due = room.due(of: place) ?? now
            return GateReport.WaitReport(length: length, cause: .backoff, endsIn: due - now)
        }
        let (cause, end) = cause(of: entry.flow, for: entry.reserve.tokens)
        return GateReport.WaitReport(length: length, cause: cause, endsIn: end == .never ? nil : end - now)
    }

    private mutating func oldestInLine(_ head: Int) -> Int {
        var place = head
        for _ in 0..<Self.searchDepth where place >= 0 && room[place].isDelayed { place = room[place].newer }
        return place >= 0 ? place : head
    }

    /// What ends last of all that holds a flow back. A slot may become free at any time, so a pause, which can't end
    /// before its instant, is named before it.
    private mutating func cause(of flow: Int, for tokens: Tokens) -> (cause: GateReport.Cause, end: Instant) {
        var (upstream, end) = (GateReport.Cause.pause, pause.opening(now: now))
        if breaker != nil, let opening = breaker?.opening(now: now), opening > end {
            (upstream, end) = (.breaker, opening)
        }
        var (closed, latest) = (Int?.none, now)
        for attachment in line.attachments(of: flow) {
            let opening = opening(of: attachment, for: tokens)
            if opening > latest { (closed, latest) = (attachment.cell, opening) }
        }
        if end > now, closed == nil || latest == .never || end >= latest { return (upstream, end) }
        if let closed {
            let named = namedCell(closed, for: tokens)
            return (named.map { .limit(binding($0, tokens)) } ?? .pause, latest)
        }
        if let adaptive, inFlight >= adaptive.limit { return (.adaptive, .never) }
        if let taken = tokenCell(on: flow).flatMap({ namedCell($0, for: tokens) }) {
            return (.limit(binding(taken, tokens)), .never)
        }
        return (.turn, .never)
    }

    /// The token limit that somebody before this flow waits for, who is not passed by those that want less.
    private mutating func tokenCell(on flow: Int) -> Int? {
        var node = flow
        while node != FairLine.root {
            if let cell = takenCell(of: node) { return cell }
            node = line[node].parent
        }
        return nil
    }
}
