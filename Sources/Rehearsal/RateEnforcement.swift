import Admission

/// The ways in which providers enforce a rate, each with a state of its own. What they refuse does not count.
///
/// The seven of reference simulations of rate limiters: a sliding log, fixed windows at an unknown phase (Azure counts
/// over 1 or 10 s), token buckets (Anthropic refills continuously; 60 a minute may mean one a second), and the counter
/// that weighs the last fixed window by its overlap.
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
    private let perMinute: Int
    private var sent: [Int64] = []
    private var oldest = 0
    private var window = Int64.min
    private var count = 0
    private var previous = 0
    /// In units of a 60 000 000 000th request, so that a nanosecond refills a whole number of them.
    private var level: Int64
    private var filledAt = Int64.min

    private static let minute: Int64 = 60_000_000_000

    package init(_ method: Method, perMinute: Int) {
        self.method = method
        self.perMinute = perMinute
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

    /// Whether a request that arrives now is within the rate; it counts if so.
    package mutating func admits(at instant: Instant) -> Bool {
        let now = instant.nanoseconds
        switch method {
        case .slidingLog: return admitsByLog(now)
        case .fixedWindow(let length, let phase):
            turn(to: (now + phase.nanoseconds) / length.nanoseconds)
            guard count < max(1, perMinute * Int(length.nanoseconds) / Int(Self.minute)) else { return false }
        case .slidingCounter:
            turn(to: now / Self.minute)
            let share = 1 - Double(now % Self.minute) / Double(Self.minute)
            guard Double(previous) * share + Double(count) + 1 <= Double(perMinute) else { return false }
        case .tokenBucket(let depth): return admitsByBucket(now, depth)
        }
        count += 1
        return true
    }

    private mutating func turn(to index: Int64) {
        guard index != window else { return }
        previous = index == window + 1 ? count : 0
        (window, count) = (index, 0)
    }

    private mutating func admitsByLog(_ now: Int64) -> Bool {
        while oldest < sent.count, sent[oldest] <= now - Self.minute { oldest += 1 }
        guard sent.count - oldest < perMinute else { return false }
        sent.append(now)
        return true
    }

    private mutating func admitsByBucket(_ now: Int64, _ depth: Interval) -> Bool {
        if filledAt > .min { level = min(capacity(depth), level + min(now - filledAt, Self.minute) * Int64(perMinute)) }
        filledAt = now
        guard level >= Self.minute else { return false }
        level -= Self.minute
        return true
    }

    private func capacity(_ depth: Interval) -> Int64 {
        max(Self.minute, depth.nanoseconds * Int64(perMinute))
    }
}
