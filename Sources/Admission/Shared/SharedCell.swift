/// What the cell of a shared limit knows of all replicas, and how it decides where the store does not.
struct SharedCell: Sendable {
    /// Whose count it goes by.
    enum Way: Sendable {
        /// The store's: its credits say who goes, and nothing here holds anybody back.
        case store
        /// This replica's part.
        case part
        /// Its own, as if there were no other replica.
        case own
    }

    private(set) var way = Way.own
    /// What the store calls its counts: one per rate, then one per day's budget, then the one of those in flight.
    let keys: [String]
    /// Since when it goes this way.
    private(set) var since = Instant(nanoseconds: .min)
    /// Units, by rate and budget, that were charged otherwise than granted, since that was last said.
    private(set) var more: [Int]
    /// Instants that the store gave and that are not used yet: each holds a slot there.
    var credited = 0
    /// What the store was last told of the slots that are held.
    var toldHeld = 0
    /// Whether it stands in the list of what is told with the next turn.
    var isPutOff = false
    /// By rate: what the store last said.
    private(set) var paced: [Paced]
    /// By rate and budget, whether it is an amount and not a pace.
    private let amounts: [Bool]
    /// By rate and budget: how much of an amount is used.
    var used: [Int]
    /// Of all replicas.
    private var heldByAll = 0
    /// By rate; `nil` for an amount.
    private var parts: [PartPacer?] = []
    private var mostInFlight = Int.max
    /// From then on the part of the slots counts, whoever held them before.
    private(set) var settlesAt = Instant.never
    private var lastingInFlight = Int.max
    /// By rate and budget: what this replica may still use of an amount.
    private var allowance: [Int] = []
    /// By rate and budget: what it has used of its parts since the store last knew.
    private var spent: [Int]
    /// Until when the provider's pause was told.
    var toldPause = Instant(nanoseconds: .min)

    /// A rate as the store last described it.
    struct Paced: Sendable {
        var due = Instant(nanoseconds: .min)
        /// In thousandths of a unit.
        var debt: Int?
        var pool = 0
        var at = Instant(nanoseconds: .min)
    }

    /// What a slot is presumed to be held for by a replica that nobody hears of: as long as the store presumes it.
    static let lease = Interval.seconds(15)

    /// - Parameters:
    ///   - rates: how many of the counts are rates; they come first.
    ///   - amounts: of each rate and budget whether it is an amount.
    init(keys: [String], rates: Int, amounts: [Bool]) {
        (self.keys, self.amounts) = (keys, amounts)
        more = amounts.map { _ in 0 }
        paced = Array(repeating: Paced(), count: rates)
        (used, spent) = (more, more)
    }

    // MARK: What the store says

    mutating func noteRate(_ rate: Int, due: Instant, debt: Int, pool: Int, now: Instant) {
        paced[rate] = Paced(due: due, debt: debt, pool: pool, at: now)
    }

    mutating func noteHeld(_ all: Int, own: Int) { (heldByAll, toldHeld) = (all, own) }

    /// Whether somebody may be waiting for a slot elsewhere.
    func isScarce(of most: Int) -> Bool { most < .max && heldByAll >= (most + 1) / 2 }

    /// The debt, in thousandths, that the store's count of a rate may have by now: what it had, and what a burst since
    /// then would have added. Nobody uses the pool while this replica is missed, which ends when it is given up.
    func risk(_ rate: Int, _ pace: SharedPace, _ book: SharedBook, now: Instant) -> Int {
        let known = paced[rate]
        let full = pace.burst * pace.ratio
        guard let debt = known.debt, now - known.at < .seconds(14) else { return full }
        let filled = book.presence(since: known.at, now: now).nanoseconds * 1000 / max(1, pace.gap.nanoseconds)
        return min(full, debt + min(pace.burst * 1000, known.pool + Int(filled)) * pace.ratio / 1000)
    }

    mutating func takeMore() -> [Int] {
        defer { more = more.map { _ in 0 } }
        return more
    }

    mutating func add(_ units: Int, at place: Int) { more[place] += units }

    // MARK: Ways

    mutating func goByStore(now: Instant) {
        (way, since, credited, toldHeld) = (.store, now, 0, -1)
        // Rates are kept by the grid meanwhile; what was used of a day stays used.
        more = spent
        spent = spent.map { _ in 0 }
        (parts, mostInFlight, settlesAt, allowance) = ([], .max, .never, [])
    }

    mutating func goAlone(now: Instant) { (way, since, credited, settlesAt) = (.own, now, 0, .never) }

    /// - Parameters:
    ///   - most: of slots that all replicas have; `inFlight` of them are this one's.
    ///   - paces: of the rates.
    ///   - quotas: of rates and budgets.
    mutating func goByPart(
        _ part: Part, paces: [SharedPace], quotas: [Int], most: Int, inFlight: Int, now: Instant
    ) {
        (way, since, credited) = (.part, now, 0)
        parts = paces.indices.map { rate in
            if amounts[rate] { return nil }
            let known = paced[rate]
            let units = max(1, Int(paces[rate].span.nanoseconds / max(1, paces[rate].gap.nanoseconds))) * 1000
            let debt = min(units - 1, known.debt ?? paces[rate].burst * paces[rate].ratio)
            return PartPacer(
                paces[rate], rank: part.rank, of: part.members, stretch: Self.stretch(debt: debt, of: units),
                clock: part.clock,
                // A twentieth of the window late costs less than the tenth that is left free.
                validity: max(part.validity, paces[rate].span / 20),
                // What was given before the others knew has gone by then.
                from: max(now + SharedTurn.horizon + paces[rate].gap, known.due))
        }
        allowance = quotas.indices.map { max(0, quotas[$0] - used[$0]) * 9 / 10 / part.members - spent[$0] }
        guard most < .max else { return }
        lastingInFlight = part.slots(of: most)
        // Whoever holds more lets go of it first; what was free is known, who let go of what since is not.
        let free = max(0, most - heldByAll)
        mostInFlight = min(lastingInFlight, inFlight + part.slots(of: free))
        if inFlight >= lastingInFlight { mostInFlight = lastingInFlight }
        settlesAt = now + Self.lease
    }

    /// Every how manieth instant of the grid may be used while there is a debt of so many of a span's units.
    ///
    /// The grid has nine tenths of them, and what is sent a twentieth of a span late adds half a tenth: a debt of a
    /// twentieth is paid by what is left free anyway.
    static func stretch(debt: Int, of units: Int) -> Int { (units * 19 / 20) / (units - debt) + 1 }

    /// Which part of everything is this replica's.
    struct Part: Sendable {
        let rank: Int
        let members: Int
        let clock: StoreClock
        let validity: Interval

        /// Nine tenths of the slots, dealt out one by one.
        func slots(of most: Int) -> Int {
            let all = most * 9 / 10
            return all / members + (rank < all % members ? 1 : 0)
        }
    }

    mutating func settle(now: Instant) {
        guard settlesAt <= now else { return }
        (mostInFlight, settlesAt) = (lastingInFlight, .never)
    }

    // MARK: Deciding

    /// `now` or later, where it goes by its part.
    ///
    /// - Parameter units: by rate and budget.
    func opening(inFlight: Int, units: [Int], now: Instant) -> Instant {
        if inFlight >= mostInFlight { return .never }
        var latest = now
        for (rate, part) in parts.enumerated() where units[rate] > 0 {
            if let part { latest = max(latest, part.opening(now: now)) }
        }
        for (place, left) in allowance.enumerated() where amounts[place] && units[place] > left { return .never }
        return latest
    }

    mutating func charge(units: [Int], at instant: Instant) {
        switch way {
        case .own: break
        case .store: credited -= 1
        case .part:
            for rate in parts.indices where units[rate] > 0 { parts[rate]?.charge(units[rate], at: instant) }
            for place in allowance.indices where amounts[place] {
                allowance[place] -= units[place]
                spent[place] += units[place]
            }
        }
    }

    /// A send did not happen. Of this replica's part it is lost.
    mutating func uncharge(at instant: Instant) {
        if way == .store, instant >= since { credited += 1 }
    }
}
