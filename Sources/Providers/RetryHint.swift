import Admission
import RawStructuredFieldValues

/// When the provider says that coming back makes sense.
package struct RetryHint: Hashable, Sendable {
    /// From the arrival of the answer; never negative, ``Interval/forever`` for what is beyond counting.
    package var wait: Interval
    package var source: Source

    package init(wait: Interval, source: Source) {
        self.wait = wait
        self.source = source
    }

    /// Where a hint stood, most trusted first.
    package enum Source: Int, Hashable, Sendable, CaseIterable {
        /// `retry-after-ms`
        case retryAfterMilliseconds
        /// `x-ms-retry-after-ms`
        case microsoftRetryAfterMilliseconds
        /// `Retry-After`, RFC 9110 §10.2.3
        case retryAfter
        /// `x-amz-retry-after`, milliseconds
        case amazonRetryAfter
        /// `google.rpc.RetryInfo.retryDelay` in the body
        case retryInfo
        /// "try again in 5.289s" in the message
        case message
        /// `t` of an exhausted item of `RateLimit`, draft-ietf-httpapi-ratelimit-headers-10
        case rateLimit
        /// The reset header of an exhausted dimension
        case reset
    }
}

/// A dimension of a provider's limits as its answer headers show it.
package struct LimitHeaders: Hashable, Sendable {
    /// Lower case, as all names here.
    package var remaining: String
    package var reset: String
    package var limit: String?

    package init(remaining: String, reset: String, limit: String? = nil) {
        self.remaining = remaining
        self.reset = reset
        self.limit = limit
    }

    /// A row whose three names differ in one word, which stands for `*`.
    package init(_ pattern: String) {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        let name = { (word: String) in parts.joined(separator: word) }
        self.init(remaining: name("remaining"), reset: name("reset"), limit: name("limit"))
    }
}

/// Reads the hint of an answer that refuses.
struct RetryHintReader {
    var headers: AnswerHeaders
    var facts: ErrorFacts
    var limits: [LimitHeaders]
    /// Our clock when the answer came.
    var now: WallTime

    /// The hint of the most trusted source that has a readable one; of several values of one source the longest.
    var hint: RetryHint? {
        for source in RetryHint.Source.allCases {
            if let wait = waits(from: source).max() { return RetryHint(wait: max(.zero, wait), source: source) }
        }
        return nil
    }

    private func waits(from source: RetryHint.Source) -> [Interval] {
        switch source {
        case .retryAfterMilliseconds: counts("retry-after-ms", of: .milliseconds(1))
        case .microsoftRetryAfterMilliseconds: counts("x-ms-retry-after-ms", of: .milliseconds(1))
        case .retryAfter: counts("retry-after", of: .seconds(1)) + dates("retry-after")
        case .amazonRetryAfter: counts("x-amz-retry-after", of: .milliseconds(1))
        case .retryInfo: facts.retryDelays.compactMap(DurationText.go)
        case .message: [DurationText.announced(in: facts.message)].compactMap { $0 }
        case .rateLimit: exhaustedItems
        case .reset: resets
        }
    }

    /// Numbers in a field. A proxy on the way may have joined two fields into a list.
    private func counts(_ name: String, of unit: Interval) -> [Interval] {
        headers[name].flatMap { value -> [Interval] in
            if let number = TextCursor.number(in: value) { return [number.interval(of: unit)] }
            let elements = value.split(separator: ",").map { TextCursor.number(in: String($0)) }
            return elements.contains(nil) ? [] : elements.compactMap { $0?.interval(of: unit) }
        }
    }

    private func dates(_ name: String) -> [Interval] {
        headers[name].compactMap { DateText.http($0, now: origin)?.wait(from: origin) }
    }

    /// What the provider's dates count from: its own clock where it shows it, so that a skew between its clock and
    /// ours does not matter.
    private var origin: WallTime {
        headers["date"].lazy.compactMap { DateText.http($0, now: now) }.first ?? now
    }

    private var resets: [Interval] {
        limits.filter(isExhausted).flatMap { row in headers[row.reset].compactMap(resetWait) }
    }

    /// Nothing is left of a limit that is one: some answers carry `-1`, or `0` of `0`, for "unknown".
    private func isExhausted(_ row: LimitHeaders) -> Bool {
        guard let remaining = headers[row.remaining].compactMap(TextCursor.number).first, remaining.isZero,
            !remaining.isNegative
        else { return false }
        guard let name = row.limit, let limit = headers[name].compactMap(TextCursor.number).first else { return true }
        return !limit.isZero && !limit.isNegative
    }

    /// One parser for all the forms of a reset: a Go duration, RFC 3339, seconds from now, Unix seconds or milliseconds
    /// (told apart by size), an HTTP-date.
    private func resetWait(_ value: String) -> Interval? {
        if let number = TextCursor.number(in: value) {
            guard !number.isNegative else { return nil }
            switch number.whole {
            case ..<1_000_000_000: return number.interval(of: .seconds(1))
            case ..<100_000_000_000: return unix(number, milliseconds: 1000)
            default: return unix(number, milliseconds: 1)
            }
        }
        if let length = DurationText.go(value) { return length }
        return (DateText.rfc3339(value) ?? DateText.http(value, now: origin))?.wait(from: origin)
    }

    private func unix(_ number: PlainNumber, milliseconds scale: Int) -> Interval {
        let (whole, overflow) = number.whole.multipliedReportingOverflow(by: scale)
        if overflow { return .forever }
        let part = number.billionths * scale / 1_000_000_000
        return WallTime(unixMilliseconds: Int64(whole) + Int64(part)).wait(from: origin)
    }

    /// `RateLimit: "minute";r=0;t=12`: a list of items whose `r` is what is left and whose `t` is seconds to more.
    private var exhaustedItems: [Interval] {
        let values = headers["ratelimit"]
        guard !values.isEmpty else { return [] }
        var parser = StructuredFieldValueParser(Array(values.joined(separator: ", ").utf8))
        // A malformed field is ignored as a whole (RFC 9651 §4.2).
        guard let items = try? parser.parseListFieldValue() else { return [] }
        return items.compactMap { item in
            guard case .item(let item) = item, case .integer(0)? = item.rfc9651Parameters["r"],
                case .integer(let seconds)? = item.rfc9651Parameters["t"], seconds >= 0
            else { return nil }
            return .seconds(Int(seconds))
        }
    }
}
