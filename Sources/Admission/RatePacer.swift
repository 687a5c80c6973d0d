/// Enforces one rate so that the provider's own count, which sees sends late and at an unknown phase, never finds it
/// broken.
///
/// Sends are spaced by the generic cell rate algorithm (ITU-T I.371) at slightly less than the limit; a quarter of the
/// smallest enforced window's part may go at once from rest; two logs of what was sent hold the count of the enforced
/// window and of the stated window whatever the bursts were.
struct RatePacer {
    let rate: Limit.Rate
    /// Between two sends while others wait; zero where only the stated window counts.
    let spacing: Interval
    /// How many sends may go at once from rest.
    let burst: Int

    /// When the next send is due at the steady rate (the algorithm's theoretical arrival time).
    private var due: Instant
    /// Until when a log, not the spacing, holds the next send back: that time earns no burst.
    private var heldUntil: Instant?
    private var enforced: SendLog?
    private var stated: SendLog

    init(_ rate: Limit.Rate, pacing: Pacing, jitter: Interval) {
        self.rate = rate
        stated = SendLog(width: rate.window + jitter, capacity: rate.quota)
        due = Instant(nanoseconds: .min)
        guard let window = Self.enforcedWindow(of: rate, pacing) else {
            (spacing, burst, enforced) = (.zero, rate.quota, nil)
            return
        }
        let part = Self.part(of: rate, in: window)
        spacing = Self.spacing(of: rate, enforcedIn: window, jitter: jitter)
        burst = max(1, part / 4)
        enforced = window < rate.window ? SendLog(width: window + jitter, capacity: part) : nil
    }

    /// The window that sends are spread over; `nil` where the whole stated window may go at once. A window of a day or
    /// more is a budget, not a pace: nobody wants 10 000 a day to mean one every 8.6 s.
    private static func enforcedWindow(of rate: Limit.Rate, _ pacing: Pacing) -> Interval? {
        guard case .window(let window) = pacing, rate.window < .days(1) else { return nil }
        return min(window, rate.window)
    }

    /// The enforced window's part of the limit, rounded up: even spacing alone puts 9 of 500 a minute into some seconds,
    /// and holding them to 8 would leave a twentieth of the limit unused.
    private static func part(of rate: Limit.Rate, in window: Interval) -> Int {
        let product = rate.quota.multipliedFullWidth(by: Int(window.nanoseconds))
        let (quotient, remainder) = Int(rate.window.nanoseconds).dividingFullWidth(product)
        return quotient + (remainder > 0 ? 1 : 0)
    }

    /// `w / (q·f)` with `f = min(0.995, (q-1)/q, W/(W+J))`, rounded up: with it none of seven ways to enforce a rate
    /// answered 429 at jitter J in 196 simulated combinations.
    private static func spacing(of rate: Limit.Rate, enforcedIn window: Interval, jitter: Interval) -> Interval {
        let even = rate.window.nanoseconds / Int64(rate.quota)
        guard rate.quota > 1 else { return rate.window + jitter }
        let headroom = even + even / 199 + 1
        let allButOne = rate.window.nanoseconds / Int64(rate.quota - 1) + 1
        let jittered = even + even / max(1, window.nanoseconds / max(1, jitter.nanoseconds)) + 1
        return Interval(nanoseconds: max(headroom, allButOne, jittered))
    }

    /// The earliest instant, `now` or later, at which so many units may be sent.
    func earliest(for units: Int, now: Instant) -> Instant {
        max(paced(now: now), logged(for: units, now: now))
    }

    /// A lower bound for the instant at which a send may go that has so many others before it.
    func earliest(behind others: Int, now: Instant) -> Instant {
        let spaced = spacing > .zero ? max(now, due) + spacing * others - spacing * (burst - 1) : now
        let logged = stated.earliest(behind: others, now: now)
        return max(now, spaced, logged, enforced?.earliest(behind: others, now: now) ?? now)
    }

    /// `instant` may lie ahead, for an attempt that will be sent then.
    mutating func charge(_ units: Int, at instant: Instant) {
        if let heldUntil { forgoBurst(until: min(heldUntil, instant)) }
        if spacing > .zero { due = max(due, instant) + spacing * units }
        enforced?.record(units, at: instant)
        stated.record(units, at: instant)
        noteHold(now: instant)
    }

    /// Takes a charge back: what it was for has not been sent.
    mutating func uncharge(_ units: Int, at instant: Instant, now: Instant) {
        if spacing > .zero { due = due - spacing * units }
        enforced?.forget(units, at: instant)
        stated.forget(units, at: instant)
        if heldUntil != nil { noteHold(now: now) }
    }

    private mutating func noteHold(now: Instant) {
        let logged = logged(for: 1, now: now)
        heldUntil = logged > max(paced(now: now), now) ? logged : nil
    }

    /// After a pause sending goes on at the steady rate, not with a burst.
    mutating func forgoBurst(until instant: Instant) {
        if spacing > .zero { due = max(due, instant + spacing * (burst - 1)) }
    }

    mutating func expire(now: Instant) {
        enforced?.expire(now: now)
        stated.expire(now: now)
    }

    /// From when on the past no longer matters.
    func idleAt(now: Instant) -> Instant {
        max(due, stated.emptyAt(now: now))
    }

    /// Units sent within the stated window; for reports.
    var used: Int { stated.total }

    private func paced(now: Instant) -> Instant {
        spacing > .zero ? due - spacing * (burst - 1) : now
    }

    private func logged(for units: Int, now: Instant) -> Instant {
        max(stated.earliest(for: units, now: now), enforced?.earliest(for: units, now: now) ?? now)
    }
}
