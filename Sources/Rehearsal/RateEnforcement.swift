import Admission

/// The ways in which providers enforce a rate, each with a state of its own. What they refuse does not count, unless
/// the provider counts that as well.
///
/// The seven of reference simulations of rate limiters: a sliding log, fixed windows at an unknown phase (Azure counts
/// over 1 or 10 s; a day's budget is one too), token buckets (Anthropic refills continuously; 60 a minute may mean one
/// a second), and the counter that weighs the last fixed window by its overlap.
package struct RateEnforcement: Sendable {
    package enum Method: Hashable, Sendable {
        case slidingLog
        /// The phase is where in its window the origin of time lies.
        case fixedWindow(Interval, phase: Interval)
        /// The capacity is what this length of time refills.
        case tokenBucket(Interval)
        case slidingCounter
    }

    package let method: Method
    /// Whether it counts what it refuses (OpenAI: "unsuccessful requests contribute to your per-minute limit").
    package var countsRefused = false
    /// How much of the quota it grants at present, in hundredths.
    package var share = 100
    private let quota: Int
    private let width: Int64
    private var log = SlidingCount()
    private var window = Int64.min
    private var count = 0
    private var previous = 0
    /// In units of a width'th of a unit, so that a nanosecond refills a whole number of them.
    private var level: Int64
    private var filledAt = Int64.min

    package init(_ method: Method, perMinute: Int) {
        self.init(method, quota: perMinute, per: .minutes(1))
    }

    package init(_ method: Method, quota: Int, per width: Interval) {
        self.method = method
        self.quota = quota
        self.width = width.nanoseconds
        level = 0
        if case .tokenBucket(let depth) = method { level = capacity(depth) }
    }

    /// All seven, at phases drawn from a seed.
    package static func all(perMinute: Int, random: inout SplitMix64) -> [RateEnforcement] {
        let lengths: [Interval] = [.seconds(60), .seconds(10), .seconds(1)]
        let windows = lengths.map { Method.fixedWindow($0, phase: random.interval(upTo: $0)) }
        let methods: [Method] =
            [.slidingLog, .slidingCounter, .tokenBucket(.seconds(60)), .tokenBucket(.seconds(1))] + windows
        return methods.map { RateEnforcement($0, perMinute: perMinute) }
    }

    /// Those that count over no window shorter than this.
    package static func all(perMinute: Int, notFinerThan finest: Interval, random: inout SplitMix64) -> [Self] {
        all(perMinute: perMinute, random: &random).filter { $0.finestWindow >= finest }
    }

    package var finestWindow: Interval {
        switch method {
        case .slidingLog, .slidingCounter: Interval(nanoseconds: width)
        case .fixedWindow(let length, _): length
        case .tokenBucket(let depth): depth
        }
    }

    private var allowed: Int { max(1, quota * share / 100) }

    /// Whether a request of so many units that arrives now is within the rate; it counts if so.
    package mutating func admits(_ units: Int = 1, at instant: Instant) -> Bool {
        let now = instant.nanoseconds
        let isWithin = isWithin(units, now)
        if isWithin || countsRefused { record(units, now) }
        return isWithin
    }

    /// What its answers say of it at an instant: the whole limit, and of what it counts what is left and when that is
    /// as if nothing had been sent. Of a window shorter than the limit's that is the window's part.
    package mutating func notice(at instant: Instant, as refill: LimitNotice.Refill = .continuous) -> LimitNotice {
        let now = instant.nanoseconds
        let rest = rest(now)
        return LimitNotice(
            .requests, per: Interval(nanoseconds: width), limit: allowed, remaining: max(0, rest.units),
            reset: Interval(nanoseconds: rest.reset), refill: refill)
    }

    private mutating func rest(_ now: Int64) -> (units: Int, reset: Int64) {
        switch method {
        case .slidingLog:
            log.expire(upTo: now - width)
            return (allowed - log.total, log.total > 0 ? (log.latest ?? now) + width - now : 0)
        case .fixedWindow(let length, let phase):
            let elapsed = now + phase.nanoseconds
            turn(to: elapsed / length.nanoseconds)
            return (part(length) - count, length.nanoseconds - elapsed % length.nanoseconds)
        case .slidingCounter:
            turn(to: now / width)
            let counted = Double(previous) * (1 - Double(now % width) / Double(width)) + Double(count)
            return (allowed - Int(counted.rounded(.up)), 2 * width - now % width)
        case .tokenBucket(let depth):
            refill(now, depth)
            return (Int(level / width), (capacity(depth) - level) / Int64(allowed))
        }
    }

    private mutating func isWithin(_ units: Int, _ now: Int64) -> Bool {
        switch method {
        case .slidingLog:
            log.expire(upTo: now - width)
            return log.total + units <= allowed
        case .fixedWindow(let length, let phase):
            turn(to: (now + phase.nanoseconds) / length.nanoseconds)
            return count + units <= part(length)
        case .slidingCounter:
            turn(to: now / width)
            let share = 1 - Double(now % width) / Double(width)
            return Double(previous) * share + Double(count + units) <= Double(allowed)
        case .tokenBucket(let depth):
            refill(now, depth)
            return level >= Int64(units) * width
        }
    }

    private mutating func record(_ units: Int, _ now: Int64) {
        switch method {
        case .slidingLog: log.record(units, at: now)
        case .fixedWindow, .slidingCounter: count += units
        case .tokenBucket: level -= Int64(units) * width
        }
    }

    /// Gives back what was counted at an instant and turned out not to be used.
    package mutating func giveBack(_ units: Int, countedAt instant: Instant) {
        switch method {
        case .slidingLog: log.takeBack(units, at: instant.nanoseconds)
        case .fixedWindow(let length, let phase):
            if (instant.nanoseconds + phase.nanoseconds) / length.nanoseconds == window { count -= units }
        case .slidingCounter: if instant.nanoseconds / width == window { count -= units }
        case .tokenBucket(let depth): level = min(capacity(depth), level + Int64(units) * width)
        }
    }

    private mutating func turn(to index: Int64) {
        guard index != window else { return }
        previous = index == window + 1 ? count : 0
        (window, count) = (index, 0)
    }

    private mutating func refill(_ now: Int64, _ depth: Interval) {
        if filledAt > .min { level = min(capacity(depth), level + min(now - filledAt, width) * Int64(allowed)) }
        filledAt = now
    }

    private func part(_ length: Interval) -> Int {
        let (whole, _) = Int(width).dividingFullWidth(allowed.multipliedFullWidth(by: Int(length.nanoseconds)))
        return max(1, whole)
    }

    private func capacity(_ depth: Interval) -> Int64 {
        max(width, depth.nanoseconds * Int64(allowed))
    }
}

/// Units by instant, of which the oldest are forgotten.
struct SlidingCount: Sendable {
    private var entries: [(at: Int64, units: Int)] = []
    private var oldest = 0
    private(set) var total = 0

    /// Instants come in order.
    mutating func record(_ units: Int, at instant: Int64) {
        entries.append((instant, units))
        total += units
    }

    /// Forgets what was recorded at or before an instant.
    mutating func expire(upTo instant: Int64) {
        while oldest < entries.count, entries[oldest].at <= instant {
            total -= entries[oldest].units
            oldest += 1
        }
        guard oldest > 1024, oldest * 2 > entries.count else { return }
        entries.removeFirst(oldest)
        oldest = 0
    }

    mutating func takeBack(_ units: Int, at instant: Int64) {
        var index = entries.count - 1
        while index >= oldest, entries[index].at > instant { index -= 1 }
        while index >= oldest, entries[index].at == instant {
            if entries[index].units >= units {
                entries[index].units -= units
                total -= units
                return
            }
            index -= 1
        }
    }

    var latest: Int64? { entries.last?.at }
}
