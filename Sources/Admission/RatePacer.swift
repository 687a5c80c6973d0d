/// Enforces one rate so that the provider's own count, which sees sends late and at an unknown phase, never finds it
/// broken.
///
/// Sends are spaced by the generic cell rate algorithm (ITU-T I.371) at slightly less than the limit; a quarter of the
/// smallest enforced window's part may go at once from rest; two logs of what was sent hold the count of the enforced
/// window and of the stated window whatever the bursts were. Of what takes more units than the burst the whole burst
/// must be there; the rest is paid for afterwards, by whoever comes next.
struct RatePacer: Sendable {
    let rate: Limit.Rate
    /// How much later than its neighbours a send may reach the provider.
    private(set) var jitter: Interval
    /// The window that the provider enforces, as far as is known; `nil` where the whole stated window may go at once.
    private(set) var window: Interval?
    /// How much of the limit is used, in thousandths: less than all after the provider allowed less than was said.
    private(set) var share = RatePacer.whole
    /// Between two units while others wait; zero where only the stated window counts.
    private(set) var spacing = Interval.zero
    /// How many units may go at once from rest.
    private(set) var burst = 0
    /// Whether the window is up to the provider's refusals.
    private let adapts: Bool
    /// Finds out whether the provider enforces a finer window; `nil` where that is known.
    private(set) var probe: BurstProbe?

    /// What the provider says of it: one from the first notice on. It is large, and most rates are none of a provider's.
    private var word: [ProviderWord] = []
    /// The provider told when to come back, and that it was about this.
    private(set) var pause = Pause()

    /// Until when a margin is kept, because an answer took more than was reserved for it.
    private var surprisedUntil: Instant?

    /// When the next unit is due at the steady rate (the algorithm's theoretical arrival time).
    private var due = Instant(nanoseconds: .min)
    /// Until when a log, not the spacing, holds the next send back: that time earns no burst.
    private var heldUntil: Instant?
    private var enforced: SendLog?
    private var stated: SendLog

    static let whole = 1000
    /// One part in so many is kept free while estimates are too low now and then: what is under way is counted by the
    /// provider before it is known here.
    private static let margin = 40

    /// - Parameter probes: whether it is up to this pacer to find out how finely the provider enforces the rate.
    init(_ rate: Limit.Rate, pacing: Pacing, jitter: Interval, probes: Bool = false) {
        self.rate = rate
        self.jitter = jitter
        stated = SendLog(width: rate.window + jitter, capacity: rate.quota)
        window = Self.enforcedWindow(of: rate, pacing)
        adapts = if probes, case .auto = pacing { true } else { false }
        if adapts, rate.unit == .requests, let window {
            probe = BurstProbe(rate, coarsest: window, jitter: jitter)
        }
        tune(now: Instant(nanoseconds: .min))
    }

    /// The window that sends are spread over. A window of a day or more is a budget, not a pace: nobody wants 10 000 a
    /// day to mean one every 8.6 s.
    private static func enforcedWindow(of rate: Limit.Rate, _ pacing: Pacing) -> Interval? {
        guard rate.window < .days(1) else { return nil }
        switch pacing {
        case .window(let window), .auto(let window): return min(window, rate.window)
        case .burst: return nil
        }
    }

    /// A window's part of the limit, rounded up: even spacing alone puts 9 of 500 a minute into some seconds, and
    /// holding them to 8 would leave a twentieth of the limit unused.
    static func part(of rate: Limit.Rate, in window: Interval) -> Int {
        let product = rate.quota.multipliedFullWidth(by: Int(window.nanoseconds))
        let (quotient, remainder) = Int(rate.window.nanoseconds).dividingFullWidth(product)
        return quotient + (remainder > 0 ? 1 : 0)
    }

    /// `w / (q·f)` with `f = min(0.995, (q-1)/q, W/(W+J))`, rounded up: with it none of seven ways to enforce a rate
    /// answered 429 at jitter J in 196 simulated combinations.
    static func spacing(of rate: Limit.Rate, enforcedIn window: Interval, jitter: Interval) -> Interval {
        let even = rate.window.nanoseconds / Int64(rate.quota)
        guard rate.quota > 1 else { return rate.window + jitter }
        let headroom = even + even / 199 + 1
        let allButOne = rate.window.nanoseconds / Int64(rate.quota - 1) + 1
        let jittered = even + even / max(1, window.nanoseconds / max(1, jitter.nanoseconds)) + 1
        return Interval(nanoseconds: max(headroom, allButOne, jittered))
    }

    /// Follows from the window, the share and what was told.
    private mutating func tune(now: Instant) {
        var rate = rate
        rate.quota = max(1, allowed - foreignUnits)
        if surprisedUntil != nil { rate.quota = max(1, rate.quota - rate.quota / Self.margin) }
        (stated.capacity, stated.width) = (rate.quota, rate.window + jitter)
        guard let window else {
            (spacing, burst, enforced) = (.zero, rate.quota, nil)
            return
        }
        let part = Self.part(of: rate, in: window)
        let former = spacing
        spacing = Self.spacing(of: rate, enforcedIn: window, jitter: jitter)
        burst = max(1, part / 4)
        // As many units ahead of its time as before: a slower pace would else give back a part of the burst.
        if former > .zero, due > now { due = now + Self.scaled(due - now, by: spacing, over: former) }
        guard window < rate.window else { return enforced = nil }
        if enforced?.width == window + jitter {
            enforced?.capacity = part
        } else {
            enforced = SendLog(width: window + jitter, capacity: part, from: stated, now: now)
        }
    }

    /// At most a year, which is as good as never.
    private static func scaled(_ length: Interval, by numerator: Interval, over denominator: Interval) -> Interval {
        let product = length.nanoseconds.multipliedFullWidth(by: numerator.nanoseconds)
        guard product.high < denominator.nanoseconds / 2 else { return .days(365) }
        return Interval(nanoseconds: denominator.nanoseconds.dividingFullWidth(product).quotient)
    }

    // MARK: When

    /// The earliest instant, `now` or later, at which so many units may be sent.
    mutating func earliest(for units: Int, now: Instant) -> Instant {
        let logged = max(pause.opening(now: now), logged(for: units, now: now))
        let known = max(paced(for: units, now: now), logged)
        guard probe != nil, let permission = probe?.opening(now: now) else { return known }
        return max(known, permission)
    }

    /// The instant from which one more unit may be sent, until something changes; `nil` while a probe has a say.
    var nextOpening: Instant? {
        mutating get { probe == nil ? earliest(for: 1, now: Instant(nanoseconds: .min)) : nil }
    }

    /// A lower bound for the instant at which so many units may go that have so many others before them.
    mutating func earliest(for units: Int, behind others: Int, now: Instant) -> Instant {
        let spaced = spacing > .zero ? max(now, due) + spacing * (others + min(units, burst) - burst) : now
        let logged = stated.earliest(for: units, behind: others, now: now)
        let finely = enforced?.earliest(for: units, behind: others, now: now) ?? now
        return max(max(pause.opening(now: now), spaced), max(logged, finely))
    }

    private func paced(for units: Int, now: Instant) -> Instant {
        spacing > .zero ? due - spacing * (burst - min(units, burst)) : now
    }

    private func logged(for units: Int, now: Instant) -> Instant {
        max(stated.earliest(for: units, now: now), enforced?.earliest(for: units, now: now) ?? now)
    }

    // MARK: Charging

    /// `instant` may lie ahead, for an attempt that will be sent then. Returns what the send was to the probe.
    @discardableResult
    mutating func charge(_ units: Int, at instant: Instant) -> BurstProbe.Lead? {
        if let heldUntil { forgoBurst(until: min(heldUntil, instant)) }
        if spacing > .zero { due = max(due, instant) + spacing * units }
        enforced?.record(units, at: instant)
        stated.record(units, at: instant)
        if !word.isEmpty { word[0].past.record(units, at: instant) }
        pause.sent(at: instant)
        noteHold(now: instant)
        return probe?.sent(at: instant)
    }

    /// Takes a charge back, or the part of it that turned out not to be needed.
    mutating func uncharge(_ units: Int, at instant: Instant, now: Instant) {
        enforced?.forget(units, at: instant)
        stated.forget(units, at: instant)
        if !word.isEmpty { word[0].past.forget(units, at: instant) }
        // What came after it keeps its place: time that has gone by unused can't be given back.
        if spacing > .zero {
            let log = enforced.flatMap { now - instant < $0.width ? $0 : nil } ?? stated
            due = max(due - spacing * units, log.due(after: instant, spacing: spacing))
        }
        if heldUntil != nil { noteHold(now: now) }
    }

    /// Charges what an attempt takes beyond what was charged for it: it counts from now on.
    mutating func chargeMore(_ units: Int, now: Instant) {
        if spacing > .zero { due = max(due, now) + spacing * units }
        enforced?.record(units, at: now)
        stated.record(units, at: now)
        if !word.isEmpty { word[0].past.record(units, at: now) }
        let isNew = surprisedUntil == nil
        surprisedUntil = now + rate.window * 10
        if isNew { tune(now: now) }
    }

    private mutating func noteHold(now: Instant) {
        let logged = logged(for: 1, now: now)
        heldUntil = logged > max(paced(for: 1, now: now), now) ? logged : nil
    }

    /// After a pause sending goes on at the steady rate, not with a burst.
    mutating func forgoBurst(until instant: Instant) {
        if spacing > .zero { due = max(due, instant + spacing * (burst - 1)) }
    }

    mutating func expire(now: Instant) {
        enforced?.expire(now: now)
        stated.expire(now: now)
        guard let until = surprisedUntil, until <= now else { return }
        surprisedUntil = nil
        tune(now: now)
    }

    // MARK: Learning

    /// The provider took a send that the probe had doubts about.
    mutating func accepted(_ lead: BurstProbe.Lead, sentAt: Instant, now: Instant) {
        probe?.accepted(lead, sentAt: sentAt, now: now)
    }

    /// A send that never happened proves nothing.
    mutating func forget(_ lead: BurstProbe.Lead, sentAt: Instant) {
        probe?.forget(lead, sentAt: sentAt)
    }

    /// The provider refused a send although these books had room; says whether a finer window may explain it, which is
    /// kept to from now on: the one that the probe found broken, else the next one.
    mutating func narrow(refusalOf sentAt: Instant, now: Instant) -> Bool {
        guard adapts, let window else { return false }
        guard let finer = probe?.windowThatExplains(refusalOf: sentAt) ?? BurstProbe.next(finerThan: window) else {
            return false
        }
        self.window = finer
        probe?.narrow(to: finer)
        if probe?.isEmpty ?? true { probe = nil }
        tune(now: now)
        forgoBurst(until: now)
        return true
    }

    /// Nothing is sent before an instant, because the provider said so of this rate.
    mutating func pause(until instant: Instant, slots: Int) {
        pause.set(until: instant, slots: slots)
        forgoBurst(until: instant)
    }

    /// What is kept to if nobody else uses it: the rate, less what was learned and what was told.
    private var allowed: Int { max(1, min(rate.quota * share / Self.whole, toldQuota ?? .max)) }

    private var toldQuota: Int? { word.isEmpty ? nil : word[0].limit.quota }
    private var foreignUnits: Int { word.isEmpty ? 0 : word[0].foreign.units }

    /// The provider said of this rate what it allows and what is left.
    ///
    /// Where less is left than we have used, what is missing is foreign use, until the provider has it back. Nothing is
    /// believed for longer than ``longestBelief``: the next answer says it anew. Where more is left nothing changes.
    mutating func noticed(_ notice: LimitNotice, sentAt: Instant, now: Instant) {
        if word.isEmpty { word.append(ProviderWord(past: SentPast(stated, window: rate.window, now: now))) }
        guard sentAt >= word[0].noticedAt else { return }
        word[0].noticedAt = sentAt
        let before = (allowed, foreignUnits)
        if let limit = notice.limit { word[0].limit.tell(limit, now: now) }
        // An answer that names a narrower limit than others lately is not about all that this rate is about.
        if let remaining = notice.remaining, notice.limit.map({ $0 >= toldQuota ?? 0 }) ?? true {
            noticed(remaining: remaining, of: notice, sentAt: sentAt, now: now)
        }
        if before != (allowed, foreignUnits) { tune(now: now) }
    }

    private mutating func noticed(remaining: Int, of notice: LimitNotice, sentAt: Instant, now: Instant) {
        // Else it can't be told any more what was sent when the provider wrote that down.
        guard word[0].past.isKnown(from: sentAt - rate.window) else { return }
        let belief = min(notice.reset ?? .zero, min(rate.window, Self.longestBelief))
        let quota = max(1, notice.limit ?? rate.quota)
        word[0].depth.tell(depth(remaining: remaining, of: quota, notice), of: quota, now: now)
        let depth = word[0].depth.most
        let slack = slack(of: depth)
        guard depth >= quota || word[0].depth.spread <= slack else {
            return word[0].foreign.set(0, for: .zero, .atReset, now: now)
        }
        let sent = word[0].past.most(within: rate.window / quota * depth, sentAt, now)
        let missing = min(allowed, depth) - remaining - sent
        let isNews = missing > slack
        stated.expire(now: now)
        let units = isNews ? max(missing, allowed - remaining - stated.total) : 0
        switch notice.refill {
        case .atReset where isNews && remaining == 0:
            if belief > .zero { pause(until: now + belief, slots: .max) }
        case .atReset: word[0].foreign.set(units, for: belief, .atReset, now: now)
        case .continuous:
            let refill = rate.window / quota * max(0, missing)
            word[0].foreign.set(units, for: min(refill, belief), .continuous, now: now)
        }
    }

    /// How much fits what the provider counts with, as far as one notice shows: what is left, and what comes back until
    /// it is full. A bucket of ten seconds of 600 a minute never has more than 100 left, and is full in ten seconds.
    private func depth(remaining: Int, of quota: Int, _ notice: LimitNotice) -> Int {
        guard notice.refill == .continuous, let reset = notice.reset else { return quota }
        let pace = max(1, rate.window.nanoseconds / Int64(quota))
        return max(1, min(quota, remaining + Int(min(reset, rate.window).nanoseconds / pace)))
    }

    /// A hundredth, because Anthropic rounds tokens to the nearest thousand; and a second's part where the depth follows
    /// from a reset, which may have been rounded to a whole second.
    private func slack(of depth: Int) -> Int {
        allowed / 100 + (depth < allowed ? Self.part(of: rate, in: min(.seconds(1), rate.window)) : 0)
    }

    private static let longestBelief = Interval.minutes(1)

    /// When ``wearOff(now:)`` has something to do.
    var nextStep: Instant { word.isEmpty ? .never : word[0].nextStep }

    /// Forgets what the provider has not repeated, and what it has back.
    mutating func wearOff(now: Instant) {
        guard nextStep <= now else { return }
        word[0].limit.pass(now: now)
        word[0].foreign.pass(now: now)
        tune(now: now)
    }

    /// The quota that is kept to, where the provider allows less than was said or others use of it.
    var lowered: Int? {
        let quota = min(toldQuota ?? .max, rate.quota) - foreignUnits
        return quota < rate.quota ? max(1, quota) : nil
    }

    /// Sets how much of the limit is used, in thousandths, 1 or more, and how uneven the way to the provider is.
    mutating func use(share: Int, jitter: Interval, now: Instant) {
        guard share != self.share || jitter != self.jitter else { return }
        (self.share, self.jitter) = (share, jitter)
        tune(now: now)
    }

    /// Takes over what an earlier pacer of the same unit and window knows, for a rate that has changed.
    mutating func inherit(_ other: RatePacer, now: Instant) {
        stated = SendLog(width: stated.width, capacity: rate.quota, from: other.stated, now: now)
        // How finely the provider counts does not change with the limit.
        if adapts, let window { self.window = min(window, other.window ?? window) }
        probe = other.probe.flatMap { other.rate == rate ? $0 : probe?.keeping(levelsOf: $0) }
        (share, surprisedUntil, enforced) = (other.share, other.surprisedUntil, nil)
        (word, pause) = (other.word, other.pause)
        tune(now: now)
        // As far ahead of its time as the other was, at this one's pace.
        guard spacing > .zero, other.spacing > .zero, other.due > now else { return }
        let units = Int((other.due - now).nanoseconds / other.spacing.nanoseconds)
        due = now + spacing * units
    }

    // MARK: Reports

    /// From when on the past no longer matters.
    func idleAt(now: Instant) -> Instant {
        max(due, max(stated.emptyAt(now: now), pause.until + Pause.rampUp))
    }

    /// Units sent within the stated window; for reports.
    var used: Int { stated.total }

    /// The most that fits any window: no request can take more.
    var capacity: Int { stated.capacity }
}
