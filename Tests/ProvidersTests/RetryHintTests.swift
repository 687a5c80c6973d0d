import Admission
import Rehearsal
import Testing

@testable import Providers

@Suite("A hint of when to come back")
struct RetryHintTests {
    typealias Fields = [(name: String, value: String)]

    /// Sun, 06 Nov 1994 08:49:37 GMT
    private let now = WallTime(unixMilliseconds: 784_111_777_000)

    private func hint(_ fields: Fields, body: String = "", limits: [LimitHeaders] = .openAI) -> RetryHint? {
        let headers = AnswerHeaders(fields)
        let facts = ErrorFacts(headers: headers, body: Array(body.utf8).span)
        return RetryHintReader(headers: headers, facts: facts, limits: limits, now: now).hint
    }

    @Test(
        "is read from each field that may carry one",
        arguments: [
            ("retry-after-ms", "250", 250, RetryHint.Source.retryAfterMilliseconds),
            ("Retry-After-Ms", "250.0", 250, .retryAfterMilliseconds),
            ("retry-after-ms", "30,000", 30_000, .retryAfterMilliseconds),
            ("x-ms-retry-after-ms", "1500", 1500, .microsoftRetryAfterMilliseconds),
            ("Retry-After", "12", 12_000, .retryAfter),
            ("retry-after", " 0.5 ", 500, .retryAfter),
            ("retry-after", "0", 0, .retryAfter),
            ("retry-after", "-3", 0, .retryAfter),
            ("retry-after", "5, 10", 10_000, .retryAfter),
            ("retry-after", "1,5", 5000, .retryAfter),
            ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT", 30_000, .retryAfter),
            ("retry-after", "Sunday, 06-Nov-94 08:50:07 GMT", 30_000, .retryAfter),
            ("retry-after", "Sun Nov  6 08:50:07 1994", 30_000, .retryAfter),
            ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT", 0, .retryAfter),
            ("x-amz-retry-after", "3200", 3200, .amazonRetryAfter),
            ("ratelimit", #""minute";r=0;t=12"#, 12_000, .rateLimit),
            ("RateLimit", #""day";r=7;t=900, "minute";r=0;t=12, "hour";r=0;t=40"#, 40_000, .rateLimit),
        ])
    func fields(name: String, value: String, milliseconds: Int, source: RetryHint.Source) {
        #expect(hint([(name, value)]) == RetryHint(wait: .milliseconds(milliseconds), source: source))
    }

    @Test(
        "is not made up from garbage",
        arguments: [
            ("retry-after", ""), ("retry-after", "NaN"), ("retry-after", "inf"), ("retry-after", "soon"),
            ("retry-after", "1e9"), ("retry-after", "5, soon"), ("retry-after-ms", "Sun, 06 Nov 1994 08:50:07 GMT"),
            ("retry-after", "Sun, 31 Feb 2026 08:50:07 GMT"), ("ratelimit", "minute=;;"),
            ("ratelimit", #""a";r=1;t=5"#),
            ("ratelimit", #""a";r=0"#), ("ratelimit", #""a";r=0;t=-5"#), ("ratelimit", #"("a");r=0;t=5"#),
            ("x-ratelimit-reset-requests", "5s"),
        ])
    func garbage(name: String, value: String) {
        #expect(hint([(name, value)]) == nil)
    }

    @Test("saturates where it is beyond counting")
    func saturates() {
        #expect(hint([("retry-after", "999999999999999999999")])?.wait == .forever)
        #expect(hint([("retry-after-ms", "1000000000000")])?.wait == .seconds(1_000_000_000))
        #expect(hint([("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")])?.wait ?? .zero > .days(2_000_000 / 20))
    }

    @Test("counts a date from the answer's own clock where it shows one")
    func ownDate() {
        let fields: Fields = [
            ("Date", "Sun, 06 Nov 1994 09:00:00 GMT"), ("Retry-After", "Sun, 06 Nov 1994 09:00:05 GMT"),
        ]
        #expect(hint(fields)?.wait == .seconds(5))
        #expect(hint([("Date", "yesterday"), ("Retry-After", "Sun, 06 Nov 1994 08:49:42 GMT")])?.wait == .seconds(5))
    }

    @Test("of two of a kind is the longer one")
    func duplicates() {
        #expect(hint([("retry-after", "3"), ("Retry-After", "7"), ("retry-after", "x")])?.wait == .seconds(7))
        let mixed: Fields = [("retry-after", "3"), ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")]
        #expect(hint(mixed)?.wait == .seconds(10))
    }

    @Test("comes from the most trusted source that can be read")
    func order() {
        let body = #"{"error":{"message":"try again in 8s","details":[{"retryDelay":"7s"}]}}"#
        var fields: Fields = [
            ("retry-after-ms", "1000"), ("x-ms-retry-after-ms", "2000"), ("retry-after", "3"),
            ("x-amz-retry-after", "4000"),
            ("ratelimit", #""a";r=0;t=9"#), ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "10s"),
        ]
        let expected: [(Int, RetryHint.Source)] = [
            (1, .retryAfterMilliseconds), (2, .microsoftRetryAfterMilliseconds), (3, .retryAfter),
            (4, .amazonRetryAfter),
        ]
        for (seconds, source) in expected {
            #expect(hint(fields, body: body) == RetryHint(wait: .seconds(seconds), source: source))
            fields[0].value = "?"
            #expect(hint(fields, body: body)?.source != source)
            fields.removeFirst()
        }
        #expect(hint(fields, body: body) == RetryHint(wait: .seconds(7), source: .retryInfo))
        let saying = #"{"error":{"message":"try again in 8s"}}"#
        #expect(hint(fields, body: saying) == RetryHint(wait: .seconds(8), source: .message))
        #expect(hint(fields) == RetryHint(wait: .seconds(9), source: .rateLimit))
        fields.removeFirst()
        #expect(hint(fields) == RetryHint(wait: .seconds(10), source: .reset))
    }

    @Test(
        "is read from a reset in any of its forms",
        arguments: [
            ("120ms", 120), ("6m0s", 360_000), ("16m17.764s", 977_764), ("12", 12_000), ("0.5", 500),
            ("1994-11-06T08:49:47Z", 10_000), ("1994-11-06T08:49:30Z", 0), ("784111787", 784_111_787_000),
            ("1784111777", 1_000_000_000_000), ("1784111777000", 1_000_000_000_000),
            ("Sun, 06 Nov 1994 08:49:47 GMT", 10_000),
        ])
    func resets(value: String, milliseconds: Int) {
        let fields: Fields = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", value)]
        #expect(hint(fields) == RetryHint(wait: .milliseconds(milliseconds), source: .reset))
    }

    @Test("is read only from the reset of what is exhausted")
    func exhaustedOnly() {
        let fields: Fields = [
            ("x-ratelimit-remaining-requests", "10"), ("x-ratelimit-reset-requests", "50s"),
            ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "3s"),
        ]
        #expect(hint(fields)?.wait == .seconds(3))
        let anthropic: Fields = [
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            ("anthropic-ratelimit-input-tokens-reset", "1994-11-06T08:49:57Z"),
            ("anthropic-ratelimit-output-tokens-remaining", "1000"),
            ("anthropic-ratelimit-output-tokens-reset", "1994-11-06T08:59:57Z"),
        ]
        #expect(hint(anthropic, limits: .anthropic)?.wait == .seconds(20))
    }

    @Test("is not read from sentinels", arguments: [("-1", "-1"), ("0", "0"), ("0", "-1"), ("x", "5"), ("", "")])
    func sentinels(remaining: String, limit: String) {
        let fields: Fields = [
            ("x-ratelimit-remaining-tokens", remaining), ("x-ratelimit-limit-tokens", limit),
            ("x-ratelimit-reset-tokens", "3s"),
        ]
        #expect(hint(fields) == nil)
    }

    @Test("is never negative, whatever the answer", arguments: [41, 42] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let names = [
            "retry-after", "retry-after-ms", "x-amz-retry-after", "date", "ratelimit", "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ]
        let words = [
            "0", "1", "9999999999", "s", "ms", ".", ",", "-", "Sun, 06 Nov 1994 08:49:37 GMT", "\"a\";r=0;t=", " ",
            "2025-08-21T12:40:59Z",
        ]
        for _ in 0..<3000 {
            let fields: Fields = (0..<4).map { _ in
                let value = String(decoding: random.text(from: words, pieces: 4), as: UTF8.self)
                return (names.randomElement(using: &random) ?? "date", value)
            }
            let body = String(
                decoding: random.text(from: [#"{"message":""#, "retry in ", "5s", "\"}"], pieces: 5), as: UTF8.self)
            if let hint = hint(fields, body: body) { #expect(hint.wait >= .zero, "seed \(seed): \(fields)") }
        }
    }
}
