/// A point in time: nanoseconds since an origin that the caller chooses and keeps.
///
/// The core has no clock. Whoever drives it passes `now`, which never runs backwards; a value earlier than one seen
/// before counts as that earlier one.
package struct Instant: Comparable, Hashable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Later than every instant that can occur.
    package static let never = Instant(nanoseconds: .max)

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Saturates at ``never``, so that adding a length to "never" stays "never".
    package static func + (instant: Instant, length: Interval) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(length.nanoseconds)
        return overflow ? .never : Instant(nanoseconds: sum)
    }

    package static func - (instant: Instant, length: Interval) -> Instant {
        let (difference, overflow) = instant.nanoseconds.subtractingReportingOverflow(length.nanoseconds)
        return overflow ? Instant(nanoseconds: .min) : Instant(nanoseconds: difference)
    }

    package static func - (later: Instant, earlier: Instant) -> Interval {
        let (difference, overflow) = later.nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        guard overflow else { return Interval(nanoseconds: difference) }
        return later < earlier ? Interval(nanoseconds: .min) : .forever
    }
}

/// A length of time in nanoseconds.
package struct Interval: Comparable, Hashable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static let zero = Interval(nanoseconds: 0)
    /// Longer than every interval that can occur (292 years).
    package static let forever = Interval(nanoseconds: .max)

    package static func microseconds(_ count: Int) -> Interval { saturating(count, 1_000) }
    package static func milliseconds(_ count: Int) -> Interval { saturating(count, 1_000_000) }
    package static func seconds(_ count: Int) -> Interval { saturating(count, 1_000_000_000) }
    package static func minutes(_ count: Int) -> Interval { saturating(count, 60_000_000_000) }
    package static func hours(_ count: Int) -> Interval { saturating(count, 3_600_000_000_000) }
    package static func days(_ count: Int) -> Interval { saturating(count, 86_400_000_000_000) }

    package static func < (left: Interval, right: Interval) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    package static func + (left: Interval, right: Interval) -> Interval {
        let (sum, overflow) = left.nanoseconds.addingReportingOverflow(right.nanoseconds)
        return overflow ? .forever : Interval(nanoseconds: sum)
    }

    package static func - (left: Interval, right: Interval) -> Interval {
        let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
        guard overflow else { return Interval(nanoseconds: difference) }
        return left < right ? Interval(nanoseconds: .min) : .forever
    }

    /// Saturates at ``forever``.
    package static func * (length: Interval, factor: Int) -> Interval {
        saturating(factor, length.nanoseconds)
    }

    package static func / (length: Interval, divisor: Int) -> Interval {
        Interval(nanoseconds: length.nanoseconds / Int64(divisor))
    }

    /// Whole milliseconds, rounded up: a caller told to come back after this is never too early.
    package var millisecondsRoundedUp: Int { roundedUp(1_000_000) }

    /// Whole seconds, rounded up.
    package var secondsRoundedUp: Int { roundedUp(1_000_000_000) }

    private func roundedUp(_ unit: Int64) -> Int {
        Int(nanoseconds / unit + (nanoseconds % unit > 0 ? 1 : 0))
    }

    private static func saturating(_ count: Int, _ unit: Int64) -> Interval {
        let (product, overflow) = Int64(count).multipliedReportingOverflow(by: unit)
        if overflow { return count < 0 ? Interval(nanoseconds: .min) : .forever }
        return Interval(nanoseconds: product)
    }
}
