/// What an answer of a provider says of one of its limits.
package struct LimitNotice: Hashable, Sendable {
    package var unit: Limit.Unit
    /// The limit's window. Nothing is learned from a limit of which it is not known.
    package var window: Interval
    /// The whole limit, 1 or more; `nil` where the provider does not say.
    package var limit: Int?
    /// What is left of it, 0 or more; `nil` where the provider does not say.
    package var remaining: Int?
    /// Until ``remaining`` is the whole limit again; `nil` where the provider does not say.
    package var reset: Interval?
    package var refill: Refill

    /// How a limit comes back.
    package enum Refill: Hashable, Sendable {
        /// Bit by bit, as a bucket does; the reset is when it is full (OpenAI, Anthropic, Groq).
        case continuous
        /// All at once, at the reset.
        case atReset
    }

    package init(
        _ unit: Limit.Unit, per window: Interval, limit: Int? = nil, remaining: Int? = nil, reset: Interval? = nil,
        refill: Refill = .continuous
    ) {
        self.unit = unit
        self.window = window
        self.limit = limit
        self.remaining = remaining
        self.reset = reset
        self.refill = refill
    }
}

/// The limit that a refused request met, as far as its provider says.
package struct ExceededLimit: Hashable, Sendable {
    package var unit: Limit.Unit
    /// `nil` where the provider does not say.
    package var window: Interval?

    package init(_ unit: Limit.Unit, per window: Interval? = nil) {
        self.unit = unit
        self.window = window
    }

    /// Whether a rate of ours may stand for it: what a provider calls tokens may be limited here as input or output,
    /// and the other way round.
    func mayBe(_ rate: Limit.Rate) -> Bool {
        switch (unit, rate.unit) {
        case (.requests, .requests): true
        case (.requests, _), (_, .requests): false
        case (.tokens, _), (_, .tokens): true
        default: unit == rate.unit
        }
    }
}

/// What the provider has said of one rate, and what it takes to understand it.
struct ProviderWord: Sendable {
    var limit = ToldLimit()
    var foreign = ForeignUse()
    /// What was sent lately: a provider's words are about the past.
    var past: SentPast
    var depth = ToldDepth()
    /// Attempts sent before this have said nothing new of the provider's limit.
    var noticedAt = Instant(nanoseconds: .min)

    init(past: SentPast) { self.past = past }

    /// When some of it is forgotten or comes back.
    var nextStep: Instant { min(limit.nextStep, foreign.nextStep) }
}

/// The limit that a provider says it has, while it says so: the largest that it named lately.
///
/// The largest, because a limit of ours may stand for several of the provider's (one for each model), of which each
/// answer names its own. What nobody has repeated for two spans is forgotten.
struct ToldLimit: Sendable {
    private static let span = Interval.minutes(1)

    private var recent: Int?
    private var earlier: Int?
    private var began = Instant(nanoseconds: .min)

    /// `nil` where nothing was said lately.
    var quota: Int? { [recent, earlier].compactMap { $0 }.max() }

    /// When ``pass(now:)`` has something to do.
    var nextStep: Instant { quota == nil ? .never : began + Self.span }

    mutating func tell(_ quota: Int, now: Instant) {
        pass(now: now)
        if self.quota == nil { began = now }
        recent = max(recent ?? 0, quota)
    }

    /// Forgets what is too long ago.
    mutating func pass(now: Instant) {
        guard nextStep <= now else { return }
        earlier = now - began < Self.span * 2 ? recent : nil
        (recent, began) = (nil, now)
    }
}

/// How much fits what a provider counts with, by its words of the last minute or two: less than the limit where it
/// counts over a shorter window than it says.
///
/// Of a bucket they all say the same. Where they differ it is no bucket but a window, of which a reset tells nothing but
/// its end.
struct ToldDepth: Sendable {
    private var deepest = ToldLimit()
    private var lacking = ToldLimit()
    private var quota = 1

    mutating func tell(_ depth: Int, of quota: Int, now: Instant) {
        self.quota = quota
        deepest.tell(depth, now: now)
        lacking.tell(max(0, quota - depth), now: now)
    }

    var most: Int { min(quota, deepest.quota ?? quota) }
    /// Between the most and the least that was told.
    var spread: Int { most - quota + (lacking.quota ?? 0) }
}

/// Units that a provider counts as used of its limit and that we have not sent: others use the same key, or it counts
/// otherwise than we do. They come back by themselves.
struct ForeignUse: Sendable {
    private var parts: [(until: Instant, units: Int)] = []

    var units: Int { parts.reduce(0) { $0 + $1.units } }

    /// When some of it comes back.
    var nextStep: Instant { parts.first?.until ?? .never }

    /// A bucket fills evenly; in so many steps here.
    private static let steps = 16

    /// In place of what was known.
    ///
    /// - Parameters:
    ///   - length: until all of it is back.
    ///   - refill: whether it comes back bit by bit.
    mutating func set(_ units: Int, for length: Interval, _ refill: LimitNotice.Refill, now: Instant) {
        parts = []
        guard units > 0, length > .zero else { return }
        let steps = refill == .atReset ? 1 : min(units, Self.steps)
        for step in 1...steps {
            // Whole steps first, so that no product is larger than the number of units.
            let part = units / steps + (step <= units % steps ? 1 : 0)
            parts.append((now + length / steps * step, part))
        }
    }

    mutating func pass(now: Instant) {
        parts.removeAll { $0.until <= now }
    }
}

/// What was sent within the last few windows, in grains of a 64th of one: answers tell of a time that has gone by.
struct SentPast: Sendable {
    private static let windows = 3
    private static let grains = 64
    private static let longestWay = Interval.seconds(1)

    private var log: SendLog

    /// - Parameter known: what is known of the last window.
    init(_ known: SendLog, window: Interval, now: Instant) {
        log = SendLog(width: window * Self.windows, grains: Self.windows * Self.grains)
        log.fill(from: known, now: now)
    }

    mutating func record(_ units: Int, at instant: Instant) {
        log.expire(now: instant)
        log.record(units, at: instant)
    }

    mutating func forget(_ units: Int, at instant: Instant) {
        log.forget(units, at: instant)
    }

    func isKnown(from instant: Instant) -> Bool { instant >= log.remembersSince }

    /// The most of ours that a provider may have counted when it took down what the answer to an attempt says, which was
    /// between its sending and now. Most do so when a request arrives, some when its answer begins; what was sent a
    /// little later may have overtaken it.
    func most(within window: Interval, _ sentAt: Instant, _ now: Instant) -> Int {
        let arrival = min(now, sentAt + Self.longestWay)
        return max(log.units(from: sentAt - window, to: arrival), log.units(from: now - window, to: now))
    }
}
