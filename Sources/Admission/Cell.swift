/// Enforces one limit for one combination of the values that the limit is per.
struct Cell: Sendable {
    /// Place of the limit in the rules; -1 in a place that is free.
    let limit: Int
    /// The values that the limit is per, in its order; empty where it holds for all.
    let values: [String]
    let maxInFlight: Int
    let maxDistinct: Int
    private(set) var inFlight = 0
    /// Distinct combinations under way.
    private(set) var underWay = 0
    private(set) var pacers: [RatePacer]
    /// Asks waiting that this cell will have to admit.
    var waiting = 0
    /// Nodes of the fair line that attach to the cell.
    var users = 0
    /// Whether it stands in the list of cells that nobody is tied to.
    var isLingering = false
    /// Nodes that left the line until the cell opens.
    var parked: [Int] = []
    /// Whether it is open and has woken some of those parked on it, but not all.
    var isContested = false

    init(limit: Int, values: [String], terms: Limit.Terms, pacing: Pacing, jitter: Interval) {
        self.limit = limit
        self.values = values
        maxInFlight = terms.inFlight ?? .max
        maxDistinct = terms.distinct?.atMost ?? .max
        pacers = terms.rates.filter { $0.unit == .requests }.map {
            RatePacer($0, pacing: pacing, jitter: jitter)
        }
    }

    /// What a freed place holds.
    static let freed = Cell(limit: -1, values: [], terms: Limit.Terms(), pacing: .burst, jitter: .zero)

    /// The earliest instant at which one more attempt fits; ``Instant/never`` where only a settlement can tell.
    func opening(isNew: Bool, now: Instant) -> Instant {
        if inFlight >= maxInFlight || isNew && underWay >= maxDistinct { return .never }
        return rated(now: now)
    }

    /// The earliest instant, `now` or later, at which every rate lets one go.
    func rated(now: Instant) -> Instant {
        var latest = now
        for index in pacers.indices { latest = max(latest, pacers[index].earliest(for: 1, now: now)) }
        return latest
    }

    /// Before this the rates certainly let nobody go that has so many others before it.
    func rated(behind others: Int, now: Instant) -> Instant {
        var latest = now
        for index in pacers.indices { latest = max(latest, pacers[index].earliest(behind: others, now: now)) }
        return latest
    }

    /// The earliest instant at which one of those parked on it may fit.
    func wakingTime(now: Instant) -> Instant {
        // A cell that only counts combinations holds none but new ones back.
        opening(isNew: maxInFlight == .max && pacers.isEmpty, now: now)
    }

    mutating func charge(now: Instant) {
        inFlight += 1
        for index in pacers.indices {
            pacers[index].expire(now: now)
            pacers[index].charge(1, at: now)
        }
    }

    mutating func release() {
        precondition(inFlight > 0, "a slot is given back once")
        inFlight -= 1
    }

    /// Takes back the units of an attempt that was never sent.
    mutating func uncharge(at instant: Instant, now: Instant) {
        for index in pacers.indices { pacers[index].uncharge(1, at: instant, now: now) }
    }

    /// Charges the units of an attempt whose slot is already held.
    mutating func recharge(at instant: Instant) {
        for index in pacers.indices { pacers[index].charge(1, at: instant) }
    }

    mutating func forgoBurst(until instant: Instant) {
        for index in pacers.indices { pacers[index].forgoBurst(until: instant) }
    }

    mutating func expire(now: Instant) {
        for index in pacers.indices { pacers[index].expire(now: now) }
    }

    mutating func begin() { underWay += 1 }

    mutating func end() {
        precondition(underWay > 0, "what ends has begun")
        underWay -= 1
    }

    /// Whether it can hold anything back.
    var isBounded: Bool { maxInFlight < .max || maxDistinct < .max || !pacers.isEmpty }

    /// Whether nothing of its past or present matters any more.
    func isIdle(now: Instant) -> Bool {
        inFlight == 0 && underWay == 0 && waiting == 0 && parked.isEmpty
            && pacers.allSatisfy { $0.idleAt(now: now) <= now }
    }
}

/// One combination of values that a `distinct` limit counts.
struct DistinctEntry: Sendable {
    let cell: Int
    let values: [String]
    var inFlight = 0
    var waiting = 0
    var isUnderWay = false
    /// Nodes of the fair line that stand for the combination.
    var nodes: [Int] = []
}

/// A node's tie to a cell, and to the combination that counts there where the limit is a distinct one.
struct Attachment: Sendable {
    let cell: Int
    /// -1 where the limit counts no combinations.
    let entry: Int
}
