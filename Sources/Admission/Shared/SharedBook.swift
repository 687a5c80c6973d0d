/// What a gate knows of the store and of the other replicas, and when it has something to say.
struct SharedBook: Sendable {
    let rules: SharedRules
    /// Of each limit of the gate's rules whether it is shared.
    let isShared: [Bool]
    private(set) var standing = Standing.apart
    /// While ``Standing/joining``: whether it was ``Standing/away`` before.
    private var wasAway = false
    var clock = StoreClock()
    /// The room as the store last named it.
    var epoch = ""
    /// How many replicas there are, and this one's place among them; `nil` until the store has said so.
    var membership: (members: Int, rank: Int)?
    /// Cells with something to tell, in the order in which they came to have it.
    var changed: [Int] = []
    /// Cells with something to tell that can wait for the next turn, and by when it goes without one.
    private var later: [Int] = []
    private(set) var laterBy = Instant.never
    /// Cells of those that wait, by when asking again may help.
    var retries = Ranking<Instant>()
    /// Whether there may be something to say although no cell has changed.
    var hasNews = false
    /// When one of the cells has something to do by itself while the store is away.
    var settlesAt = Instant.never
    /// Until when the store knows the whole upstream to be paused.
    private(set) var toldPause = Instant(nanoseconds: .min)
    private(set) var turn: Turn?
    private(set) var lastNumber = 0
    /// When something is said even if nothing has happened.
    private(set) var nextTurnAt = Instant.never
    /// Until when the others count on hearing of this replica, and so hold nothing free for it.
    private(set) var promisedUntil = Instant(nanoseconds: .min)
    /// When the others last missed this replica, as far as there is an end to it.
    private var missed = (from: Instant.never, until: Instant.never)

    enum Standing: Sendable, Hashable {
        /// Without the store, and without having heard of it lately enough for a part to be free.
        case apart
        /// Without the store, by what ``SharedRules/whenAway`` says.
        case away
        /// The store can be spoken to, and has not answered yet.
        case joining
        case connected
    }

    /// What was said and is not answered yet.
    struct Turn: Sendable {
        let number: Int
        let sentAt: Instant
        /// Whose entries the turn's cells are: the gate's cell, and which of its counts.
        var entries: [(cell: Int, count: Int)] = []
        /// The gate's cell of each ask.
        var asks: [Int] = []
        var promise = Interval.zero
    }

    /// While somebody waits the store hears of this replica so often, and counts on it.
    static let busy = (every: Interval.milliseconds(50), promise: Interval.milliseconds(100))
    static let idle = (every: Interval.milliseconds(400), promise: Interval.milliseconds(500))
    /// What nobody waits for is told so much later at most. Whoever sends one request after the other would else find
    /// the end of the last one on its way to the store, and wait for two round trips.
    static let slack = Interval.milliseconds(10)
    /// In one turn.
    static let mostAsks = 64
    static let mostItems = 64
    static let mostCells = 256

    init?(_ gateRules: GateRules) {
        guard let rules = gateRules.shared else { return nil }
        self.rules = rules
        isShared = gateRules.limits.map { limit in
            limit.mode == .enforce && limit.terms.distinct == nil && rules.limits.contains(limit.name)
        }
        if !isShared.contains(true) { return nil }
    }

    /// For other rules: what is known of the store and the replicas stays known.
    init?(_ gateRules: GateRules, after other: SharedBook?) {
        self.init(gateRules)
        guard let other else { return }
        (clock, epoch, membership) = (other.clock, other.epoch, other.membership)
        (promisedUntil, nextTurnAt, toldPause) = (other.promisedUntil, other.nextTurnAt, other.toldPause)
        // A turn under way is about cells that there are no more: its answer is not heard.
        (standing, lastNumber) = (other.standing == .connected ? .joining : other.standing, other.lastNumber)
    }

    /// When ``Gate/takeTurn(now:)`` or ``Gate/advance(to:)`` has something to do.
    var nextDeadline: Instant {
        switch standing {
        case .away: return settlesAt
        case .apart where rules.whenAway == .local: return Instant(nanoseconds: .min)
        case .apart: return membership == nil ? .never : promisedUntil
        case .joining: return turn == nil ? Instant(nanoseconds: .min) : .never
        case .connected: return turn == nil ? min(nextTurnAt, laterBy, retries.first?.key ?? .never) : .never
        }
    }

    /// Whether nobody is to wait for what is shared, because nobody will go before the store is back.
    var denies: Bool { isOnItsOwn && rules.whenAway == .deny }

    /// Whether it goes by ``SharedRules/whenAway``, as it does until the store has answered.
    var isOnItsOwn: Bool { standing == .away || standing == .joining && wasAway }

    /// Whether a turn is due.
    func wantsTurn(now: Instant) -> Bool {
        guard turn == nil else { return false }
        switch standing {
        case .apart, .away: return false
        case .joining: return true
        case .connected: return !changed.isEmpty || hasNews || nextDeadline <= now
        }
    }

    /// Whether a turn is due even where there is nothing to tell.
    func isDue(now: Instant) -> Bool {
        standing == .joining || nextTurnAt <= now || retries.first.map { $0.key <= now } ?? false
    }

    mutating func begin(_ turn: Turn) { (self.turn, hasNews, lastNumber) = (turn, false, turn.number) }

    /// A cell has something to tell that can wait.
    mutating func putOff(_ cell: Int, now: Instant) {
        later.append(cell)
        laterBy = min(laterBy, now + Self.slack)
    }

    mutating func takeLater() -> [Int] {
        defer { (later, laterBy) = ([], .never) }
        return later
    }

    /// The answer to the turn under way has come; `nil` where none is.
    mutating func end(_ number: Int) -> Turn? {
        guard let turn, turn.number == number else { return nil }
        self.turn = nil
        if standing == .joining { missed.until = turn.sentAt }
        promisedUntil = turn.sentAt + turn.promise
        nextTurnAt = turn.sentAt + (turn.promise == Self.busy.promise ? Self.busy.every : Self.idle.every)
        return turn
    }

    mutating func noteTold(_ pauseEnd: Instant) { toldPause = max(toldPause, pauseEnd) }

    /// For how long since an instant the others counted on this replica, at most.
    func presence(since instant: Instant, now: Instant) -> Interval {
        let end = min(now, promisedUntil)
        let (from, until) = (max(instant, missed.from), min(end, missed.until))
        let whole = max(.zero, end - instant)
        return max(.zero, whole - (until > from ? until - from : .zero)) + SharedTurn.horizon
    }

    mutating func join() {
        if standing != .connected { (wasAway, standing, turn) = (isOnItsOwn, .joining, nil) }
    }

    /// The store has said that it did not work on the turn under way: the others don't count on its promise.
    mutating func refuseTurn() { turn = nil }

    mutating func connect() { standing = .connected }

    /// - Returns: whether this is news.
    mutating func part() -> Bool {
        guard standing != .apart, standing != .away else { return false }
        if isOnItsOwn, turn == nil {
            // The store has not heard of this replica, which goes on as it did.
            standing = .away
            return false
        }
        // It may have been worked on, and counts then.
        if let turn { promisedUntil = max(promisedUntil, turn.sentAt + SharedTurn.horizon + turn.promise) }
        missed = (promisedUntil, .never)
        (standing, turn, nextTurnAt, retries) = (.apart, nil, .never, Ranking())
        (changed, later, laterBy) = ([], [], .never)
        return true
    }

    mutating func goAway(settlesAt: Instant) { (standing, self.settlesAt) = (.away, settlesAt) }
}
