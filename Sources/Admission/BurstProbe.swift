import DequeModule

/// Finds out how finely a provider enforces a rate, at the cost of a few refusals that no caller sees.
///
/// A provider that counts over a second refuses the larger part of a burst that one with a minute's bucket takes. So a
/// send that would be too many for a finer window is a lead, and only a few leads may be unanswered at one time. Where
/// one is refused, the finer window is the provider's. Where more was taken than a count over that window could have
/// taken, the window is not, and sends go ahead of it freely.
struct BurstProbe: Sendable {
    /// The windows known to be in use: one and ten seconds (Azure says either), and the profile's own above them.
    private static let candidates: [Interval] = [.seconds(10), .seconds(1)]
    static func next(finerThan window: Interval) -> Interval? {
        candidates.first { $0 < window }
    }

    /// Leads unanswered at one time.
    static let caution = 3
    /// A refusal needs no model: what has not been refused after this long is being worked on.
    static let patience = Interval.milliseconds(250)

    /// For which of the candidates a send was one too many.
    struct Lead: Sendable {
        fileprivate var isLead = SIMDMask<SIMD2<Int32>>()

        /// Whether it is a lead at all, of whose acceptance something can be learned.
        var isUncertain: Bool { any(isLead) }
    }

    private struct Level: Sendable {
        let window: Interval
        /// Place among the candidates.
        let place: Int
        var sent: SendLog
        var taken: SendLog
        /// How much more than the part was taken at most within one window's length: lately, and of earlier times the sum.
        var surplus = 0
        var earlierSurplus = 0
        var surplusSince = Instant(nanoseconds: .min)
        var latestLead = Instant(nanoseconds: .min)
        /// When the leads were sent that are unanswered.
        var unanswered: Deque<Instant> = []
    }

    private var levels: [Level]
    /// Sends that may still be refused.
    private var recent: Deque<Instant> = []
    private let jitter: Interval

    /// Above so many a second there is nothing to find out: no provider allows them to one account.
    private static let mostPerSecond = 10_000

    init?(_ rate: Limit.Rate, coarsest: Interval, jitter: Interval) {
        guard RatePacer.part(of: rate, in: .seconds(1)) <= Self.mostPerSecond else { return nil }
        self.jitter = jitter
        levels = Self.candidates.enumerated().filter { $0.element < coarsest }.map { place, window in
            let part = RatePacer.part(of: rate, in: window)
            return Level(
                window: window, place: place, sent: SendLog(width: window + jitter, capacity: part),
                taken: SendLog(width: window - jitter, capacity: part))
        }
        if levels.isEmpty { return nil }
    }

    /// Whether the window can't well be the provider's. One length of it touches two windows of any phase, and a bucket
    /// gives no more in it, so more than twice the part at one time is proof. Less is luck of phase with fixed windows,
    /// and not thrice; a bucket gives it every time, but buckets are known of a second (Anthropic) and a minute only.
    private static func isDisproved(_ level: Level) -> Bool {
        let part = level.taken.capacity
        if level.surplus > part { return true }
        return level.window > .seconds(1) && (level.earlierSurplus + level.surplus) * 2 >= part * 3
    }

    /// Whether nothing is left to find out.
    var isEmpty: Bool { levels.isEmpty }

    /// When one more may go, `now` or later.
    func opening(now: Instant) -> Instant {
        var latest = now
        for level in levels {
            let within = level.sent.earliest(for: 1, now: now)
            guard within > now, level.unanswered.count >= Self.caution else { continue }
            let taken = level.unanswered[level.unanswered.count - Self.caution] + Self.patience
            latest = max(latest, min(within, taken))
        }
        return latest
    }

    mutating func sent(at instant: Instant) -> Lead {
        presumeTaken(now: instant)
        var lead = Lead()
        for index in levels.indices {
            levels[index].sent.expire(now: instant)
            let isLead = levels[index].sent.earliest(for: 1, now: instant) > instant
            levels[index].sent.record(1, at: instant)
            guard isLead else { continue }
            lead.isLead[levels[index].place] = true
            levels[index].unanswered.append(instant)
            levels[index].latestLead = instant
        }
        recent.append(instant)
        return lead
    }

    /// Counts what has not been refused in time as taken, and gives up candidates that are disproved by it.
    private mutating func presumeTaken(now: Instant) {
        while let first = recent.first, first + Self.patience <= now {
            recent.removeFirst()
            for index in levels.indices { take(index, at: first) }
            levels.removeAll(where: Self.isDisproved)
        }
        for index in levels.indices {
            while let first = levels[index].unanswered.first, first + Self.patience <= now {
                levels[index].unanswered.removeFirst()
            }
        }
    }

    private mutating func take(_ index: Int, at instant: Instant) {
        levels[index].taken.expire(now: instant)
        levels[index].taken.record(1, at: instant)
        if instant > levels[index].surplusSince + levels[index].window * 2 {
            levels[index].earlierSurplus += levels[index].surplus
            (levels[index].surplus, levels[index].surplusSince) = (0, instant)
        }
        let surplus = levels[index].taken.total - levels[index].taken.capacity
        levels[index].surplus = max(levels[index].surplus, surplus)
    }

    /// An answer shows that a lead was taken. It counts a moment later: a refusal of another may be right behind.
    mutating func accepted(_ lead: Lead, sentAt: Instant, now: Instant) {
        let asIfSentAt = now + jitter - Self.patience
        for index in levels.indices where lead.isLead[levels[index].place] && asIfSentAt < sentAt {
            guard answer(index, sentAt) else { continue }
            let place = levels[index].unanswered.firstIndex { $0 > asIfSentAt } ?? levels[index].unanswered.endIndex
            levels[index].unanswered.insert(asIfSentAt, at: place)
        }
    }

    /// A send that never happened proves nothing.
    mutating func forget(_ lead: Lead, sentAt: Instant) {
        if let place = recent.lastIndex(of: sentAt) { recent.remove(at: place) }
        for index in levels.indices {
            levels[index].sent.forget(1, at: sentAt)
            if lead.isLead[levels[index].place] { _ = answer(index, sentAt) }
        }
    }

    /// The coarsest candidate of which more than its part was sent around an instant. The provider may have seen sends
    /// in another order, so it need not be a lead that it refuses.
    func windowThatExplains(refusalOf sentAt: Instant) -> Interval? {
        levels.first { $0.latestLead + $0.window >= sentAt }?.window
    }

    /// A probe for another rate at the same provider: what has been found out of windows holds.
    func keeping(levelsOf other: BurstProbe) -> BurstProbe? {
        var probe = self
        probe.levels.removeAll { level in !other.levels.contains { $0.window == level.window } }
        return probe.levels.isEmpty ? nil : probe
    }

    mutating func narrow(to window: Interval) {
        levels.removeAll { $0.window >= window }
        recent.removeAll()
    }

    /// Takes a lead off those unanswered; says whether it was still one.
    private mutating func answer(_ index: Int, _ sentAt: Instant) -> Bool {
        guard let place = levels[index].unanswered.firstIndex(of: sentAt) else { return false }
        levels[index].unanswered.remove(at: place)
        return true
    }
}
