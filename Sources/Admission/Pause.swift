/// Sending stopped for all until an instant, because the provider said when to come back; and the first second after
/// it, in which sends are spaced even where no rate spaces them, so that those that waited do not arrive as a herd.
struct Pause: Sendable {
    private(set) var until = Instant(nanoseconds: .min)
    private var next = Instant(nanoseconds: .min)
    private var spacing = Interval.zero

    /// How long after a pause sends stay spaced.
    static let rampUp = Interval.seconds(1)

    mutating func set(until instant: Instant, slots: Int) {
        guard instant > until else { return }
        until = instant
        next = instant
        spacing = Self.rampUp / max(1, min(slots, 100))
    }

    /// `now` or later.
    func opening(now: Instant) -> Instant {
        max(now, until, next)
    }

    mutating func sent(at now: Instant) {
        guard next >= until, now < until + Self.rampUp else { return }
        next = now + spacing
    }

    func isOver(now: Instant) -> Bool { until + Self.rampUp <= now }
}
