/// An in-flight limit that falls when the upstream says it is overloaded and grows back while it is used: additive
/// increase, multiplicative decrease.
///
/// It goes by losses, not by delays: how long an answer takes depends on its length, not on the upstream's queue. It
/// starts at the maximum: whoever writes a maximum of 50 expects 50 until the upstream objects, and to grow from 8 to 50
/// would take some 1200 answers, while one overload is enough to fall.
struct AdaptiveLimit: Sendable {
    private var bounds: ClosedRange<Int64>
    /// In 2²⁴ths, so that a millionth of a slot per answer still counts.
    private var fixed: Int64
    private var cutAt = Instant(nanoseconds: .min)
    private var usualFirstByte = Interval.zero

    private static let one: Int64 = 1 << 24

    init(_ rules: AdaptiveRules) {
        bounds = Self.bounds(rules)
        fixed = bounds.upperBound
    }

    /// Attempts that may be under way at one time, 1 or more.
    var limit: Int { Int(fixed / Self.one) }

    /// An attempt was answered. While the limit is at least half used it grows by one per so many answers as it is; an
    /// upstream that is asked for little proves nothing about more.
    ///
    /// - Parameter inFlight: attempts under way, this one included.
    mutating func succeeded(inFlight: Int, now: Instant) {
        guard inFlight >= limit - limit / 2 else { return }
        fixed = min(bounds.upperBound, fixed + max(1, Self.one * Self.one / fixed))
    }

    /// The upstream refused an attempt for overload, broke it or left it without an answer. One overload is one cut,
    /// however many attempts meet it: none for those that were sent before the last cut, none within a second of it, and
    /// none before an answer to what was sent since can have begun.
    mutating func overloaded(sentAt: Instant, now: Instant) {
        guard sentAt >= cutAt, now - cutAt >= max(.seconds(1), usualFirstByte) else { return }
        cutAt = now
        fixed = max(bounds.lowerBound, fixed * 7 / 10)
    }

    /// How long an answer took to begin.
    mutating func note(firstByte: Interval) {
        let sample = min(max(.zero, firstByte), .hours(1))
        // An eighth, as TCP's smoothed round-trip time (RFC 6298 §2.3); the first sample is taken whole.
        usualFirstByte = usualFirstByte > .zero ? usualFirstByte + (sample - usualFirstByte) / 8 : sample
    }

    /// Keeps what was learned within the new bounds; a limit that nothing had lowered goes on at the new maximum.
    mutating func replace(_ rules: AdaptiveRules) {
        let isWhole = fixed == bounds.upperBound
        bounds = Self.bounds(rules)
        fixed = isWhole ? bounds.upperBound : min(max(fixed, bounds.lowerBound), bounds.upperBound)
    }

    /// Limits above 2³⁰ are as good as that.
    private static func bounds(_ rules: AdaptiveRules) -> ClosedRange<Int64> {
        let least = Int64(min(max(1, rules.min), 1 << 30))
        let most = Int64(min(max(1, rules.max), 1 << 30))
        return least * one...max(least, most) * one
    }
}
