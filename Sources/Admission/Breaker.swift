/// Leaves an upstream alone for a while that fails, and lets it back in step by step.
///
/// Only hard failures concern it (no connection, a broken one, 5xx, no first byte in time); a provider that says slow
/// down is no failure. Verdicts fall when the response head arrives or fails to: an answer that takes a minute to
/// stream is known to be good long before its end.
struct Breaker: Sendable {
    private var rules: BreakerRules
    private var phase = Phase.closed
    /// Verdicts on attempts sent no later than this say nothing any more: what began before an outage proves nothing
    /// about the time after it, however late it ends.
    private var openedAt = Instant(nanoseconds: .min)
    /// While closed: hard failures since the last success.
    private var failuresInRow = 0
    /// When the first of them was told.
    private var failingSince = Instant(nanoseconds: .min)
    /// While closed: the verdicts of the last while.
    private var verdicts: VerdictRing

    private enum Phase {
        case closed
        case open(until: Instant)
        case halfOpen(Probes)
    }

    private struct Probes {
        var underWay = 0
        var successes = 0

        /// One, then two, then four: an upstream that has just come back is not met by all that waited for it.
        var allowance: Int { 1 << successes }
        static let successesToClose = 3
    }

    init(_ rules: BreakerRules) {
        self.rules = rules
        verdicts = VerdictRing(within: rules.within)
    }

    // MARK: When

    /// The earliest instant, `now` or later, at which one more attempt may be sent; ``Instant/never`` where only the
    /// end of a probe can tell.
    func opening(now: Instant) -> Instant {
        switch phase {
        case .closed: now
        case .open(let until): max(now, until)
        case .halfOpen(let probes): probes.underWay < probes.allowance ? now : .never
        }
    }

    /// Whether it is not closed.
    var isOpen: Bool {
        if case .closed = phase { false } else { true }
    }

    /// When the first probe may go; `nil` where it is closed or probing.
    var openUntil: Instant? {
        if case .open(let until) = phase { until } else { nil }
    }

    /// Whether a success changes anything now, so that it is worth telling before the attempt has ended.
    var watches: Bool { isOpen || failuresInRow > 0 }

    // MARK: Attempts

    /// An attempt goes. Its end is told once, by one of the three that follow, with this instant.
    mutating func sent(now: Instant) {
        precondition(opening(now: now) <= now, "nothing is sent past an open breaker")
        switch phase {
        case .closed: break
        case .open: phase = .halfOpen(Probes(underWay: 1))
        case .halfOpen(var probes):
            probes.underWay += 1
            phase = .halfOpen(probes)
        }
    }

    /// - Parameter isLate: whether this is told at the answer's end. What had begun before the failures then proves
    ///   nothing about the time since: answers go on ending well in an outage.
    mutating func succeeded(sentAt: Instant, isLate: Bool = false, now: Instant) {
        guard sentAt > openedAt else { return }
        switch phase {
        case .open: break
        case .closed:
            if !isLate || sentAt >= failingSince { failuresInRow = 0 }
            verdicts.record(isFailure: false, now: now)
            tripIfDue(now: now)
        case .halfOpen(var probes):
            probes.underWay = max(0, probes.underWay - 1)
            probes.successes += 1
            if probes.successes < Probes.successesToClose { phase = .halfOpen(probes) } else { close() }
        }
    }

    mutating func failed(sentAt: Instant, now: Instant) {
        guard sentAt > openedAt else { return }
        switch phase {
        case .open: break
        case .closed:
            if failuresInRow == 0 { failingSince = now }
            failuresInRow += 1
            verdicts.record(isFailure: true, now: now)
            tripIfDue(now: now)
        case .halfOpen: open(now: now)
        }
    }

    /// An attempt ended without a verdict: its caller left, or it was never sent.
    mutating func abandoned(sentAt: Instant) {
        guard sentAt > openedAt, case .halfOpen(var probes) = phase else { return }
        probes.underWay = max(0, probes.underWay - 1)
        phase = .halfOpen(probes)
    }

    /// New rules hold from the next verdict on; an open breaker stays so until the instant once set.
    mutating func replace(_ rules: BreakerRules) {
        if rules.within != self.rules.within { verdicts = verdicts.spread(within: rules.within) }
        self.rules = rules
    }

    // MARK: Phases

    private mutating func tripIfDue(now: Instant) {
        let (failures, all) = verdicts.count(now: now)
        let isShareReached = all >= rules.ofAtLeast && failures * 100 >= rules.percent * all
        if failuresInRow >= rules.failures || isShareReached { open(now: now) }
    }

    private mutating func open(now: Instant) {
        openedAt = now
        // At least a moment, which tells what was sent before from what is sent after.
        phase = .open(until: now + max(rules.openFor, Interval(nanoseconds: 1)))
    }

    /// The failures before the outage are forgotten; probes still under way go on as ordinary attempts.
    private mutating func close() {
        phase = .closed
        failuresInRow = 0
        verdicts = VerdictRing(within: rules.within)
    }
}

/// Verdicts of the last while, counted in tenths of it: what is older than the whole never counts, what is younger than
/// nine tenths always does.
private struct VerdictRing: Sendable {
    private let length: Int64
    private var buckets = [Bucket](repeating: Bucket(), count: VerdictRing.bucketCount)
    private var latest = Int64.min

    private static let bucketCount = 10

    private struct Bucket: Sendable {
        var number = Int64.min
        var failures = 0
        var all = 0
    }

    init(within: Interval) {
        length = max(1, within.nanoseconds / Int64(Self.bucketCount))
    }

    mutating func record(isFailure: Bool, now: Instant) {
        add(failures: isFailure ? 1 : 0, all: 1, number: number(now))
    }

    func count(now: Instant) -> (failures: Int, all: Int) {
        let oldest = max(latest, number(now)) - Int64(Self.bucketCount)
        var (failures, all) = (0, 0)
        for bucket in buckets where bucket.all > 0 && bucket.number > oldest {
            failures += bucket.failures
            all += bucket.all
        }
        return (failures, all)
    }

    /// The same verdicts over another length, each as if it had fallen when its bucket began, so that none counts
    /// longer than the new length.
    func spread(within: Interval) -> VerdictRing {
        var ring = VerdictRing(within: within)
        for bucket in buckets.sorted(by: { $0.number < $1.number }) where bucket.all > 0 {
            let began = Instant(nanoseconds: bucket.number * length)
            ring.add(failures: bucket.failures, all: bucket.all, number: ring.number(began))
        }
        return ring
    }

    /// A clock that ran backwards counts as standing still.
    private mutating func add(failures: Int, all: Int, number: Int64) {
        latest = max(latest, number)
        let count = Int64(Self.bucketCount)
        let place = Int((latest % count + count) % count)
        if buckets[place].number != latest { buckets[place] = Bucket(number: latest) }
        buckets[place].failures += failures
        buckets[place].all += all
    }

    /// Rounded down also before the origin.
    private func number(_ instant: Instant) -> Int64 {
        let (quotient, remainder) = instant.nanoseconds.quotientAndRemainder(dividingBy: length)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
