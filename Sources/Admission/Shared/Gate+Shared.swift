/// Limits that hold over all replicas together.
///
/// The gate keeps its own line. What waits there for a shared limit waits in a cell of its own, which the store opens
/// by giving instants: as many as there are that wait, and not before they do.
extension Gate {
    // MARK: The store

    /// What is to be said to the store now; `nil` where nothing is, or an answer is still to come.
    package mutating func takeTurn(now instant: Instant) -> SharedTurn? {
        guard sharedBook?.wantsTurn(now: instant) == true else { return nil }
        tick(instant)
        return makeTurn()
    }

    /// The store can be spoken to.
    package mutating func storeFound(now instant: Instant) {
        tick(instant)
        sharedBook?.join()
    }

    /// The store can't be spoken to any more; a turn under way is not answered.
    ///
    /// - Parameter wasRefused: whether the store has said that it did not work on that turn.
    package mutating func storeLost(wasRefused: Bool = false, now instant: Instant) {
        tick(instant)
        if wasRefused { sharedBook?.refuseTurn() }
        guard sharedBook?.part() == true else { return }
        for cell in remoteCells {
            cells[cell].credits?.clear(.closed)
            cells[cell].isNoted = false
            cells[cell].shared?.isPutOff = false
        }
        advanceShared()
        touchShared()
        dispatch()
    }

    /// What the store said to a turn; to one that was given up meanwhile it is too late.
    package mutating func hear(_ answer: SharedAnswer, to number: Int, now instant: Instant) {
        tick(instant)
        guard let turn = sharedBook?.end(number) else { return }
        guard answer.cells.count == turn.entries.count, answer.grants.count == turn.asks.count else { return }
        sharedBook?.clock.note(answer.now, sentAt: turn.sentAt, receivedAt: now)
        sharedBook?.membership = (max(1, answer.members), min(answer.rank, answer.members - 1))
        let isNew = sharedBook?.standing == .joining
        if isNew || sharedBook?.epoch != answer.epoch { report(to: answer.epoch, isNew: isNew) }
        for (entry, cell) in zip(turn.entries, answer.cells) { note(cell, of: entry.cell, count: entry.count) }
        for (cell, grant) in zip(turn.asks, answer.grants) { deposit(grant, in: cell, at: answer.now) }
        if answer.pause > .zero {
            pauseAll(until: now + answer.pause)
            sharedBook?.noteTold(now + answer.pause)
        }
        dispatch()
    }

    /// Another replica was told to pause. Said without having been asked for, so that instants that were given already
    /// are not used.
    package mutating func hear(_ pause: SharedPause, now instant: Instant) {
        tick(instant)
        guard sharedBook != nil else { return }
        let until = now + pause.length
        if let key = pause.key {
            for cell in remoteCells where cells[cell].shared?.keys.contains(key) == true { hold(cell, until: until) }
        } else {
            pauseAll(until: until)
            sharedBook?.noteTold(until)
        }
        dispatch()
    }

    private mutating func hold(_ cell: Int, until: Instant) {
        guard until > cells[cell].pause.until else { return }
        cells[cell].pause(until: until)
        cells[cell].shared?.toldPause = until
        touch(cell)
    }

    /// Whether all that is shared is counted by the store now; `nil` where nothing is shared.
    package var isStoreConnected: Bool? { sharedBook.map { $0.standing == .connected } }

    /// Whether requests for shared limits may go at all, by the store or without it.
    package var canServeShared: Bool {
        guard let book = sharedBook, book.standing != .connected else { return true }
        return book.rules.whenAway == .local || book.rules.whenAway == .part && book.membership != nil
    }

    /// Everything is to be told anew, because the store may not know it.
    private mutating func report(to epoch: String, isNew: Bool) {
        sharedBook?.epoch = epoch
        if isNew { sharedBook?.connect() }
        for cell in remoteCells {
            if isNew {
                cells[cell].credits?.clear(.credits)
                cells[cell].shared?.goByStore(now: now)
            }
            cells[cell].shared?.toldHeld = -1
            noteShared(cell)
            touch(cell)
        }
    }

    private mutating func note(_ answer: SharedAnswer.Cell, of cell: Int, count: Int) {
        guard cells[cell].shared != nil else { return }
        switch answer.kind {
        case .paced(let due, let debt, let pool):
            cells[cell].shared?.noteRate(count, due: now + due, debt: debt, pool: pool, now: now)
        case .counted(let all, let own):
            cells[cell].shared?.noteHeld(all, own: own)
        case .amount(let used): cells[cell].shared?.used[count] = used
        }
        if answer.pause > .zero { hold(cell, until: now + answer.pause) }
    }

    private mutating func deposit(_ grant: SharedAnswer.Grant, in cell: Int, at store: StoreTime) {
        guard let asked = cells[cell].credits?.asked, let clock = sharedBook?.clock else { return }
        cells[cell].credits?.asked = []
        for (delay, tokens) in zip(grant.delays, asked) {
            let instant = clock.instant(StoreTime(microseconds: store.microseconds + delay.nanoseconds / 1000))
            // How late an answer is says nothing about whether its instants are still good.
            cells[cell].credits?.deposit(at: max(instant, now), tokens)
            for limit in cells[cell].credits?.limits ?? [] { cells[limit].shared?.credited += 1 }
        }
        if grant.retry > .zero {
            let retryAt = now + min(grant.retry, .seconds(1))
            cells[cell].credits?.retryAt = retryAt
            sharedBook?.retries.set(cell, key: retryAt)
        }
        touch(cell)
        noteShared(cell)
    }

    // MARK: Without the store

    /// What becomes due by time alone.
    mutating func advanceShared() {
        guard let book = sharedBook else { return }
        if book.standing == .apart {
            guard book.rules.whenAway == .local || book.membership != nil && book.promisedUntil <= now else { return }
            goAway()
        } else if book.standing == .away {
            guard book.settlesAt <= now else { return }
            sharedBook?.settlesAt = .never
            for cell in remoteCells {
                cells[cell].shared?.settle(now: now)
                touch(cell)
            }
        }
    }

    /// Few events look at all of them.
    private var remoteCells: [Int] { (0..<cells.capacity).filter { cells[$0].isRemote } }

    private mutating func goAway() {
        guard let book = sharedBook else { return }
        sharedBook?.goAway(settlesAt: now + SharedCell.lease)
        for cell in remoteCells { setAway(cell, book) }
        touchShared()
        if sharedBook?.denies == true {
            for place in room.places {
                if let refusal = denial(of: room[place].flow, room[place].reserve.tokens) { refuse(place, refusal) }
            }
        }
        dispatch()
    }

    /// Who needs a shared limit while the store is away is told so at once where nobody may go without it.
    mutating func denial(of flow: Int, _ tokens: Tokens) -> GateRefusal? {
        guard sharedBook?.denies == true else { return nil }
        let attachment = line.attachments(of: flow).first { cells[$0.cell].credits != nil }
        guard let cell = attachment?.cell else { return nil }
        return GateRefusal(reason: .waitTooLong, limit: binding(cell, tokens), comeBack: .seconds(1))
    }

    private mutating func setAway(_ cell: Int, _ book: SharedBook) {
        if book.rules.whenAway == .local {
            cells[cell].credits?.clear(.limits)
            cells[cell].shared?.goAlone(now: now)
        } else if book.rules.whenAway == .part, let (members, rank) = book.membership {
            cells[cell].credits?.clear(.limits)
            let paces = cells[cell].sharedPaces(validity: sharedValidity)
            let part = SharedCell.Part(rank: rank, members: members, clock: book.clock, validity: sharedValidity)
            let (quotas, most) = (cells[cell].sharedQuotas, cells[cell].maxInFlight)
            let inFlight = cells[cell].inFlight
            cells[cell].shared?.goByPart(
                part, paces: paces, quotas: quotas, most: most, inFlight: inFlight, now: now)
        } else {
            cells[cell].credits?.clear(.closed)
        }
    }

    private mutating func touchShared() {
        for cell in remoteCells { touch(cell) }
    }

    /// How long until the store is likely to let one more go, as far as it has said.
    mutating func sharedComeBack(_ cell: Int) -> Interval {
        guard let shared = cells[cell].shared, shared.way == .store else { return .seconds(1) }
        let due = shared.paced.reduce(Interval.zero) { max($0, $1.due > now ? $1.due - now : .zero) }
        return cells[cell].maxInFlight < .max ? max(due, likelyWait(for: cells[cell])) : due
    }

    // MARK: Cells

    /// Ties a new flow to the cell of those that wait for the same shared limits; nothing where none of its is shared.
    mutating func shareAttachment(of flow: FairLine.Node, _ path: [Attachment]) -> Attachment? {
        guard let book = sharedBook else { return nil }
        let limits = path.map(\.cell).filter { cells[$0].choice < 0 && book.isShared[cells[$0].limit] }
        guard let first = limits.first else { return nil }
        let tenant = flow.level > 1 ? line[flow.parent].outermost : -1
        let share = flow.level > 1 ? line[tenant].key : flow.level == 1 ? flow.key : ""
        // One value more than the limit's own cells have, and so never one of theirs.
        let own = cells[first].values
        let key = Registry.Key(owner: cells[first].limit, values: own + [share] + limits.map { "\($0)" })
        if let known = registry.cells[key] { return Attachment(cell: known, entry: -1) }
        let limit = rules.limits[cells[first].limit]
        var cell = Cell(limit: cells[first].limit, limit, values: key.values, terms: Limit.Terms(), rules, frame)
        var credits = Credits(share: share, limits: limits, validity: sharedValidity)
        credits.clear(wayOfNewCredits(book))
        cell.credits = credits
        cell.isRemote = true
        let place = cells.insert(cell)
        registry.cells[key] = place
        return Attachment(cell: place, entry: -1)
    }

    private func wayOfNewCredits(_ book: SharedBook) -> Credits.Way {
        if book.standing == .connected { return .credits }
        return book.isOnItsOwn && book.rules.whenAway != .deny ? .limits : .closed
    }

    /// Gives a new cell of a shared limit its counts at the store.
    mutating func share(_ cell: Int) {
        guard let book = sharedBook, book.isShared[cells[cell].limit] else { return }
        var keys = cells[cell].pacers.map { key(of: cell, "\($0.rate.unit.rawValue)/\($0.rate.window.nanoseconds)") }
        keys += cells[cell].budgets.map { key(of: cell, "\($0.rate.unit.rawValue)/day") }
        keys.append(key(of: cell, "in_flight"))
        var shared = SharedCell(keys: keys, rates: cells[cell].pacers.count, amounts: cells[cell].sharedAmounts)
        if book.standing == .connected { shared.goByStore(now: now) }
        cells[cell].shared = shared
        cells[cell].isRemote = true
        if book.isOnItsOwn { setAway(cell, book) }
    }

    private func key(of cell: Int, _ count: String) -> String {
        ([rules.limits[cells[cell].limit].name] + cells[cell].values + [count]).joined(separator: "\u{1F}")
    }

    /// A send may be so much later than its instant: a thousandth of the finest window, which is what it costs, or 5 ms.
    private var sharedValidity: Interval {
        var finest = Interval.seconds(60)
        switch rules.pacing {
        case .window(let window), .auto(let window): finest = min(finest, window)
        case .burst: break
        }
        for limit in rules.limits { for rate in limit.terms.rates { finest = min(finest, rate.window) } }
        return max(.milliseconds(5), finest / 1000)
    }

    /// Lists a cell that has something to tell.
    mutating func noteShared(_ cell: Int) {
        guard cells[cell].isRemote, !cells[cell].isNoted, sharedBook?.standing == .connected else { return }
        cells[cell].isNoted = true
        sharedBook?.changed.append(cell)
    }

    // MARK: Turns

    private mutating func makeTurn() -> SharedTurn? {
        guard let book = sharedBook else { return nil }
        var draft = TurnDraft(turn: SharedBook.Turn(number: book.lastNumber + 1, sentAt: now), epoch: book.epoch)
        while let first = sharedBook?.retries.first, first.key <= now {
            sharedBook?.retries.remove(first.member)
            noteShared(first.member)
        }
        let changed = sharedBook?.changed ?? []
        sharedBook?.changed = []
        for cell in changed { cells[cell].isNoted = false }
        let owing = changed.flatMap { settleCredits(of: $0, &draft) }
        for cell in changed where cells[cell].credits != nil { ask(in: cell, &draft) }
        for cell in changed where cells[cell].shared != nil { tell(cell, &draft) }
        for cell in owing { _ = entries(of: cell, &draft) }
        if pause.until > max(now, book.toldPause) {
            draft.pause = pause.until - now
            sharedBook?.noteTold(pause.until)
        }
        let isDue = book.isDue(now: now)
        if isDue || !draft.isEmpty || book.laterBy <= now { tellLater(&draft) }
        guard isDue || !draft.isEmpty else { return nil }
        let isBusy = !draft.asks.isEmpty || sharedBook?.retries.first != nil
        draft.turn.promise = isBusy ? SharedBook.busy.promise : SharedBook.idle.promise
        sharedBook?.begin(draft.turn)
        // The first one is sent to whom nothing is known of.
        let isKnown = book.standing == .connected
        return draft.words(by: isKnown ? book.clock.time(now + SharedTurn.horizon) : nil)
    }

    /// Asks for as many as wait in a cell and have no instant yet.
    private mutating func ask(in cell: Int, _ draft: inout TurnDraft) {
        guard let credits = cells[cell].credits, case .credits = credits.way else { return }
        if credits.retryAt > now {
            sharedBook?.retries.set(cell, key: credits.retryAt)
            return
        }
        let items = unserved(in: cell, beyond: credits.count)
        guard let first = items.first else { return }
        guard draft.hasRoom else { return noteShared(cell) }
        var places: [Int] = []
        var units = Array(repeating: [Int](), count: items.count)
        for limit in credits.limits {
            let own = entries(of: limit, &draft)
            places += own
            for (index, tokens) in items.enumerated() {
                let all = cells[limit].unitsToAsk(of: tokens)
                units[index] += all
                if cells[limit].maxInFlight < .max { units[index].append(1) }
            }
        }
        cells[cell].credits?.asked = items
        let node = cells[cell].parked[0]
        let weight = Int64(max(1, line[line.outermost(of: node)].weight))
        let cost = cost(of: node, first, hold: likelyHold(of: node))
        draft.ask(
            SharedTurn.Ask(share: credits.share, step: max(1, cost / weight), cells: places, units: units), of: cell)
    }

    /// What those that wait in a cell take, apart from so many who have an instant.
    private mutating func unserved(in cell: Int, beyond served: Int) -> [Tokens] {
        var items: [Tokens] = []
        var left = served
        for node in cells[cell].parked {
            var place = line[node].head
            while place >= 0, items.count < SharedBook.mostItems {
                if left > 0 { left -= 1 } else { items.append(room[place].reserve.tokens) }
                place = room[place].after
            }
        }
        return items
    }

    /// Sees to what became of the credits of a cell; returns the limits to which it makes a difference.
    private mutating func settleCredits(of cell: Int, _ draft: inout TurnDraft) -> [Int] {
        let waiting = cells[cell].waiting
        cells[cell].credits?.expire(now: now)
        cells[cell].credits?.keep(waiting)
        guard let (back, more) = cells[cell].credits?.takeDifference(), !back.isEmpty || !more.isEmpty else {
            return []
        }
        for limit in cells[cell].credits?.limits ?? [] {
            cells[limit].shared?.credited += more.requests - back.requests
            let units = cells[limit].pacers.map(\.rate.unit) + cells[limit].budgets.map(\.rate.unit)
            for ((place, unit), isAmount) in zip(units.enumerated(), cells[limit].sharedAmounts) {
                if !isAmount { draft.giveBack(back.units(of: unit), limit, place) }
                let returned = isAmount ? back.units(of: unit) : 0
                cells[limit].shared?.add(more.units(of: unit) - returned, at: place)
            }
        }
        return cells[cell].credits?.limits ?? []
    }

    /// Tells what changed in the cell of a limit, where something did.
    private mutating func tell(_ cell: Int, _ draft: inout TurnDraft, mayWait: Bool = true) {
        guard let shared = cells[cell].shared, shared.way == .store else { return }
        let isHeldOtherwise = cells[cell].maxInFlight < .max && held(cell) != shared.toldHeld
        let isPaused = cells[cell].pause.until > max(now, shared.toldPause)
        guard isHeldOtherwise || isPaused || shared.more.contains(where: { $0 != 0 }) else { return }
        if mayWait, !isPaused, !(isHeldOtherwise && shared.isScarce(of: cells[cell].maxInFlight)) {
            if !shared.isPutOff { sharedBook?.putOff(cell, now: now) }
            cells[cell].shared?.isPutOff = true
            return
        }
        guard draft.hasRoom else { return noteShared(cell) }
        _ = entries(of: cell, &draft)
    }

    private mutating func tellLater(_ draft: inout TurnDraft) {
        for cell in sharedBook?.takeLater() ?? [] {
            cells[cell].shared?.isPutOff = false
            tell(cell, &draft, mayWait: false)
        }
    }

    private func held(_ cell: Int) -> Int { cells[cell].inFlight + max(0, cells[cell].shared?.credited ?? 0) }

    /// The places of a limit's counts in the turn.
    private mutating func entries(of cell: Int, _ draft: inout TurnDraft) -> [Int] {
        if let known = draft.places[cell] { return known }
        guard let keys = cells[cell].shared?.keys else { return [] }
        guard let book = sharedBook, let used = cells[cell].shared?.used else { return [] }
        let more = cells[cell].shared?.takeMore() ?? []
        let isOwn = !cells[cell].isShared
        var pause = Interval.zero
        if cells[cell].pause.until > max(now, cells[cell].shared?.toldPause ?? now) {
            let until = cells[cell].pause.until
            pause = until - now
            cells[cell].shared?.toldPause = until
        }
        func enter(_ count: Int, _ kind: SharedTurn.Kind) {
            draft.enter(SharedTurn.Cell(key: keys[count], isOwn: isOwn, pause: pause, kind: kind), cell, count)
        }
        for (index, pace) in cells[cell].sharedPaces(validity: sharedValidity).enumerated() {
            if cells[cell].sharedAmounts[index] {
                enter(index, sliding(cells[cell].pacers[index], more: more[index], known: used[index]))
            } else {
                let risk = cells[cell].shared?.risk(index, pace, book, now: now) ?? 0
                enter(index, .paced(pace, more: more[index], back: 0, risk: risk))
            }
        }
        for (index, budget) in cells[cell].budgets.enumerated() {
            let count = cells[cell].pacers.count + index
            enter(count, daily(budget, more: more[count], known: used[count]))
        }
        if cells[cell].maxInFlight < .max {
            let held = held(cell)
            cells[cell].shared?.toldHeld = held
            enter(keys.count - 1, .counted(most: cells[cell].maxInFlight, held: held))
        }
        return draft.places[cell] ?? []
    }

    /// What is sent at the latest instant that was given is still within what is counted.
    private func sliding(_ pacer: RatePacer, more: Int, known: Int) -> SharedTurn.Kind {
        .sliding(most: pacer.capacity, span: pacer.rate.window + .seconds(1) + frame.jitter, more: more, known: known)
    }

    /// Around midnight nobody goes, so that nobody is counted for the wrong day.
    private func daily(_ budget: Cell.DayBudget, more: Int, known: Int) -> SharedTurn.Kind {
        let wall = sharedBook?.clock.wallClock ?? frame.wallClock
        let (zone, skew) = (budget.budget.zone, budget.budget.skew)
        let day = zone.day(of: wall.unixSeconds(now - skew))
        let end = StoreTime(microseconds: (zone.midnight(beginning: day + 1) + 2) * 1_000_000)
        let isLate = zone.day(of: wall.unixSeconds(now + skew)) != day
        return .daily(most: isLate ? 0 : budget.rate.quota, day: day, end: end, more: more, known: known)
    }
}

/// A turn in the making.
private struct TurnDraft {
    var turn: SharedBook.Turn
    let epoch: String
    var cells: [SharedTurn.Cell] = []
    var asks: [SharedTurn.Ask] = []
    var pause = Interval.zero
    /// Of each of the gate's cells that has entries.
    var places: [Int: [Int]] = [:]
    private var back: [[Int]: Int] = [:]

    init(turn: SharedBook.Turn, epoch: String) { (self.turn, self.epoch) = (turn, epoch) }

    var hasRoom: Bool { asks.count < SharedBook.mostAsks && cells.count < SharedBook.mostCells }
    var isEmpty: Bool { cells.isEmpty && asks.isEmpty && pause == .zero }

    mutating func enter(_ entry: SharedTurn.Cell, _ cell: Int, _ count: Int) {
        places[cell, default: []].append(cells.count)
        cells.append(entry)
        turn.entries.append((cell, count))
    }

    mutating func ask(_ ask: SharedTurn.Ask, of cell: Int) {
        asks.append(ask)
        turn.asks.append(cell)
    }

    mutating func giveBack(_ units: Int, _ cell: Int, _ count: Int) {
        if units > 0 { back[[cell, count], default: 0] += units }
    }

    /// What is sent.
    func words(by deadline: StoreTime?) -> SharedTurn {
        var cells = cells
        for (place, entry) in turn.entries.enumerated() {
            guard case .paced(let pace, let more, _, let risk) = cells[place].kind else { continue }
            cells[place].kind = .paced(pace, more: more, back: back[[entry.cell, entry.count]] ?? 0, risk: risk)
        }
        return SharedTurn(
            number: turn.number, epoch: epoch, deadline: deadline, promise: turn.promise, pause: pause, cells: cells,
            asks: asks)
    }
}
