import Admission

/// The provider of a rehearsal and the way to it.
package struct Upstream: Sendable {
    /// Its limits in requests.
    package var rates: [RateEnforcement]
    /// Its limits in tokens, of a day, of growth.
    package var quotas: [ProviderQuota] = []
    package var ramp: RampLimit?
    /// What it knows of each key, by its place in the rules.
    package var keys: [KeyAccount] = []
    /// Whether it answers 429 where its limits are exceeded, or only counts.
    package var throttles: Bool
    /// What it then says about coming back.
    package var retryAfter: Interval
    /// Of a hundred refusals so many say nothing about coming back.
    package var hintless = 0
    /// What its answers say of its limits, true or not.
    package var notices: [LimitNotice] = []
    /// Whether they tell where its first rate stands, and when that is looked at.
    package var tells: Telling?
    /// For how long, and how often, it grants only a part of its limits, in hundredths.
    package var reduction: Reduction?
    package var faults = Faults()

    package var delay: Interval
    /// Added to the delay, anew for each request, so that they overtake each other.
    package var jitter: Interval
    package var shortest: Interval
    package var longest: Interval
    /// Whether few answers take up to a hundred times as long as the shortest.
    package var isLongTailed = false
    /// How long an answer takes by its tokens; in the place of ``shortest`` and ``longest`` where set.
    package var pace: Pace?
    /// Of a hundred answers so many tell the tokens used at their end, and so many already at their beginning.
    package var tellsUsage = 100
    package var tellsUsageEarly = 0
    /// Of a hundred attempts so many have to wait for a connection, for up to so long; of those, so many per thousand
    /// get none, because it can't be made or because what is to be sent is gone.
    package var connects = 0
    package var connecting = Interval.milliseconds(300)
    package var unconnected = 0

    package init(
        rates: [RateEnforcement] = [], throttles: Bool = false, retryAfter: Interval = .seconds(1),
        delay: Interval = .milliseconds(15), jitter: Interval = .milliseconds(10),
        shortest: Interval = .milliseconds(200), longest: Interval = .milliseconds(200)
    ) {
        self.rates = rates
        self.throttles = throttles
        self.retryAfter = retryAfter
        self.delay = delay
        self.jitter = jitter
        self.shortest = shortest
        self.longest = longest
    }

    /// When an answer's words about the first rate are taken down, and how they say that it comes back.
    package struct Telling: Hashable, Sendable {
        package enum Moment: Hashable, Sendable, CaseIterable { case arrival, answer }

        package var at: Moment
        package var refill: LimitNotice.Refill

        package init(at moment: Moment, refill: LimitNotice.Refill = .continuous) {
            (at, self.refill) = (moment, refill)
        }
    }

    /// What goes wrong, per thousand attempts, and outages.
    package struct Faults: Hashable, Sendable {
        /// 503 or 529.
        package var overloads = 0
        /// 500 in the place of an answer.
        package var breaks = 0
        /// Lost on the way there, or with the answer.
        package var losses = 0
        package var outage: Outage?

        package init(overloads: Int = 0, breaks: Int = 0, losses: Int = 0, outage: Outage? = nil) {
            self.overloads = overloads
            self.breaks = breaks
            self.losses = losses
            self.outage = outage
        }
    }

    /// Nothing works for a while, every so often.
    package struct Outage: Hashable, Sendable {
        package var every: Interval
        package var length: Interval

        package init(every: Interval, length: Interval) {
            self.every = every
            self.length = length
        }

        /// It ends each period, so that a world begins in peace.
        func covers(_ instant: Instant) -> Bool {
            (instant - Rehearsal.start).nanoseconds % every.nanoseconds >= (every - length).nanoseconds
        }
    }

    package struct Reduction: Hashable, Sendable {
        package var at: Outage
        package var share: Int

        package init(at: Outage, share: Int) {
            self.at = at
            self.share = share
        }
    }

    /// A language model's pace: the first byte, then one token after the other.
    package struct Pace: Hashable, Sendable {
        package var firstByte: Interval
        package var perToken: Interval

        package init(firstByte: Interval = .milliseconds(200), perToken: Interval = .milliseconds(20)) {
            self.firstByte = firstByte
            self.perToken = perToken
        }
    }
}

/// One key as its provider counts it.
package struct KeyAccount: Sendable {
    package var rates: [RateEnforcement]
    /// When the provider turns it away.
    package var isRefused: Upstream.Outage?

    package init(rates: [RateEnforcement], isRefused: Upstream.Outage? = nil) {
        self.rates = rates
        self.isRefused = isRefused
    }
}

/// A provider's limit in other units than requests, or over a calendar day.
package struct ProviderQuota: Sendable {
    package var enforcement: RateEnforcement
    package var unit: Limit.Unit
    package var counting: TokenCounting

    package init(_ enforcement: RateEnforcement, of unit: Limit.Unit, counting: TokenCounting = .usage) {
        self.enforcement = enforcement
        self.unit = unit
        self.counting = counting
    }
}

/// Refuses a minute that has more than half as much again as the busiest of the last fifteen: what OpenAI's
/// `slow_down` and Anthropic's acceleration limits do.
package struct RampLimit: Sendable {
    private let floor: Int
    private var minute = Int64.min
    private var count = 0
    private var past = [Int](repeating: 0, count: 15)

    /// - Parameter floor: so many a minute are never too many.
    package init(floor: Int) { self.floor = floor }

    package mutating func admits(at instant: Instant) -> Bool {
        let index = instant.nanoseconds / Interval.minutes(1).nanoseconds
        if minute == .min { minute = index }
        while minute < index {
            past.removeFirst()
            past.append(count)
            (minute, count) = (minute + 1, 0)
        }
        let peak = past.max() ?? 0
        guard count < max(floor, peak + peak / 2) else { return false }
        count += 1
        return true
    }
}
