/// Enforces one limit for one combination of the values that the limit is per.
struct Cell: Sendable {
    /// Place of the limit in the rules; -1 in a place that is free, -2 where the cell stands for a choice of keys.
    let limit: Int
    /// Place of the ``KeyChoice`` that the cell stands for, or -1. Such a cell is open where any of the keys is, and only
    /// the gate can tell.
    let choice: Int
    /// Whether the limit is one of keys.
    let isOfKeys: Bool
    /// The values that the limit is per, in its order; empty where it holds for all.
    let values: [String]
    let maxInFlight: Int
    let maxDistinct: Int
    /// Whether the limit may be the provider's own, so that the provider's refusals say something about it.
    let isAccountLike: Bool
    /// Whether all children of the line's root compete for it, so that its capacity is what they share.
    let isShared: Bool
    let countsTokens: Bool
    private(set) var inFlight = 0
    /// Distinct combinations under way.
    private(set) var underWay = 0
    private(set) var pacers: [RatePacer]
    /// Budgets of a calendar day.
    private(set) var budgets: [DayBudget]
    /// The provider told when to come back.
    var pause = Pause()
    private var lesson = Lesson()
    /// Before this no request goes that has no tokens, as pause and rates were when they last changed; `nil` where that
    /// also depends on the time of asking (a day's budget, a probe).
    private var restsUntil: Instant?
    /// Whether it has rates.
    let isPaced: Bool
    /// Whether it can hold anything back.
    let isBounded: Bool
    /// What one request takes of the rates that count requests.
    private let requestCost: Interval
    /// Asks waiting that this cell will have to admit, and the tokens reserved for them.
    private(set) var waiting = 0
    private(set) var waitingTokens = Tokens.none
    /// Nodes of the fair line that attach to the cell.
    var users = 0
    /// Whether it stands in the list of cells that nobody is tied to.
    var isLingering = false
    /// Nodes that left the line until the cell opens.
    var parked: [Int] = []
    /// The stand of the line's root among those that are parked, or -1.
    var stand = -1
    /// Whether it is open and has woken some of those parked on it, but not all.
    var isContested = false
    /// Whether the store has a say: one of the next two is set. They are large, and this is asked with every decision.
    var isRemote = false
    /// Where the limit holds over all replicas together.
    var shared: SharedCell?
    /// Where the cell stands for those that wait for such limits.
    var credits: Credits?
    /// Whether it stands in the list of those with something to tell the store.
    var isNoted = false

    /// A budget of a calendar day and what it counts.
    struct DayBudget: Sendable {
        let rate: Limit.Rate
        var budget: CalendarBudget
    }

    init(limit index: Int, _ limit: Limit, values: [String], terms: Limit.Terms, _ rules: GateRules, _ frame: GateFrame)
    {
        self.limit = index
        choice = -1
        isOfKeys = !limit.keys.isEmpty
        self.values = values
        maxInFlight = terms.inFlight ?? .max
        maxDistinct = terms.distinct?.atMost ?? .max
        isAccountLike = rules.isAccountLike(limit)
        isShared = terms.distinct == nil && !limit.per.contains(where: rules.fairness.levels.contains)
        countsTokens = terms.countsTokens
        isPaced = terms.rates.contains { !$0.isDaily(in: rules) }
        isBounded = terms.inFlight != nil || terms.distinct != nil || !terms.rates.isEmpty
        requestCost =
            terms.rates.filter { $0.unit == .requests }.map { Self.cost(.none, at: $0) }.max() ?? .zero
        let isAccountLike = isAccountLike
        pacers = terms.rates.filter { !$0.isDaily(in: rules) }.map {
            RatePacer($0, pacing: rules.pacing, jitter: frame.jitter, probes: isAccountLike)
        }
        budgets = terms.rates.filter { $0.isDaily(in: rules) }.compactMap { rate in
            guard let zone = rules.dayZone else { return nil }
            return DayBudget(
                rate: rate, budget: CalendarBudget(quota: rate.quota, zone: zone, offset: frame.wallClock))
        }
        noteRest()
    }

    private init(limit: Int, choice: Int, countsTokens: Bool) {
        (self.limit, self.choice, self.countsTokens) = (limit, choice, countsTokens)
        (values, maxInFlight, maxDistinct, requestCost, pacers, budgets) = ([], .max, .max, .zero, [], [])
        (isAccountLike, isShared, isOfKeys, isPaced, isBounded) = (false, false, false, false, false)
    }

    /// What a freed place holds.
    static let freed = Cell(limit: -1, choice: -1, countsTokens: false)

    /// Stands for a choice of keys.
    ///
    /// - Parameter countsTokens: whether any limit of any key does.
    init(choice: Int, countsTokens: Bool) {
        self.init(limit: -2, choice: choice, countsTokens: countsTokens)
        // Never forgotten: there are only as many as the rules make.
        users = 1
    }

    // MARK: When

    /// The earliest instant at which one more attempt fits; ``Instant/never`` where only a settlement can tell.
    mutating func opening(isNew: Bool, for tokens: Tokens, now: Instant) -> Instant {
        if isRemote, let opening = sharedOpening(for: tokens, now: now) { return opening }
        if inFlight >= maxInFlight || isNew && underWay >= maxDistinct { return .never }
        // What is asked most often, and of a line of many: without a look at the rates.
        if let restsUntil, tokens == .none { return max(now, restsUntil) }
        return rated(for: tokens, now: now)
    }

    private mutating func noteRest() {
        restsUntil = nil
        guard budgets.isEmpty else { return }
        var latest = pause.opening(now: Instant(nanoseconds: .min))
        for index in pacers.indices where pacers[index].rate.unit == .requests {
            guard let opening = pacers[index].nextOpening else { return }
            latest = max(latest, opening)
        }
        restsUntil = latest
    }

    /// The earliest instant, `now` or later, at which pause, rates and budgets let one go.
    mutating func rated(for tokens: Tokens, now: Instant) -> Instant {
        if isRemote, credits != nil || shared?.way != .own { return pause.opening(now: now) }
        if let restsUntil, tokens == .none { return max(now, restsUntil) }
        var latest = pause.opening(now: now)
        for index in pacers.indices {
            let units = units(of: tokens, in: index)
            if units > 0 { latest = max(latest, pacers[index].earliest(for: units, now: now)) }
        }
        for index in budgets.indices {
            let units = min(tokens.units(of: budgets[index].rate.unit), budgets[index].rate.quota)
            if units > 0 { latest = max(latest, budgets[index].budget.earliest(for: units, now: now)) }
        }
        return latest
    }

    /// Before this the rates let nobody go that has so many others before it, if those take what is usual.
    mutating func rated(for tokens: Tokens, behind others: Int, now: Instant) -> Instant {
        var latest = rated(for: tokens, now: now)
        guard others > 0, !isRemote else { return latest }
        for index in pacers.indices {
            let units = units(of: tokens, in: index)
            guard units > 0 else { continue }
            let unit = pacers[index].rate.unit
            let ahead = unit == .requests ? others : others * waitingTokens.units(of: unit) / max(1, waiting)
            latest = max(latest, pacers[index].earliest(for: units, behind: ahead, now: now))
        }
        return latest
    }

    /// The rate that lets one go last behind all that wait.
    mutating func rateThatBinds(_ tokens: Tokens, now: Instant) -> Limit.Rate? {
        var last: (rate: Limit.Rate, opening: Instant)?
        for index in pacers.indices {
            let unit = pacers[index].rate.unit
            let ahead = unit == .requests ? waiting : waitingTokens.units(of: unit)
            let units = max(1, units(of: tokens, in: index))
            let opening = pacers[index].earliest(for: units, behind: ahead, now: now)
            if let last, opening <= last.opening { continue }
            last = (pacers[index].rate, opening)
        }
        return last?.rate
    }

    /// More than a whole window holds is let through when the window is empty.
    private func units(of tokens: Tokens, in index: Int) -> Int {
        min(tokens.units(of: pacers[index].rate.unit), pacers[index].capacity)
    }

    /// The earliest instant at which one of those parked on it may fit.
    mutating func wakingTime(for tokens: Tokens, now: Instant) -> Instant {
        // A cell that only counts combinations holds none but new ones back.
        opening(isNew: maxInFlight == .max && pacers.isEmpty && budgets.isEmpty, for: tokens, now: now)
    }

    /// The rate that no request with so many tokens can ever fit.
    mutating func rateNeverFit(by tokens: Tokens) -> Limit.Rate? {
        func isTooLarge(_ rate: Limit.Rate) -> Bool { tokens.units(of: rate.unit) > rate.quota }
        for index in pacers.indices where isTooLarge(pacers[index].rate) { return pacers[index].rate }
        for index in budgets.indices where isTooLarge(budgets[index].rate) { return budgets[index].rate }
        return nil
    }

    // MARK: Charging

    /// Charges the units and the slot of an attempt.
    mutating func admit(_ tokens: Tokens, now: Instant) -> BurstProbe.Lead? {
        occupy()
        for index in pacers.indices { pacers[index].expire(now: now) }
        return charge(tokens, at: now)
    }

    /// Counts a slot that is held already.
    mutating func occupy() { inFlight += 1 }

    mutating func release() {
        precondition(inFlight > 0, "a slot is given back once")
        inFlight -= 1
    }

    /// Charges the units of an attempt whose slot is already held.
    mutating func charge(_ tokens: Tokens, at instant: Instant) -> BurstProbe.Lead? {
        var lead: BurstProbe.Lead?
        for index in pacers.indices {
            let units = tokens.units(of: pacers[index].rate.unit)
            if let first = pacers[index].charge(units, at: instant), lead == nil { lead = first }
        }
        for index in budgets.indices {
            budgets[index].budget.charge(tokens.units(of: budgets[index].rate.unit), at: instant)
        }
        pause.sent(at: instant)
        noteRest()
        if isRemote { noteSharedCharge(tokens, at: instant) }
        return lead
    }

    /// Takes back the units of an attempt that was never sent.
    mutating func uncharge(_ tokens: Tokens, _ lead: BurstProbe.Lead?, at instant: Instant, now: Instant) {
        for index in pacers.indices {
            pacers[index].uncharge(tokens.units(of: pacers[index].rate.unit), at: instant, now: now)
            if let lead { pacers[index].forget(lead, sentAt: instant) }
        }
        for index in budgets.indices {
            budgets[index].budget.uncharge(tokens.units(of: budgets[index].rate.unit), at: instant)
        }
        noteRest()
        if isRemote { noteSharedUncharge(tokens, at: instant) }
    }

    /// Puts what an attempt really takes in the place of what was charged for it.
    mutating func correct(_ charged: Tokens, to actual: Tokens, chargedAt: Instant, now: Instant) {
        for index in pacers.indices {
            let unit = pacers[index].rate.unit
            let more = actual.units(of: unit) - charged.units(of: unit)
            if more > 0 { pacers[index].chargeMore(more, now: now) }
            if more < 0 { pacers[index].uncharge(-more, at: chargedAt, now: now) }
        }
        for index in budgets.indices {
            let unit = budgets[index].rate.unit
            let more = actual.units(of: unit) - charged.units(of: unit)
            if more > 0 { budgets[index].budget.charge(more, at: now) }
            if more < 0 { budgets[index].budget.uncharge(-more, at: chargedAt) }
        }
        noteRest()
        if isRemote { noteSharedCorrection(charged, to: actual, chargedAt: chargedAt, now: now) }
    }

    mutating func pause(until instant: Instant) {
        pause.set(until: instant, slots: maxInFlight)
        for index in pacers.indices { pacers[index].forgoBurst(until: instant) }
        noteRest()
    }

    /// Pauses the rates that a provider's refusal may have meant; says whether there are any.
    mutating func pause(until instant: Instant, exceeded: ExceededLimit) -> Bool {
        let named = pacers.indices.filter { exceeded.mayBe(pacers[$0].rate) }
        let exact = named.filter { pacers[$0].rate.window == exceeded.window }
        for index in exact.isEmpty ? named : exact { pacers[index].pause(until: instant, slots: maxInFlight) }
        // Of what is shared the cell's own pause is the one that all replicas are told.
        if isRemote, !named.isEmpty { pause(until: instant) }
        noteRest()
        return !named.isEmpty
    }

    /// When a pause of its own ends: of all of it, or of one of its rates.
    var pausedUntil: Instant { pacers.reduce(pause.until) { max($0, $1.pause.until) } }

    mutating func forgoBurst(until instant: Instant) {
        for index in pacers.indices { pacers[index].forgoBurst(until: instant) }
        noteRest()
    }

    mutating func expire(now: Instant) {
        for index in pacers.indices { pacers[index].expire(now: now) }
    }

    mutating func wait(for tokens: Tokens) {
        waiting += 1
        waitingTokens.input += tokens.input
        waitingTokens.output += tokens.output
    }

    mutating func waitNoLonger(for tokens: Tokens) {
        waiting -= 1
        waitingTokens.input -= tokens.input
        waitingTokens.output -= tokens.output
    }

    mutating func begin() { underWay += 1 }

    mutating func end() {
        precondition(underWay > 0, "what ends has begun")
        underWay -= 1
    }

    // MARK: Learning

    mutating func accepted(_ lead: BurstProbe.Lead, sentAt: Instant, now: Instant) {
        for index in pacers.indices { pacers[index].accepted(lead, sentAt: sentAt, now: now) }
        noteRest()
    }

    /// The provider refused what these books allowed: it counts over a finer window, or allows less than was said.
    ///
    /// - Parameter exceeded: which of its limits it was, where the provider says so; the others teach nothing then.
    mutating func refused(sentAt: Instant, hint: Interval, exceeded: ExceededLimit?, now: Instant) {
        let named = pacers.indices.filter { exceeded?.mayBe(pacers[$0].rate) ?? true }
        guard isAccountLike, !named.isEmpty, lesson.isNews(sentAt: sentAt) else { return }
        var isExplained = false
        for index in named where pacers[index].narrow(refusalOf: sentAt, now: now) { isExplained = true }
        lesson.taken(now: now, isExplained: isExplained, hint: hint)
        noteRest()
    }

    /// The provider said of its limits what they are and what is left of them.
    mutating func noticed(_ notices: [LimitNotice], sentAt: Instant, now: Instant) {
        guard isAccountLike else { return }
        for notice in isRemote ? notices.map(sharedNotice) : notices {
            for index in pacers.indices
            where pacers[index].rate.unit == notice.unit && pacers[index].rate.window == notice.window {
                pacers[index].noticed(notice, sentAt: sentAt, now: now)
            }
        }
        noteRest()
    }

    /// Puts what was learned of the limit and of the way to the provider into effect.
    mutating func tune(jitter: Interval, now: Instant) {
        lesson.wearOff(now: now)
        for index in pacers.indices {
            pacers[index].wearOff(now: now)
            pacers[index].use(share: lesson.share, jitter: jitter, now: now)
        }
        noteRest()
    }

    mutating func use(wallClock: WallClockOffset) {
        for index in budgets.indices { budgets[index].budget.offset = wallClock }
    }

    /// How much of the limit is used, in thousandths.
    var share: Int { lesson.share }
    /// When ``tune(jitter:now:)`` has something to do by itself.
    var recovery: Instant { pacers.reduce(lesson.nextStep) { min($0, $1.nextStep) } }

    /// Takes over what a cell of the same limit knew before the rules changed.
    mutating func inherit(_ other: Cell, now: Instant) {
        (pause, lesson) = (other.pause, other.lesson)
        for index in pacers.indices {
            let rate = pacers[index].rate
            let same = other.pacers.first { $0.rate.unit == rate.unit && $0.rate.window == rate.window }
            if let same { pacers[index].inherit(same, now: now) }
        }
        for index in budgets.indices {
            let rate = budgets[index].rate
            guard let same = other.budgets.first(where: { $0.rate.unit == rate.unit }) else { continue }
            budgets[index].budget.charge(same.budget.used(now: now), at: now)
        }
        noteRest()
    }

    // MARK: Shares

    /// What an attempt takes of the cell's capacity, as the time for which it would need all of it.
    mutating func cost(_ tokens: Tokens, hold: Interval) -> Interval {
        var most = maxInFlight < .max ? max(requestCost, hold / maxInFlight) : requestCost
        guard countsTokens else { return most }
        for index in pacers.indices where pacers[index].rate.unit != .requests {
            most = max(most, Self.cost(tokens, at: pacers[index].rate))
        }
        return most
    }

    /// By the rate itself: the spacing would be zero where bursts are allowed. A day's budget is no pace.
    private static func cost(_ tokens: Tokens, at rate: Limit.Rate) -> Interval {
        rate.window < .days(1) ? rate.window * tokens.units(of: rate.unit) / rate.quota : .zero
    }

    /// How much of its scarcest term is used, in millionths.
    mutating func load(now: Instant) -> Int {
        func share(_ used: Int, of most: Int) -> Int {
            let (product, overflow) = used.multipliedReportingOverflow(by: 1_000_000)
            return overflow ? .max : product / max(1, most)
        }
        expire(now: now)
        var most = maxInFlight < .max ? share(inFlight, of: maxInFlight) : 0
        for index in pacers.indices { most = max(most, share(pacers[index].used, of: pacers[index].capacity)) }
        for index in budgets.indices {
            most = max(most, share(budgets[index].budget.used(now: now), of: budgets[index].rate.quota))
        }
        return most
    }

    /// Whether it is open, where it is, for every combination of values, so that the first in line decides.
    var isOpenAlike: Bool { maxDistinct == .max || underWay < maxDistinct && !countsTokens }

    /// Whether nothing of its past or present matters any more.
    func isIdle(now: Instant) -> Bool {
        inFlight == 0 && underWay == 0 && waiting == 0 && parked.isEmpty && pause.isOver(now: now)
            && recovery == .never && isTold && pacers.allSatisfy { $0.idleAt(now: now) <= now }
            && budgets.allSatisfy { $0.budget.used(now: now) == 0 }
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
