import Admission
import Rehearsal
import Testing

@testable import Providers

@Suite("Numbers and lengths of time on the wire")
struct DurationTextTests {
    @Test(
        "are read as numbers",
        arguments: [
            ("12", 12_000), ("0", 0), (" 7 ", 7000), ("+3", 3000), ("0.25", 250), (".5", 500), ("1.0", 1000),
            ("30,000", 30_000_000), ("1,234,567.5", 1_234_567_500), ("-5", 0), ("-0.5", 0), ("0.0009", 0),
            ("007", 7000), ("1.23456789012345", 1234),
        ])
    func numbers(text: String, milliseconds: Int) {
        let length = TextCursor.number(in: text)?.interval(of: .seconds(1))
        #expect(length.map { $0.nanoseconds / 1_000_000 } == Int64(milliseconds))
    }

    @Test(
        "that are no numbers are ignored",
        arguments: [
            "", " ", "NaN", "nan", "inf", "Infinity", "-inf", "1e3", "0x10", "1,2", "1,2345", "12,34", "5 s", "abc",
            "-",
            ".", "1.", "--1", "1..2", "१२",
        ])
    func noNumbers(text: String) {
        #expect(TextCursor.number(in: text) == nil)
    }

    @Test("saturate where they are too large", arguments: ["9223372036854775808", "99999999999999999999999999999"])
    func hugeNumbers(text: String) {
        #expect(TextCursor.number(in: text)?.interval(of: .milliseconds(1)) == .forever)
        #expect(DurationText.go(text + "h") == .forever)
        #expect(DurationText.go("1h\(text)ms") == .forever)
    }

    @Test(
        "are read as Go and protobuf print them",
        arguments: [
            ("120ms", 120_000_000), ("1s", 1_000_000_000), ("6m0s", 360_000_000_000), ("0s", 0),
            ("16m17.764s", 977_764_000_000), ("2m59.56s", 179_560_000_000), ("1h30m", 5_400_000_000_000),
            ("1.5h", 5_400_000_000_000), ("3us", 3000), ("3µs", 3000), ("3μs", 3000), ("15ns", 15),
            ("26s", 26_000_000_000),
            ("1.000340012s", 1_000_340_012), ("-3s", 0), ("1d", 86_400_000_000_000),
        ])
    func goDurations(text: String, nanoseconds: Int64) {
        #expect(DurationText.go(text)?.nanoseconds == nanoseconds)
    }

    @Test("that are no durations are ignored", arguments: ["", "s", "1", "1x", "1s x", "1s 2", "m1", "1 s", "NaNs"])
    func noGoDurations(text: String) {
        #expect(DurationText.go(text) == nil)
    }

    @Test(
        "are found in sentences",
        arguments: [
            ("Rate limit reached for gpt-4o (TPM): Limit 30,000, Used 29,000. Please try again in 5.289s.", 5289),
            ("Please try again in 120ms. Visit https://example.com", 120),
            ("Please try again in 6m0s.", 360_000),
            ("Please try again in 1h2m3s", 3_723_000),
            ("Please retry after 6 seconds.", 6000),
            ("Please retry after 1 second.", 1000),
            ("please RETRY AFTER 86400 seconds", 86_400_000),
            ("Please retry in 26.511s.", 26_511),
            ("try again in 1 minute 30 seconds", 90_000),
            ("try again in 7", 7000),
            ("Retry after 2 requests, retry after 3 seconds", 3000),
            ("try again in 2s or try again in 9s", 9000),
        ])
    func sentences(message: String, milliseconds: Int) {
        #expect(DurationText.announced(in: message) == .milliseconds(milliseconds))
    }

    @Test(
        "are not found where there are none",
        arguments: ["", "try again later", "try again in a few minutes", "retry after ", "retry in -5s", "in 5s"])
    func noSentences(message: String) {
        #expect(DurationText.announced(in: message) == nil)
    }

    @Test("are never negative, whatever is read", arguments: [31, 32] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let words = [
            "1", "9", "0", ",000", ".", "-", "+", "999999999999", "ms", "s", "m", "h", " ", "try again in ",
            "retry after ", "µs", "day", "\u{300}",
        ]
        for _ in 0..<5000 {
            let text = String(decoding: random.text(from: words, pieces: 14), as: UTF8.self)
            let read = [
                DurationText.go(text), DurationText.announced(in: text),
                TextCursor.number(in: text)?.interval(of: .days(1)),
            ]
            #expect(read.compactMap { $0 }.allSatisfy { $0 >= .zero }, "seed \(seed): \(text)")
        }
    }
}
