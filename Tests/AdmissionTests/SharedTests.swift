import Rehearsal
import Testing

@testable import Admission

/// Small parts of the limits that all replicas share; the whole is rehearsed in `RehearsalTests`.
struct SharedTests {
    @Test("The store's time is bounded by every answer, and best by the shortest round trip")
    func clock() {
        var clock = StoreClock()
        func note(_ store: Int64, sent: Int, received: Int) {
            clock.note(
                StoreTime(microseconds: store), sentAt: .start + .microseconds(sent),
                receivedAt: .start + .microseconds(received))
        }
        // The store is a second ahead; answers take 10 ms there and nothing back, then 100 µs both ways.
        let origin = Instant.start.nanoseconds / 1000 + 1_000_000
        note(origin + 10_000, sent: 0, received: 10_000)
        note(origin + 20_100, sent: 20_000, received: 20_200)
        let error = clock.instant(StoreTime(microseconds: origin + 30_000)) - (.start + .microseconds(30_000))
        #expect(abs(error.nanoseconds) <= 110_000)
        // Another store, an hour behind: the old bounds no longer hold.
        note(origin - 3_600_000_000, sent: 40_000, received: 40_100)
        let after = clock.time(.start + .microseconds(40_050))
        #expect(abs(after.microseconds - (origin - 3_600_000_000)) <= 101)
    }

    @Test("The parts of all replicas are one even grid of nine tenths")
    func grid() {
        let pace = SharedPace(gap: .milliseconds(90), span: .seconds(1), burst: 2)
        var clock = StoreClock()
        clock.note(StoreTime(microseconds: 5_000_000), sentAt: .start, receivedAt: .start)
        var sends: [Instant] = []
        for rank in 0..<4 {
            var part = PartPacer(
                pace, rank: rank, of: 4, stretch: 1, clock: clock, validity: .milliseconds(5), from: .start)
            var now = Instant.start
            while now < .start + .seconds(20) {
                let opening = part.opening(now: now)
                if opening > now {
                    now = opening
                } else {
                    part.charge(1, at: now)
                    sends.append(now)
                }
            }
        }
        sends.sort()
        for (one, next) in zip(sends, sends.dropFirst()) {
            #expect(abs((next - one - .milliseconds(100)).nanoseconds) <= 1000)
        }
        #expect(sends.count >= 198)
    }

    @Test("A small debt is paid by what parts leave free, a larger one by leaving instants out")
    func stretches() {
        for debt in stride(from: 0, to: 500_000, by: 100) {
            let stretch = SharedCell.stretch(debt: debt, of: 500_000)
            // Nine tenths, what is sent late, and the debt: never more than the whole.
            #expect(Double(500_000) * 0.945 / Double(stretch) + Double(debt) <= 500_000, "\(debt)")
            #expect(debt >= 25_000 || stretch == 1, "\(debt)")
        }
    }

    @Test("Where nobody may go without the store, who waits and who comes is refused as soon as it is away")
    func denied() {
        var rules = GateRules(limits: [
            Limit(name: "account", terms: Limit.Terms(rates: [.init(600, per: .minutes(1))]))
        ])
        rules.shared = SharedRules(limits: ["account"], whenAway: .deny)
        var gate = Gate(rules: rules, now: .start)
        gate.storeFound(now: .start)
        let turn = gate.takeTurn(now: .start)
        let answer = SharedAnswer(
            epoch: "e", now: StoreTime(microseconds: 1), members: 1, rank: 0, absent: 0, pause: .zero, cells: [],
            grants: [])
        gate.hear(answer, to: turn?.number ?? -1, now: .start)
        func submit(_ milliseconds: Int) -> Submission {
            gate.submit(Ask(identity: Identity()), now: .start + .milliseconds(milliseconds))
        }
        guard case .waiting(let ticket, _) = submit(1) else { return #expect(Bool(false), "not in line") }
        gate.storeLost(now: .start + .milliseconds(2))
        gate.advance(to: .start + .seconds(1))
        guard case .refused(ticket, let refusal)? = gate.takeDecisions().first else {
            return #expect(Bool(false), "still in line")
        }
        #expect(refusal.comeBack == .seconds(1) && refusal.limit?.limit == 0)
        guard case .refused = submit(1001) else { return #expect(Bool(false), "let in") }
    }

    @Test("Where nobody may go without the store, an attempt that would have another is refused as well")
    func deniedRetry() {
        var gate = joined(slots: 10, heldElsewhere: 0, whenAway: .deny)
        _ = gate.submit(Ask(identity: Identity()), now: .start)
        answer(&gate, 0, now: .start)
        guard case .granted(_, let permit)? = gate.takeDecisions().first else {
            return #expect(Bool(false), "not let in")
        }
        gate.storeLost(now: .start + .milliseconds(2))
        gate.advance(to: .start + .seconds(1))
        let deadline = Instant.start + .seconds(60)
        let submission = gate.retry(permit, at: .start + .seconds(2), deadline: deadline, now: .start + .seconds(1))
        guard case .refused(let refusal)? = submission else { return #expect(Bool(false), "waits") }
        #expect(refusal.comeBack == .seconds(1))
    }

    /// A gate with so many slots that the store has answered, and which knows that so many of them are held elsewhere.
    private func joined(
        slots: Int, heldElsewhere: Int, whenAway: SharedRules.WhenAway = .part
    ) -> Gate {
        var rules = GateRules(limits: [Limit(name: "account", terms: Limit.Terms(inFlight: slots))])
        rules.shared = SharedRules(limits: ["account"], whenAway: whenAway)
        var gate = Gate(rules: rules, now: .start)
        gate.storeFound(now: .start)
        answer(&gate, heldElsewhere, now: .start)
        return gate
    }

    /// The store's answer to the turn that is due, which lets everybody go.
    @discardableResult
    private func answer(_ gate: inout Gate, _ heldElsewhere: Int, now: Instant) -> SharedTurn? {
        guard let turn = gate.takeTurn(now: now) else { return nil }
        let granted = turn.asks.reduce(0) { $0 + $1.units.count }
        let cells = turn.cells.map { cell -> SharedAnswer.Cell in
            guard case .counted(_, let held) = cell.kind else {
                return SharedAnswer.Cell(kind: cell.kind.answer, pause: .zero)
            }
            let own = held + granted
            return SharedAnswer.Cell(kind: .counted(held: heldElsewhere + own, own: own), pause: .zero)
        }
        let grants = turn.asks.map {
            SharedAnswer.Grant(delays: Array(repeating: .zero, count: $0.units.count), retry: .zero)
        }
        let time = StoreTime(microseconds: 1_000_000 + now.nanoseconds / 1000)
        gate.hear(
            SharedAnswer(
                epoch: "e", now: time, members: 1, rank: 0, absent: 0, pause: .zero, cells: cells, grants: grants),
            to: turn.number, now: now)
        return turn
    }

    @Test(
        "The end of a request is told with the next one's turn, or soon; at once where slots are scarce",
        arguments: [0, 6])
    func slack(heldElsewhere: Int) {
        var gate = joined(slots: 10, heldElsewhere: heldElsewhere)
        func at(_ milliseconds: Int) -> Instant { .start + .milliseconds(milliseconds) }
        guard case .waiting = gate.submit(Ask(identity: Identity()), now: at(1)) else {
            return #expect(Bool(false), "let in without the store")
        }
        #expect(answer(&gate, heldElsewhere, now: at(1))?.asks.count == 1)
        guard case .granted(_, let permit)? = gate.takeDecisions().first else {
            return #expect(Bool(false), "not let in")
        }
        #expect(gate.takeTurn(now: at(1)) == nil)
        gate.settle(permit, Verdict.none, now: at(2))
        let told = answer(&gate, heldElsewhere, now: at(2))
        #expect((told != nil) == (heldElsewhere > 0))
        guard told == nil else { return }
        #expect(gate.nextDeadline == at(12))
        // With the next one …
        _ = gate.submit(Ask(identity: Identity()), now: at(3))
        let next = answer(&gate, heldElsewhere, now: at(3))
        #expect(next?.asks.count == 1 && next?.cells.map(\.kind) == [.counted(most: 10, held: 0)])
        // … or alone.
        guard case .granted(_, let second)? = gate.takeDecisions().first else {
            return #expect(Bool(false), "not let in")
        }
        gate.settle(second, Verdict.none, now: at(4))
        #expect(gate.takeTurn(now: at(4)) == nil && gate.takeTurn(now: at(13)) == nil)
        gate.advance(to: at(14))
        #expect(gate.takeTurn(now: at(14))?.cells.map(\.kind) == [.counted(most: 10, held: 0)])
    }

    @Test("A replica's fear ends where the others began to miss it, and goes on when it is back")
    func presence() {
        var rules = GateRules(limits: [
            Limit(name: "account", terms: Limit.Terms(rates: [.init(600, per: .minutes(1))]))
        ])
        rules.shared = SharedRules(limits: ["account"])
        guard var book = SharedBook(rules) else { return #expect(Bool(false), "nothing is shared") }
        func at(_ milliseconds: Int) -> Instant { .start + .milliseconds(milliseconds) }
        func turn(_ number: Int, _ milliseconds: Int) {
            book.begin(SharedBook.Turn(number: number, sentAt: at(milliseconds), promise: .milliseconds(100)))
            _ = book.end(number)
        }
        func presence(_ milliseconds: Int) -> Interval {
            book.presence(since: .start, now: at(milliseconds)) - SharedTurn.horizon
        }
        book.join()
        turn(1, 0)
        book.connect()
        #expect(presence(60) == .milliseconds(60))
        #expect(presence(5000) == .milliseconds(100))
        _ = book.part()
        book.join()
        #expect(presence(6000) == .milliseconds(100))
        turn(2, 6000)
        book.connect()
        #expect(presence(6040) == .milliseconds(140))
        turn(3, 6090)
        #expect(presence(6150) == .milliseconds(250))
    }

    @Test("A store that refuses every turn does not disturb who goes on without it")
    func refusedTurns() {
        var rules = GateRules(limits: [
            Limit(name: "account", terms: Limit.Terms(rates: [.init(600, per: .minutes(1))]))
        ])
        rules.shared = SharedRules(limits: ["account"])
        var book = SharedBook(rules)
        book?.join()
        book?.begin(SharedBook.Turn(number: 1, sentAt: .start, promise: .milliseconds(500)))
        _ = book?.end(1)
        book?.connect()
        #expect(book?.part() == true)
        book?.goAway(settlesAt: .never)
        for number in 2..<9 {
            book?.join()
            book?.begin(SharedBook.Turn(number: number, sentAt: .start + .seconds(number), promise: .milliseconds(500)))
            #expect(book?.isOnItsOwn == true)
            book?.refuseTurn()
            #expect(book?.part() == false && book?.standing == .away)
        }
        // One that may have been worked on binds this replica to what it promised there.
        book?.join()
        book?.begin(SharedBook.Turn(number: 9, sentAt: .start + .seconds(9), promise: .milliseconds(500)))
        #expect(book?.part() == true && book?.promisedUntil == .start + .milliseconds(9550))
    }

    @Test("What parts used of a day is told when the store is back, and is not given out twice")
    func spent() {
        var cell = SharedCell(keys: ["day", "in_flight"], rates: 0, amounts: [true])
        let part = SharedCell.Part(rank: 0, members: 1, clock: StoreClock(), validity: .milliseconds(5))
        for _ in 0..<2 {
            cell.goByPart(part, paces: [], quotas: [100], most: .max, inFlight: 0, now: .start)
            for _ in 0..<40 { cell.charge(units: [1], at: .start) }
        }
        #expect(cell.opening(inFlight: 0, units: [10], now: .start) == .start)
        #expect(cell.opening(inFlight: 0, units: [11], now: .start) == .never)
        cell.goByStore(now: .start)
        #expect(cell.takeMore() == [80])
    }

    @Test("A credit is for whoever comes first, good for a moment, and told of where it was not used")
    func credits() {
        var credits = Credits(share: "t", limits: [0], validity: .milliseconds(5))
        credits.clear(.credits)
        #expect(credits.opening(now: .start) == .never)
        credits.deposit(at: .start + .milliseconds(20), .none)
        credits.deposit(at: .start + .milliseconds(10), .none)
        #expect(credits.opening(now: .start) == .start + .milliseconds(10))
        credits.take(.none, now: .start + .milliseconds(10))
        #expect(credits.opening(now: .start + .milliseconds(26)) == .never)
        let (back, more) = credits.takeDifference()
        #expect(back.requests == 1 && more.isEmpty)
        // One that had to wait for a connection goes without, and is told of.
        credits.take(.none, now: .start + .milliseconds(30))
        #expect(credits.takeDifference().more.requests == 1)
    }

    @Test("Slots without the store: never more in all than the limit, however they were held", arguments: 1...50)
    func slots(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let (most, members) = (Int.random(in: 1...40, using: &random), Int.random(in: 1...8, using: &random))
        var held = Array(repeating: 0, count: members)
        for _ in 0..<Int.random(in: 0...most, using: &random) { held[Int.random(in: 0..<members, using: &random)] += 1 }
        let all = held.reduce(0, +)
        var total = 0
        for rank in 0..<members {
            var cell = SharedCell(keys: ["in_flight"], rates: 0, amounts: [])
            cell.noteHeld(all, own: held[rank])
            let part = SharedCell.Part(
                rank: rank, members: members, clock: StoreClock(), validity: .milliseconds(5))
            cell.goByPart(part, paces: [], quotas: [], most: most, inFlight: held[rank], now: .start)
            var own = held[rank]
            while cell.opening(inFlight: own, units: [], now: .start) == .start { own += 1 }
            total += own
        }
        #expect(total <= most, "seed \(seed): \(held) of \(most)")
    }
}

extension SharedTurn.Kind {
    /// As a store would say it that has nothing to say.
    fileprivate var answer: SharedAnswer.Kind {
        switch self {
        case .paced: .paced(due: .zero, debt: 0, pool: 0)
        case .counted(_, let held): .counted(held: held, own: held)
        case .daily(_, _, _, _, let known), .sliding(_, _, _, let known): .amount(used: known)
        }
    }
}
