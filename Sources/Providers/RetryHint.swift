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
        /// A field that the configuration names
        case named
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

/// Names of fields that say when to come back, besides those that all providers use; in lower case.
package struct HintFields: Hashable, Sendable {
    /// In any form of ``ResetText``.
    package var inSeconds: [String] = []
    package var inMilliseconds: [String] = []

    package init(inSeconds: [String] = [], inMilliseconds: [String] = []) {
        self.inSeconds = inSeconds
        self.inMilliseconds = inMilliseconds
    }
}

/// Reads the hint of an answer that refuses.
struct RetryHintReader {
    var headers: AnswerHeaders
    var facts: ErrorFacts
    var limits: [LimitHeaders]
    /// Further fields of this upstream, which are believed first.
    var further = HintFields()
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
        case .named:
            further.inMilliseconds.flatMap { counts($0, of: .milliseconds(1)) }
                + further.inSeconds.flatMap { headers[$0].compactMap { ResetText.wait($0, from: origin) } }
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
        limits.filter(headers.isExhausted).flatMap { row in
            headers[row.reset].compactMap { ResetText.wait($0, from: origin) }
        }
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
