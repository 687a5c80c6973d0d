import Admission

extension Instant {
    /// Where tests begin; not the origin, so that nothing relies on it.
    static let start = Instant(nanoseconds: 1_000_000_000_000)

    static func after(_ interval: Interval) -> Instant { start + interval }
}
