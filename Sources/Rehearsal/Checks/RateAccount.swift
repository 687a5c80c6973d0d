import Admission

/// One rate of one account, as the provider counts it and as the gate should charge it.
struct RateAccount {
    let rate: Limit.Rate
    /// What reached the provider within the stated window.
    private var arrivals = SlidingCount()
    /// The same within the window that sends are spread over, and its part of the quota, rounded up.
    private var fine = SlidingCount()
    private var fineWindow: (width: Int64, part: Int)?
    private var charges: [Charge] = []
    private var pace: Pace?
    /// The windows in which sends may be spread.
    private let windows: [Interval]

    /// A calendar day's budget is the provider's to count: it knows when the day began.
    private let isDaily: Bool

    private struct Charge {
        let attempt: Int
        var at: Int64
        /// When more than that may have been charged for it.
        var until: Int64
        /// What was charged, at least and at most.
        var least: Int
        var most: Int
    }

    init(_ rate: Limit.Rate, _ rules: GateRules) {
        self.rate = rate
        isDaily = rate.window == .days(1) && rules.dayZone != nil
        switch rules.pacing {
        case .window(let window): windows = [min(window, rate.window)]
        case .auto(let window): windows = [window, .seconds(10), .seconds(1)].map { min($0, rate.window) }
        case .burst: windows = []
        }
        guard rate.unit == .requests, rate.window < .days(1), let window = windows.first else { return }
        pace = Pace(rate, enforcedIn: window)
        guard case .window = rules.pacing, window < rate.window else { return }
        let part = rate.window.nanoseconds.dividingFullWidth(
            Int64(rate.quota).multipliedFullWidth(by: window.nanoseconds))
        fineWindow = (window.nanoseconds, Int(part.quotient) + (part.remainder > 0 ? 1 : 0))
    }

    mutating func inherit(_ other: RateAccount) {
        (arrivals, fine, charges) = (other.arrivals, other.fine, other.charges)
    }

    // MARK: Promises

    /// No more than the limit in any window of the stated length, as the provider sees it, and no more than its part
    /// in any that is finer, as far as sends are spread.
    mutating func arrived(_ units: Int, at instant: Instant) -> String? {
        guard !isDaily else { return nil }
        let now = instant.nanoseconds
        arrivals.expire(upTo: now - rate.window.nanoseconds)
        arrivals.record(units, at: now)
        if let (width, part) = fineWindow {
            fine.expire(upTo: now - width)
            fine.record(units, at: now)
            if fine.total > part { return "\(fine.total) of \(part) requests arrived in one finer window" }
        }
        // What is larger than the limit goes alone.
        guard arrivals.total > rate.quota, arrivals.total > units else { return nil }
        return "\(arrivals.total) of \(rate.quota) \(rate.unit.rawValue) arrived in one window"
    }

    mutating func unused(_ units: Int, arrivedAt instant: Instant) {
        arrivals.takeBack(units, at: instant.nanoseconds)
    }

    /// A quarter of the enforced window's part from rest, and then no faster than the rate.
    mutating func sent(at instant: Instant) -> String? {
        pace?.send(at: instant) == false ? "more than a quarter went at once, or faster than the rate" : nil
    }

    // MARK: Conservation

    mutating func charge(_ attempt: Int, _ tokens: Tokens, at instant: Instant) {
        let isKnown = rate.unit == .requests
        // What comes before one that will be sent later may count as sent with it.
        let until = max(instant.nanoseconds, charges.last?.until ?? .min)
        charges.append(
            Charge(
                attempt: attempt, at: instant.nanoseconds, until: until, least: isKnown ? 1 : 0,
                most: isKnown ? 1 : .max))
    }

    mutating func uncharge(_ attempt: Int) {
        guard let place = charges.lastIndex(where: { $0.attempt == attempt }) else { return }
        charges.remove(at: place)
    }

    mutating func settle(_ attempt: Int, _ usage: Tokens, at instant: Instant) {
        guard rate.unit != .requests, let place = charges.lastIndex(where: { $0.attempt == attempt }) else { return }
        let units =
            switch rate.unit {
            case .requests: 1
            case .tokens: usage.total
            case .inputTokens: usage.input
            case .outputTokens: usage.output
            }
        (charges[place].least, charges[place].most) = (units, units)
        charges[place].until = max(charges.last?.until ?? .min, instant.nanoseconds)
    }

    /// Whether the gate counts what was sent and neither more nor less, give or take how long it remembers.
    ///
    /// - Parameter isExact: whether usage is told once only; else what is told on the way may count a while too long.
    mutating func isConserved(used: Int, isExact: Bool, now: Instant, jitter: Interval) -> Bool {
        let memory = jitter + rate.window / 4096 + .seconds(1)
        charges.removeAll { $0.until <= (now - rate.window - memory).nanoseconds }
        let start = (now - rate.window).nanoseconds
        let least = charges.reduce(0) { $1.at > start ? $0 + $1.least : $0 }
        let most = charges.reduce(0) { $1.most < .max && $0 < .max ? $0 + $1.most : .max }
        return least <= used && (used <= most || !isExact && rate.unit != .requests)
    }

    var charged: (least: Int, most: Int) {
        (charges.reduce(0) { $0 + $1.least }, charges.reduce(0) { $1.most < .max && $0 < .max ? $0 + $1.most : .max })
    }

    /// Whether one more request certainly fits, whatever the gate's caution.
    func hasRoom(now: Instant, jitter: Interval) -> Bool {
        guard rate.window < .days(1) else { return charges.isEmpty }
        let patience = rate.unit == .requests ? rate.window / max(1, rate.quota - 1) * 2 : rate.window * 3
        // Large quotas are counted in grains of a 4096th of the window.
        let slack = jitter * 2 + (rate.quota > 4096 ? rate.window / 4096 : .zero)
        let latest = charges.last?.until ?? .min
        guard latest <= (now - max(patience, .milliseconds(300)) - slack).nanoseconds else { return false }
        return ([rate.window] + windows).allSatisfy { window in
            let start = (now - window - slack).nanoseconds
            let part = max(1, Int(Double(rate.quota) * Double(window.nanoseconds) / Double(rate.window.nanoseconds)))
            return charges.reduce(0) { $1.at > start ? $0 + 1 : $0 } < part
        }
    }
}

/// How fast sends may follow each other: a bucket as deep as the burst, filled at the rate.
private struct Pace {
    private let cost: Int64
    private let gain: Int64
    private let depth: Int64
    private var level: Int64
    private var filledAt = Instant(nanoseconds: .min)

    init(_ rate: Limit.Rate, enforcedIn window: Interval) {
        cost = rate.window.nanoseconds
        gain = Int64(rate.quota)
        let part = (gain * window.nanoseconds + cost - 1) / cost
        depth = max(1, part / 4) * cost
        level = depth
    }

    mutating func send(at instant: Instant) -> Bool {
        let elapsed = filledAt.nanoseconds == .min ? depth : min((instant - filledAt).nanoseconds, depth / gain + 1)
        level = min(depth, level + elapsed * gain)
        filledAt = instant
        level -= cost
        return level >= 0
    }
}
