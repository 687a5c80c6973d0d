/// Full jitter: the wait before repetition n is drawn evenly from zero to `base · 2ⁿ⁻¹`, at most `max`.
package struct Backoff: Sendable {
    package var base: Interval
    package var max: Interval

    package init(base: Interval, max: Interval) {
        self.base = base
        self.max = max
    }

    /// - Parameters:
    ///   - attempt: attempts made so far, 1 or more.
    ///   - random: any number; the caller's source of chance.
    package func wait(afterAttempt attempt: Int, random: UInt64) -> Interval {
        let doubled = base * (1 << Swift.min(attempt - 1, 30))
        let ceiling = Swift.min(max, doubled).nanoseconds
        guard ceiling > 0 else { return .zero }
        return Interval(nanoseconds: Int64(random % UInt64(ceiling + 1)))
    }
}
