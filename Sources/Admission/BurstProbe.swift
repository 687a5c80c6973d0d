import DequeModule

/// Finds out how finely a provider enforces a rate, at the cost of a few refusals that no caller sees.
///
/// A provider that counts over a second refuses the larger part of a burst that one with a minute's bucket takes. So a
/// send that would be too many for a finer window is a lead: only a few may be unanswered at one time, and as many more
/// as were taken. Where one is refused, the finer window that its count breaks is the provider's.
struct BurstProbe: Sendable {
    /// The windows known to be in use: one and ten seconds (Azure says either), and the profile's own above them.
    private static let candidates: [Interval] = [.seconds(10), .seconds(1)]
    /// Leads unanswered at one time, before any was taken.
    static let caution = 4
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
        var log: SendLog
        var latestLead = Instant(nanoseconds: .min)
        var allowance = BurstProbe.caution
        /// When the leads were sent that are unanswered.
        var unanswered: Deque<Instant> = []
    }

    private var levels: [Level]
    private let jitter: Interval

    init?(_ rate: Limit.Rate, coarsest: Interval, jitter: Interval) {
        self.jitter = jitter
        levels = Self.candidates.filter { $0 < coarsest }.map { window in
            Level(
                window: window,
                log: SendLog(width: window + jitter, capacity: RatePacer.part(of: rate, in: window)))
        }
        if levels.isEmpty { return nil }
    }

    var isEmpty: Bool { levels.isEmpty }

    func opening(now: Instant) -> Instant {
        var latest = now
        for level in levels { latest = max(latest, opening(of: level, now: now)) }
        return latest
    }

    private func opening(of level: Level, now: Instant) -> Instant {
        let within = level.log.earliest(for: 1, now: now)
        guard within > now, level.unanswered.count >= level.allowance else { return now }
        // As many as are above the allowance must have been taken for good, and one more.
        let known = level.unanswered[level.unanswered.count - level.allowance] + Self.patience
        return min(within, max(now, known))
    }

    mutating func sent(at instant: Instant) -> Lead {
        var lead = Lead()
        for index in levels.indices {
            let isLead = levels[index].log.earliest(for: 1, now: instant) > instant
            levels[index].log.expire(now: instant)
            levels[index].log.record(1, at: instant)
            presumeTaken(index, now: instant)
            lead.isLead[place(index)] = isLead
            guard isLead else { continue }
            levels[index].unanswered.append(instant)
            levels[index].latestLead = instant
        }
        return lead
    }

    private mutating func presumeTaken(_ index: Int, now: Instant) {
        while let first = levels[index].unanswered.first, first + Self.patience <= now {
            levels[index].unanswered.removeFirst()
            levels[index].allowance += 1
        }
    }

    /// Counts as taken a moment later: a refusal of another one may be right behind.
    mutating func accepted(_ lead: Lead, sentAt: Instant, now: Instant) {
        let asIfSentAt = now + jitter - Self.patience
        for index in levels.indices where lead.isLead[place(index)] && asIfSentAt < sentAt && answer(index, sentAt) {
            let place = levels[index].unanswered.firstIndex { $0 > asIfSentAt } ?? levels[index].unanswered.endIndex
            levels[index].unanswered.insert(asIfSentAt, at: place)
        }
    }

    mutating func forget(_ lead: Lead, sentAt: Instant) {
        for index in levels.indices {
            levels[index].log.forget(1, at: sentAt)
            if lead.isLead[place(index)] { _ = answer(index, sentAt) }
        }
    }

    /// The coarsest candidate of which more than its part was sent around an instant. The provider may have seen sends
    /// in another order, so it need not be a lead that it refuses.
    func windowThatExplains(refusalOf sentAt: Instant) -> Interval? {
        levels.first { $0.latestLead + $0.window >= sentAt }?.window
    }

    mutating func narrow(to window: Interval) {
        levels.removeAll { $0.window >= window }
    }

    /// Takes a lead off those unanswered; says whether it was still one.
    private mutating func answer(_ index: Int, _ sentAt: Instant) -> Bool {
        guard let place = levels[index].unanswered.firstIndex(of: sentAt) else { return false }
        levels[index].unanswered.remove(at: place)
        return true
    }

    /// Of a level among the candidates: levels leave from the coarse end only.
    private func place(_ index: Int) -> Int { index + Self.candidates.count - levels.count }
}
