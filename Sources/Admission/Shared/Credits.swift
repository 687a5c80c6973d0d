import DequeModule

/// The instants that the store gave to those that wait for the same shared limits, for the same share.
struct Credits: Sendable {
    /// Whose share it is: a name of the outermost level of the fair line.
    let share: String
    /// The cells of the limits, in the gate.
    let limits: [Int]

    struct Credit: Sendable {
        let at: Instant
        let tokens: Tokens
    }

    /// How the cell lets its flows go.
    enum Way: Sendable {
        /// With a credit each.
        case credits
        /// By what the limits' cells themselves say.
        case limits
        /// Not at all.
        case closed
    }

    var way = Way.closed
    private(set) var credits: Deque<Credit> = []
    /// Requests and tokens of credits that were not used, since that was last said.
    private(set) var back = Units()
    /// What was sent without a credit, or took more tokens than its credit had, since that was last said.
    private(set) var more = Units()
    /// What was asked for in the turn that is under way.
    var asked: [Tokens] = []
    /// Asking before this does not help.
    var retryAt = Instant(nanoseconds: .min)

    /// So long after its instant a credit is still good.
    let validity: Interval

    struct Units: Hashable, Sendable {
        var requests = 0
        var tokens = Tokens.none

        var isEmpty: Bool { requests == 0 && tokens == .none }

        mutating func add(_ count: Int, _ other: Tokens) {
            requests += count
            tokens.input += other.input
            tokens.output += other.output
        }

        func units(of unit: Limit.Unit) -> Int { unit == .requests ? requests : tokens.units(of: unit) }
    }

    init(share: String, limits: [Int], validity: Interval) {
        (self.share, self.limits, self.validity) = (share, limits, validity)
    }

    var count: Int { credits.count }

    /// `now` or later; never while nothing is there.
    mutating func opening(now: Instant) -> Instant {
        switch way {
        case .limits: return now
        case .closed: return .never
        case .credits:
            expire(now: now)
            return credits.first.map { max(now, $0.at) } ?? .never
        }
    }

    mutating func deposit(at instant: Instant, _ tokens: Tokens) {
        var place = credits.endIndex
        while place > credits.startIndex, credits[place - 1].at > instant { place -= 1 }
        credits.insert(Credit(at: instant, tokens: tokens), at: place)
    }

    /// Gives credits back that are too old, so that nothing is sent at an instant that was another's.
    mutating func expire(now: Instant) {
        while let first = credits.first, first.at + validity < now { giveBack(credits.removeFirst()) }
    }

    /// Gives all but so many back, the latest first.
    mutating func keep(_ count: Int) {
        while credits.count > count { giveBack(credits.removeLast()) }
    }

    private mutating func giveBack(_ credit: Credit) { back.add(1, credit.tokens) }

    /// An attempt is sent. Where there is no credit for it, as after a wait for a connection, it is told afterwards.
    mutating func take(_ tokens: Tokens, now: Instant) {
        guard case .credits = way else { return }
        guard let credit = credits.first, credit.at <= now else { return more.add(1, tokens) }
        credits.removeFirst()
        more.add(
            0,
            Tokens(input: tokens.input - credit.tokens.input, output: tokens.output - credit.tokens.output))
    }

    /// An attempt that took a credit was not sent; whoever comes next may use it while it is good.
    mutating func restore(_ tokens: Tokens, at instant: Instant) {
        guard case .credits = way else { return }
        credits.prepend(Credit(at: instant, tokens: tokens))
    }

    /// What is to be said of unused and of uncredited units.
    mutating func takeDifference() -> (back: Units, more: Units) {
        defer { (back, more) = (Units(), Units()) }
        return (back, more)
    }

    mutating func clear(_ way: Way) {
        self.way = way
        (credits, back, more, asked) = ([], Units(), Units(), [])
        retryAt = Instant(nanoseconds: .min)
    }
}
