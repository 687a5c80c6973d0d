/// One replica's part of a rate while the store is away: the instants of an even grid over all replicas, each of which
/// belongs to one of them.
///
/// The grid is laid by the store's time, which every replica knows to a fraction of a millisecond, and its steps are a
/// tenth longer than the limit's gaps. So the replicas together send as evenly as one would without saying a word.
struct PartPacer: Sendable {
    /// Between two instants of this replica.
    private let period: Interval
    /// One of its instants.
    private let origin: Instant
    /// So long after its instant it may be used.
    private let validity: Interval
    /// Instants before this are used up.
    private var next: Instant

    /// - Parameters:
    ///   - stretch: how many grids' lengths its period is; 1 unless a burst has to be paid back.
    init(
        _ pace: SharedPace, rank: Int, of members: Int, stretch: Int, clock: StoreClock, validity: Interval,
        from start: Instant
    ) {
        let step = pace.gap + pace.gap / 9 + Interval(nanoseconds: 1)
        period = step * members * stretch
        let grid = clock.instant(StoreTime(microseconds: 0)) + step * rank
        let periods = max(0, (start - grid).nanoseconds) / max(1, period.nanoseconds) + 1
        origin = grid + Interval(nanoseconds: period.nanoseconds * periods)
        (self.validity, next) = (validity, start)
    }

    /// `now` or later.
    func opening(now: Instant) -> Instant {
        let last = instant(before: now)
        if last >= next, now - last <= validity { return now }
        return max(last + period, instant(before: next + period - Interval(nanoseconds: 1)))
    }

    mutating func charge(_ units: Int, at instant: Instant) {
        next = max(next, self.instant(before: instant) + Interval(nanoseconds: 1)) + period * (units - 1)
    }

    /// The last of its instants that is not later.
    private func instant(before instant: Instant) -> Instant {
        let past = (instant - origin).nanoseconds
        let periods = past >= 0 ? past / period.nanoseconds : (past + 1) / period.nanoseconds - 1
        return origin + Interval(nanoseconds: periods * period.nanoseconds)
    }
}
