import Admission
import Testing

@testable import Policy

@Suite("Units")
struct UnitsTests {
    @Test(
        "Durations",
        arguments: [
            ("250ms", .milliseconds(250)), ("30s", .seconds(30)), ("5m", .minutes(5)), ("1h", .hours(1)),
            ("1d", .days(1)), ("0s", .zero),
        ] as [(String, Interval)])
    func durations(_ text: String, _ interval: Interval) {
        #expect(Units.duration(text) == interval)
        #expect(Units.text(interval) == text)
    }

    @Test(
        "What is no duration",
        arguments: [
            "", "5", "s", "5 s", "5S", "5sec", "-5s", "+5s", "1.5s", "1e3s", "5min", "1_000s", "٣s", "5s ",
            "9223372036854775807d", "99999999999999999999s",
        ])
    func noDurations(_ text: String) {
        #expect(Units.duration(text) == nil)
    }

    @Test(
        "Sizes",
        arguments: [("64KiB", 65_536), ("10MiB", 10_485_760), ("1GiB", 1_073_741_824), ("1000", 1000), ("0", 0)])
    func sizes(_ text: String, _ bytes: Int) {
        #expect(Units.size(text) == bytes)
        #expect(Units.text(bytes: bytes) == text)
    }

    @Test("What is no size", arguments: ["", "64KB", "64kib", "64K", "1.5MiB", "10 MiB", "-1", "9999999999999GiB"])
    func noSizes(_ text: String) {
        #expect(Units.size(text) == nil)
    }

    @Test(
        "Rates",
        arguments: [
            ("500/min", 500, .minutes(1)), ("500/m", 500, .minutes(1)), ("500/minute", 500, .minutes(1)),
            ("10/s", 10, .seconds(1)), ("10/sec", 10, .seconds(1)), ("10/second", 10, .seconds(1)),
            ("10000/hour", 10_000, .hours(1)), ("10000/h", 10_000, .hours(1)),
            ("200000/day", 200_000, .days(1)), ("200000/d", 200_000, .days(1)),
        ] as [(String, Int, Interval)])
    func rates(_ text: String, _ quota: Int, _ window: Interval) throws {
        let rate = try #require(Units.rate(text))
        #expect(rate == (quota, window))
    }

    @Test(
        "What is no rate",
        arguments: [
            "", "500", "500/", "/min", "500/30s", "500/minutes", "500 /min", "500/ min", "500/MIN", "0.5/s", "-1/s",
            "500/week", "500/min/min", "1k/min",
        ])
    func noRates(_ text: String) {
        #expect(Units.rate(text) == nil)
    }

    @Test("Percentages", arguments: [("10%", 10), ("0%", 0), ("150%", 150), ("10", nil), ("1.5%", nil), ("%", nil)])
    func percentages(_ text: String, _ percent: Int?) {
        #expect(Units.percentage(text) == percent)
    }

    @Test("Lengths are shown in the largest unit that fits", arguments: [(90, "90s"), (120, "2m"), (7200, "2h")])
    func largestUnit(_ seconds: Int, _ text: String) {
        #expect(Units.text(.seconds(seconds)) == text)
    }
}

@Suite("Nearest name")
struct NearestTests {
    @Test(
        "What was probably meant",
        arguments: [
            ("limit", "limits"), ("in_flght", "in_flight"), ("pefrix", "prefix"), ("URL", "url"),
            ("max_req", "max_requests"),
            ("colour", nil), ("", nil), ("x", nil),
        ])
    func match(_ written: String, _ meant: String?) {
        #expect(Nearest.match(written, in: ["url", "limits", "in_flight", "prefix", "max_requests"]) == meant)
    }

    @Test(
        "Edits are counted",
        arguments: [("", "", 0), ("a", "", 1), ("ab", "ba", 1), ("kitten", "sitting", 3), ("abc", "abd", 1)])
    func distance(_ left: String, _ right: String, _ edits: Int) {
        #expect(Nearest.editDistance(Array(left.unicodeScalars), Array(right.unicodeScalars)) == edits)
    }
}
