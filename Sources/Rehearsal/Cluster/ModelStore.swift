import Admission

/// The store of shared limits as the script in `SharedLimits` runs it, in Swift: for worlds in virtual time, and to hold
/// the script against.
///
/// Times are microseconds; units of pool and debt are fractions, as they are in the store.
package struct ModelStore: Sendable {
    /// What the server calls itself; another one after a failover.
    package var run = "run"
    private var room = Room()
    private var paced: [String: Paced] = [:]
    private var counted: [String: Counted] = [:]
    private var daily: [String: [Int64: Int]] = [:]
    private var sliding: [String: [Int64: Int]] = [:]
    private var pauses: [String: Int64] = [:]
    private var seen: [String: Int64] = [:]
    /// The names of those in `seen`, in order.
    private var members: [String] = []
    private var tags: [String: Double] = [:]
    private var line: [String: Double] = [:]
    private var wanting: [String: Int64] = [:]

    private static let learning: Int64 = 600_000
    private static let imminent: Int64 = 20_000
    private static let dead: Int64 = 14_400_000
    private static let forgetting: Int64 = 60_000_000
    private static let returning: Int64 = 500_000
    private static let horizon = SharedTurn.horizon.nanoseconds / 1000

    struct Room: Sendable {
        var epoch = ""
        var run = ""
        var before = ""
        var born: Int64 = 0
        var lost = false
        var now: Int64 = 0
        var present = 0.0
        var version = 0
        var pause: Int64 = 0
        var calm: Int64 = 0
        /// Until then some may still go by their parts.
        var resumed: Int64 = 0
    }

    struct Paced: Sendable {
        var due: Int64
        var at: Int64
        var pool: Double
        /// What bursts cost, by until when: those of an eighth to a quarter of a span end together.
        var debts: [(till: Int64, units: Double)] = []

        /// - Returns: the debt at a time, and when the first part of it ends.
        func owed(at time: Int64) -> (units: Double, ends: Int64) {
            debts.reduce((0, Int64.max)) { sum, debt in
                debt.till > time ? (sum.0 + debt.units, min(sum.1, debt.till)) : sum
            }
        }

        mutating func owe(_ units: Double, until till: Int64) {
            if let known = debts.firstIndex(where: { $0.till == till }) {
                debts[known].units += units
            } else {
                debts.append((till, units))
            }
        }

        /// From one unit to the next; `nil` where debts leave no room until the first of them ends.
        func spacing(at time: Int64, _ pace: Cell.Pace) -> Double? {
            let debt = owed(at: time).units
            if debt <= 0 { return pace.gap }
            let rest = pace.units - debt
            return rest < 0.001 ? nil : Double(pace.span) / rest
        }
    }

    struct Counted: Sendable {
        var version = -1
        var held: [String: Int] = [:]
    }

    package init() {}

    /// Loses all data.
    package mutating func flush() {
        let run = run
        self = ModelStore()
        self.run = run
    }

    // MARK: A turn

    /// `nil` for a turn that comes too late.
    package mutating func answer(_ turn: SharedTurn, of me: String, now time: StoreTime) -> SharedAnswer? {
        let now = max(time.microseconds, room.now)
        if let deadline = turn.deadline, now > deadline.microseconds { return nil }
        enter(turn, me, now)
        let gone = Set(members.indices.filter { (seen[members[$0]] ?? now) < now })
        let (count, absent) = (members.count, gone.count)
        for (name, until) in wanting where until <= now { (wanting[name], line[name]) = (nil, nil) }
        var sitting = Sitting(now: now, count: count, gone: gone, pause: room.pause, me: me)
        for cell in turn.cells { sitting.cells.append(self.cell(cell, turn.leaves, sitting)) }
        let grants = turn.asks.map { grant($0, &sitting) }
        for (name, tag) in tags where tag < room.present - 1_000_000 { tags[name] = nil }
        for cell in sitting.cells { keep(cell, turn.leaves, sitting) }
        room.now = now
        return SharedAnswer(
            epoch: room.epoch, now: StoreTime(microseconds: now), members: count,
            rank: members.firstIndex(of: me) ?? 0, absent: absent, pause: .microseconds(Int(max(0, room.pause - now))),
            cells: sitting.cells.map { $0.answer(now: now) }, grants: grants)
    }

    private mutating func enter(_ turn: SharedTurn, _ me: String, _ now: Int64) {
        if room.epoch.isEmpty {
            (room.epoch, room.before) = ("\(me):\(now)", turn.epoch)
            (room.born, room.lost) = (now, !turn.epoch.isEmpty)
            room.resumed = room.lost && turn.deadline == nil ? now + Self.returning : 0
        } else if room.run != run || !turn.epoch.isEmpty && turn.epoch != room.epoch && turn.epoch != room.before {
            (room.born, room.lost) = (now, true)
            if turn.epoch != room.epoch { room.before = turn.epoch }
        }
        room.run = run
        if turn.pause > .zero { room.pause = max(room.pause, now + turn.pause.nanoseconds / 1000) }
        if let due = seen[me], due < now { room.calm = now }
        if turn.leaves {
            seen[me] = nil
            members.removeAll { $0 == me }
            room.version += 1
        } else {
            if seen[me] == nil { members = (members + [me]).sorted() }
            seen[me] = now + turn.promise.nanoseconds / 1000
        }
        for (name, until) in seen where until <= now - Self.dead {
            seen[name] = nil
            members.removeAll { $0 == name }
            room.version += 1
        }
    }

    // MARK: Cells

    /// What one turn works on.
    struct Sitting {
        let now: Int64
        let count: Int
        /// Ranks of those that did not come when they had promised to.
        let gone: Set<Int>
        let pause: Int64
        let me: String
        var cells: [Cell] = []

        /// While some are away everybody goes by the grid whose instants the absent may be using.
        func onGrid(_ pace: Cell.Pace, _ time: Int64) -> Int64 {
            if gone.isEmpty { return time }
            var place = Int64((Double(time) / pace.step).rounded(.up))
            for _ in 0..<count where gone.contains(Int(place % Int64(count))) { place += 1 }
            return Int64((Double(place) * pace.step).rounded(.up))
        }
    }

    struct Cell {
        let key: String
        let isOwn: Bool
        var pause: Int64
        var isClosed = false
        var kind: Kind

        enum Kind {
            case paced(Paced, Pace)
            case counted(most: Int, sum: Int, held: Int)
            case daily(most: Int, used: Int, day: Int64, till: Int64)
            case sliding(most: Int, used: Int, slot: Int64, fresh: Int, till: Int64)
        }

        struct Pace {
            let gap: Double
            let step: Double
            let span: Int64
            let burst: Double
            var units: Double { Double(span) / gap }
            var ratio: Double { 1 / (1 - min(0.9, burst / units)) }
            /// The power of two that is an eighth to a quarter of the span: alike for replicas whose spans differ a little.
            var slice: Int64 {
                var slice: Int64 = 1
                while slice * 8 <= span { slice *= 2 }
                return slice
            }
        }

        func answer(now: Int64) -> SharedAnswer.Cell {
            let kind: SharedAnswer.Kind =
                switch self.kind {
                case .paced(let state, _):
                    .paced(
                        due: .microseconds(Int(state.due - now)),
                        debt: Int((state.owed(at: now).units * 1000).rounded(.up)),
                        pool: Int((state.pool * 1000).rounded(.up)))
                case .counted(_, let sum, let held): .counted(held: sum, own: held)
                case .daily(_, let used, _, _): .amount(used: used)
                case .sliding(_, let used, _, _, _): .amount(used: max(0, used))
                }
            return SharedAnswer.Cell(kind: kind, pause: .microseconds(Int(max(0, pause - now))))
        }
    }

    private mutating func cell(_ cell: SharedTurn.Cell, _ leaves: Bool, _ sitting: Sitting) -> Cell {
        let now = sitting.now
        var pause = pauses[cell.key] ?? 0
        if cell.pause > .zero { pause = max(pause, now + cell.pause.nanoseconds / 1000) }
        var result = Cell(key: cell.key, isOwn: cell.isOwn, pause: pause, kind: .counted(most: 0, sum: 0, held: 0))
        let isLearning = now < room.born + Self.learning
        switch cell.kind {
        case .paced(let pace, let more, let back, let risk):
            let pace = Cell.Pace(
                gap: Double(pace.gap.nanoseconds) / 1000,
                step: Double(pace.gap.nanoseconds + pace.gap.nanoseconds / 9 + 1) / 1000,
                span: pace.span.nanoseconds / 1000, burst: Double(pace.burst))
            var state = present(cell.key, pace, back: Double(back), risk: Double(risk) / 1000, now)
            if more != 0 { Self.pay(&state, pace, Double(more), max(state.due, now), sitting) }
            if max(sitting.pause, pause) > now { (state.pool, state.due) = (0, max(state.due, sitting.pause, pause)) }
            result.kind = .paced(state, pace)
        case .counted(let most, let held):
            var count = counted[cell.key] ?? Counted()
            if count.version != room.version { count.held = count.held.filter { seen[$0.key] != nil } }
            count.version = room.version
            count.held[sitting.me] = leaves ? nil : held
            counted[cell.key] = count
            result.kind = .counted(most: most, sum: count.held.values.reduce(0, +), held: held)
            result.isClosed = isLearning
        case .daily(let most, let day, let end, let more, let known):
            let used = max(known, daily[cell.key]?[day] ?? 0) + more
            result.kind = .daily(most: most, used: used, day: day, till: end.microseconds)
            result.isClosed = isLearning
        case .sliding(let most, let span, let more, let known):
            result.kind = slide(cell.key, most, span.nanoseconds / 1000, more, known, now)
            result.isClosed = isLearning
        }
        return result
    }

    /// By twenty-fourths, each of which is counted until all of it is older than the span.
    private mutating func slide(
        _ key: String, _ most: Int, _ span: Int64, _ more: Int, _ known: Int, _ now: Int64
    ) -> Cell.Kind {
        let slot = now / (span / 24)
        let slots = (sliding[key] ?? [:]).filter { $0.key >= slot - 24 }
        sliding[key] = slots
        let used = slots.values.reduce(0, +)
        let told = now >= room.born + Self.forgetting ? 0 : known
        return .sliding(
            most: most, used: max(used, told) + more, slot: slot,
            fresh: (slots[slot] ?? 0) + max(0, told - used) + more,
            till: max(now + Self.horizon + 1, ((slots.keys.min() ?? slot) + 25) * (span / 24)))
    }

    private func present(
        _ key: String, _ pace: Cell.Pace, back: Double, risk: Double, _ now: Int64
    ) -> Paced {
        var state = Paced(due: now, at: now, pool: pace.burst)
        if let known = paced[key], known.at >= room.born {
            state = known
            state.debts.removeAll { $0.till <= now }
            // Nobody has missed what was there before: so nothing was, and the cell began at rest.
            if !room.lost, known.at < room.born + Self.learning, now >= room.born + Self.learning {
                state.pool += max(0, pace.burst - Double(Self.learning) / pace.gap)
            }
        } else if now < room.born + (room.lost ? pace.span : Self.learning) {
            state = Paced(due: max(now + Self.horizon, room.resumed) + Int64(pace.gap.rounded(.up)), at: now, pool: 0)
            state.owe(
                min(risk, pace.burst * pace.ratio), until: room.lost ? now + pace.span : room.born + Self.learning)
        }
        if state.at < room.calm {
            (state.due, state.pool, state.at) = (max(state.due, now + Int64(pace.gap.rounded(.up))), 0, now)
        }
        state.pool = max(0, state.pool - Double(max(0, min(state.due, now) - state.at)) / pace.gap)
        if let usual = state.spacing(at: now, pace) {
            state.pool += Double(max(0, now - max(state.due, state.at))) / usual
        }
        state.pool = min(max(0, pace.burst - state.owed(at: now).units / pace.ratio), state.pool + back)
        (state.due, state.at) = (max(state.due, now), now)
        return state
    }

    private static func pay(
        _ state: inout Paced, _ pace: Cell.Pace, _ units: Double, _ start: Int64, _ sitting: Sitting
    ) {
        if start >= state.due || units < 0 {
            let from = units < 0 ? state.due : start
            if let usual = state.spacing(at: from, pace) {
                state.due = from + length(units, usual, sitting)
            } else {
                state.due = units < 0 ? from : state.owed(at: from).ends
            }
            if units < 0 { state.due = max(sitting.now, state.due) }
            return
        }
        let usual = state.spacing(at: start, pace)
        state.pool -= units
        let slices = (start + pace.span + pace.slice - 1) / pace.slice
        state.owe(units * pace.ratio, until: slices * pace.slice)
        let after = state.spacing(at: start, pace)
        if let after, let usual { state.due += Int64((after - usual).rounded(.up)) }
        if after == nil { state.due = max(state.due, state.owed(at: start).ends) }
    }

    private static func length(_ units: Double, _ usual: Double, _ sitting: Sitting) -> Int64 {
        let length = (units * usual).rounded(.up)
        guard !sitting.gone.isEmpty, units > 1 else { return Int64(length) }
        return Int64(
            (length * Double(sitting.count) / Double(max(1, sitting.count - sitting.gone.count))).rounded(.up))
    }

    private mutating func keep(_ cell: Cell, _ leaves: Bool, _ sitting: Sitting) {
        pauses[cell.key] = cell.pause
        switch cell.kind {
        case .paced(let state, _): paced[cell.key] = state
        case .counted(_, _, let held): counted[cell.key]?.held[sitting.me] = leaves ? nil : held
        case .daily(_, let used, let day, _): daily[cell.key, default: [:]][day] = used
        case .sliding(_, _, let slot, let fresh, _): sliding[cell.key, default: [:]][slot] = fresh
        }
    }

    // MARK: Asks

    private mutating func grant(_ ask: SharedTurn.Ask, _ sitting: inout Sitting) -> SharedAnswer.Grant {
        let (name, step, now) = (ask.share, Double(ask.step) / 1000, sitting.now)
        let poll = min(50_000, max(10_000, Int64(sitting.count) * 400))
        var tag = tags[name] ?? 0
        if wanting[name] == nil { tag = max(tag, room.present) }
        let least = line.filter { $0.key != name }.map(\.value).min()
        var delays: [Interval] = []
        var retry: Int64 = 0
        var isOwn = false
        for units in ask.units where retry == 0 {
            let opening = self.opening(ask.cells, units, sitting)
            let isAhead = least.map { tag > $0 + step } ?? false
            if opening.isFull {
                (retry, isOwn) = (poll, opening.isOwn)
            } else if opening.at > now + Self.horizon {
                (retry, isOwn) = (opening.at - now - Self.horizon, opening.isOwn)
            } else if isAhead, opening.at > now + Self.imminent {
                retry = opening.at - now - Self.imminent
            } else if isAhead, isScarce(ask.cells, sitting) {
                retry = poll
            } else {
                for (place, index) in ask.cells.enumerated() { charge(index, units[place], opening.at, &sitting) }
                delays.append(.microseconds(Int(opening.at - now)))
                room.present = max(room.present, tag)
                tag += step
            }
        }
        tags[name] = tag
        wanting[name] = now + min(retry, 1_000_000) + 100_000
        line[name] = retry > 0 && !isOwn ? tag : nil
        return SharedAnswer.Grant(delays: delays, retry: .microseconds(Int(retry)))
    }

    private func opening(
        _ cells: [Int], _ units: [Int], _ sitting: Sitting
    ) -> (at: Int64, isOwn: Bool, isFull: Bool) {
        var (start, isOwn, isFull) = (max(sitting.now, sitting.pause), false, false)
        for (place, index) in cells.enumerated() {
            let cell = sitting.cells[index]
            var opens = sitting.now
            switch cell.kind {
            case .paced(let state, let pace):
                if !sitting.gone.isEmpty {
                    opens = sitting.onGrid(pace, state.due)
                } else if state.due > sitting.now, state.pool < Double(units[place]) {
                    opens = state.due
                }
            case _ where cell.isClosed: (isFull, isOwn) = (true, isOwn || cell.isOwn)
            case .counted(let most, let sum, _):
                if sum + units[place] > most { (isFull, isOwn) = (true, isOwn || cell.isOwn) }
            case .daily(let most, let used, _, let till), .sliding(let most, let used, _, _, let till):
                if used + units[place] > most { opens = till }
            }
            opens = max(opens, cell.pause)
            if opens > start { (start, isOwn) = (opens, cell.isOwn) }
        }
        return (start, isOwn, isFull)
    }

    private func charge(_ index: Int, _ units: Int, _ start: Int64, _ sitting: inout Sitting) {
        switch sitting.cells[index].kind {
        case .paced(var state, let pace):
            Self.pay(&state, pace, Double(units), start, sitting)
            sitting.cells[index].kind = .paced(state, pace)
        case .counted(let most, let sum, let held):
            sitting.cells[index].kind = .counted(most: most, sum: sum + units, held: held + units)
        case .daily(let most, let used, let day, let till):
            sitting.cells[index].kind = .daily(most: most, used: used + units, day: day, till: till)
        case .sliding(let most, let used, let slot, let fresh, let till):
            sitting.cells[index].kind = .sliding(
                most: most, used: used + units, slot: slot, fresh: fresh + units, till: till)
        }
    }

    private func isScarce(_ cells: [Int], _ sitting: Sitting) -> Bool {
        cells.contains { index in
            guard case .counted(let most, let sum, _) = sitting.cells[index].kind else { return false }
            return most - sum <= line.count
        }
    }
}
