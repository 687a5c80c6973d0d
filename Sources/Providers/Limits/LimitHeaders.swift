import Admission

/// A dimension of a provider's limits as its answer headers show it.
package struct LimitHeaders: Hashable, Sendable {
    /// Lower case, as all names here.
    package var remaining: String
    package var reset: String
    package var limit: String?
    /// What is limited; `nil` where that is not known for certain. Then the row tells no more than a hint of when to
    /// come back.
    package var dimension: Dimension?

    package struct Dimension: Hashable, Sendable {
        package var unit: Limit.Unit
        /// `nil` where it is not known for certain: then nothing is learned from the numbers.
        package var window: Interval?
        package var refill: LimitNotice.Refill
    }

    package init(
        remaining: String, reset: String, limit: String? = nil, of unit: Limit.Unit? = nil, per window: Interval? = nil,
        refill: LimitNotice.Refill = .continuous
    ) {
        self.remaining = remaining
        self.reset = reset
        self.limit = limit
        dimension = unit.map { Dimension(unit: $0, window: window, refill: refill) }
    }

    /// A row whose three names differ in one word, which stands for `*`.
    package init(
        _ pattern: String, of unit: Limit.Unit? = nil, per window: Interval? = nil,
        refill: LimitNotice.Refill = .continuous
    ) {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        let name = { (word: String) in parts.joined(separator: word) }
        self.init(
            remaining: name("remaining"), reset: name("reset"), limit: name("limit"), of: unit, per: window,
            refill: refill)
    }
}

extension AnswerHeaders {
    /// Nothing is left of a limit that is one: some answers carry `-1`, or `0` of `0`, for "unknown".
    func isExhausted(_ row: LimitHeaders) -> Bool {
        guard let remaining = self[row.remaining].compactMap(TextCursor.number).first, remaining.isZero,
            !remaining.isNegative
        else { return false }
        guard let name = row.limit, let limit = self[name].compactMap(TextCursor.number).first else { return true }
        return !limit.isZero && !limit.isNegative
    }
}
