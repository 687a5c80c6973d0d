/// An upstream's API keys, where it has several: how each of them fares.
///
/// A key has limits of its own and is charged for what goes out with it; the provider's refusals concern the one key
/// that they came for.
struct Keyring: Sendable {
    var keys: [Key]
    /// The kinds of request that the keys' limits tell apart; see ``KeyChoice``.
    var choices: [KeyChoice] = []
    private var uses = 0

    /// One key, by its place in ``GateRules/keys``.
    struct Key: Sendable {
        let name: String
        /// The provider said of this key when to come back.
        var pause = Pause()
        var suspension = KeySuspension()
        /// Attempts under way.
        var inFlight = 0
        /// Order of the last use; 0 before the first.
        var lastUse = 0
    }

    init(names: [String]) {
        keys = names.map { Key(name: $0) }
    }

    var isEmpty: Bool { keys.isEmpty }

    /// When pause and suspension let one more go out with a key, `now` or later.
    ///
    /// - Parameter isLastResort: whether no key is in good standing, so that suspensions hold nobody back: better the
    ///   provider's own words than a wait for nothing.
    func opening(of key: Int, isLastResort: Bool, now: Instant) -> Instant {
        let paused = keys[key].pause.opening(now: now)
        return isLastResort ? paused : max(paused, keys[key].suspension.opening(now: now))
    }

    /// Whether the provider turns every key away.
    func isExhausted(now: Instant) -> Bool {
        !keys.contains { $0.suspension.opening(now: now) <= now }
    }

    /// Whether the provider does not turn away every key but this one; those left may be paused.
    func hasAnother(than key: Int, now: Instant) -> Bool {
        keys.indices.contains { $0 != key && keys[$0].suspension.opening(now: now) <= now }
    }

    /// Whether an answer says something about a key's standing before it has ended.
    var isTrying: Bool { !keys.isEmpty && keys.contains { $0.suspension.isOnTrial } }

    /// - Parameter isAgain: whether it was given back only to look whether another would be better.
    mutating func take(_ key: Int, isAgain: Bool = false, now: Instant) {
        if !isAgain {
            uses += 1
            keys[key].lastUse = uses
        }
        keys[key].inFlight += 1
        keys[key].suspension.sent(now: now)
    }

    mutating func giveBack(_ key: Int, takenAt: Instant) {
        precondition(keys[key].inFlight > 0, "a key is given back once")
        keys[key].inFlight -= 1
        keys[key].suspension.ended(takenAt: takenAt)
    }

    /// Takes over what is known of the keys of the same names. What is under way is counted by who knows it.
    mutating func inherit(_ other: Keyring) {
        uses = other.uses
        for index in keys.indices {
            guard let same = other.keys.first(where: { $0.name == keys[index].name }) else { continue }
            (keys[index].pause, keys[index].suspension) = (same.pause, same.suspension)
            keys[index].lastUse = same.lastUse
        }
    }
}

/// A key that the provider turns away whatever is asked with it: it is left out for a while, then tried with one
/// attempt at a time until one is answered.
///
/// The first time it is left out for a minute, then twice as long each time, an hour at most: money may be paid in and a
/// key be renewed at any time, and one attempt to find out costs little, for it is repeated with another key.
struct KeySuspension: Sendable {
    private(set) var until = Instant(nanoseconds: .min)
    /// Why; `nil` for a key in good standing.
    private(set) var fault: KeyFault?
    private var failures = 0
    /// Attempts under way that took the key after the suspension.
    private var trials = 0

    private static let shortest = Interval.minutes(1)
    private static let doublings = 6
    private static let longest = Interval.hours(1)

    /// `now` or later; ``Instant/never`` where only the end of a trial can tell.
    func opening(now: Instant) -> Instant {
        if fault == nil { return now }
        return now < until ? until : trials == 0 ? now : .never
    }

    var isOnTrial: Bool { trials > 0 }

    mutating func sent(now: Instant) {
        if fault != nil, now >= until { trials += 1 }
    }

    mutating func ended(takenAt: Instant) {
        if fault != nil, takenAt >= until { trials = max(0, trials - 1) }
    }

    /// The provider accepted the key. An attempt from before the suspension proves nothing about the time since.
    mutating func answered(takenAt: Instant) {
        guard fault != nil, takenAt >= until else { return }
        (fault, failures, trials) = (nil, 0, 0)
    }

    /// The provider turned the key away.
    mutating func refused(_ fault: KeyFault, takenAt: Instant, now: Instant) {
        guard takenAt >= until else { return }
        until = now + min(Self.longest, Self.shortest * (1 << min(failures, Self.doublings)))
        (self.fault, failures, trials) = (fault, failures + 1, 0)
    }
}

/// Why a provider turns a key away whatever is asked with it.
package enum KeyFault: String, Hashable, Sendable {
    /// Its money or its day's quota is used up.
    case exhausted
    /// It is not known, or not allowed.
    case rejected
}

/// The keys as one kind of request finds them: of each key the cells that such a request is charged in.
struct KeyChoice: Sendable {
    /// Stands for all keys in the fair line: nodes are tied to it and parked on it, and it is open where any key is.
    let cell: Int
    /// By key.
    let cells: [[Attachment]]
    /// What all keys together allow, for the cost of a request: `nil` where some key has no such bound.
    let slots: Int?
    /// Units in an hour, by unit.
    let hourly: [(unit: Limit.Unit, units: Int)]
    /// Each key's part of that in thousandths, rounded down.
    let parts: [Int]

    /// - Parameter terms: of each key the limits that hold for it, by their place in the rules.
    init(cell: Int, cells: [[Attachment]], terms: [[(limit: Int, terms: Limit.Terms)]]) {
        (self.cell, self.cells) = (cell, cells)
        slots = Self.total(terms) { $0.inFlight }
        let units: [Limit.Unit] = [.requests, .tokens, .inputTokens, .outputTokens]
        hourly = units.compactMap { unit in
            Self.total(terms) { Self.hourly($0, of: unit) }.map { (unit, $0) }
        }
        let own = terms.map { limits in limits.compactMap { Self.hourly($0.terms, of: .requests) }.min() ?? 0 }
        let total = own.reduce(0, +)
        parts = own.map { total > 0 ? $0 * 1000 / total : 1000 / own.count }
    }

    /// The sum of the keys' tightest bounds; a limit that several keys share counts once.
    private static func total(
        _ terms: [[(limit: Int, terms: Limit.Terms)]], _ bound: (Limit.Terms) -> Int?
    ) -> Int? {
        var sum = 0
        var counted: [Int] = []
        for limits in terms {
            let bounds = limits.compactMap { limit in bound(limit.terms).map { (limit: limit.limit, bound: $0) } }
            guard let tightest = bounds.min(by: { $0.bound < $1.bound }) else { return nil }
            guard !counted.contains(tightest.limit) else { continue }
            counted.append(tightest.limit)
            sum += min(tightest.bound, 1 << 40)
        }
        return max(1, sum)
    }

    /// A day's budget is no pace.
    private static func hourly(_ terms: Limit.Terms, of unit: Limit.Unit) -> Int? {
        terms.rates.filter { $0.unit == unit && $0.window < .days(1) }.map { rate in
            let product = min(rate.quota, 1 << 40).multipliedFullWidth(by: Int(Interval.hours(1).nanoseconds))
            let (quotient, _) = Int(rate.window.nanoseconds).dividingFullWidth(product)
            return min(max(1, quotient), 1 << 40)
        }.min()
    }

    /// What an attempt takes of what the keys allow together, as the time for which it would need all of it.
    func cost(_ tokens: Tokens, hold: Interval) -> Interval {
        var most = slots.map { hold / $0 } ?? .zero
        for (unit, total) in hourly {
            most = max(most, .hours(1) * min(tokens.units(of: unit), 1 << 20) / total)
        }
        return most
    }
}
