import Admission
import Rehearsal
import Testing

@testable import Providers

@Suite("Dates on the wire")
struct DateTextTests {
    private let now = WallTime(unixMilliseconds: 1_755_780_000_000)

    @Test(
        "are read in the three forms of RFC 9110",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Sun Nov  6 08:49:37 1994", 784_111_777),
            ("Wed Nov 16 08:49:37 1994", 784_975_777),
            ("  sun, 06 nov 1994 08:49:37 gmt  ", 784_111_777),
            // The day's name is not checked against the date.
            ("Mon, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
            ("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800),
            ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
            ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
        ])
    func httpDates(text: String, seconds: Int64) {
        #expect(DateText.http(text, now: now)?.unixMilliseconds == seconds * 1000)
    }

    @Test("with two digits of the year lie at most fifty years ahead")
    func centuries() {
        let soon = DateText.http("Friday, 21-Aug-26 00:00:00 GMT", now: now)
        #expect(soon == DateText.http("Fri, 21 Aug 2026 00:00:00 GMT", now: now))
        let past = DateText.http("Monday, 21-Aug-95 00:00:00 GMT", now: now)
        #expect(past == DateText.http("Mon, 21 Aug 1995 00:00:00 GMT", now: now))
    }

    @Test(
        "are read as RFC 3339",
        arguments: [
            ("2025-08-21T12:40:59Z", 1_755_780_059_000),
            ("2025-08-21t12:40:59z", 1_755_780_059_000),
            ("2025-08-21 12:40:59Z", 1_755_780_059_000),
            ("2025-08-21T12:40:59.5Z", 1_755_780_059_500),
            ("2025-08-21T12:40:59.123456789Z", 1_755_780_059_123),
            ("2025-08-21T14:40:59+02:00", 1_755_780_059_000),
            ("2025-08-21T05:10:59-07:30", 1_755_780_059_000),
            ("1970-01-01T00:00:00Z", 0),
        ])
    func rfc3339(text: String, milliseconds: Int64) {
        #expect(DateText.rfc3339(text)?.unixMilliseconds == milliseconds)
    }

    @Test(
        "that are none are ignored",
        arguments: [
            "", "GMT", "tomorrow", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 31 Feb 2025 08:49:37 GMT", "Sun, 29 Feb 2023 00:00:00 GMT", "Sun, 29 Feb 1900 00:00:00 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT x",
            "Sun Nov 6 08:49:37 1994", "2025-08-21T12:40:59", "2025-13-21T12:40:59Z", "2025-08-21T12:40:59+24:00",
            "2025-08-21T12:40Z", "2025-08-21",
        ])
    func garbage(text: String) {
        #expect(DateText.http(text, now: now) == nil)
        #expect(DateText.rfc3339(text) == nil)
    }

    @Test("count every day of four centuries once")
    func everyDay() {
        var expected: Int64 = -2_208_988_800_000
        for year in 1900...2299 {
            for month in 1...12 {
                for day in 1...CivilTime.days(in: month, of: year) {
                    #expect(CivilTime(year: year, month: month, day: day).wallTime?.unixMilliseconds == expected)
                    expected += 86_400_000
                }
            }
        }
    }

    @Test("far ahead and long past saturate")
    func saturation() {
        let ends = (WallTime(unixMilliseconds: .min), WallTime(unixMilliseconds: .max))
        #expect(ends.1.wait(from: ends.0) == .forever)
        #expect(ends.0.wait(from: ends.1) == .zero)
        #expect(ends.1.wait(from: now) == .forever)
        #expect(now.wait(from: now) == .zero)
    }

    @Test("survive anything", arguments: [21, 22] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let words = [
            "Sun", ", ", "06", "Nov", " ", "1994", "08:49:37", "GMT", "Sunday", "-94", "2025-08-21", "T", "Z", ".5",
            "+02:00", "9999", "00",
        ]
        for _ in 0..<5000 {
            let text = String(decoding: random.text(from: words, pieces: 12), as: UTF8.self)
            for date in [DateText.http(text, now: now), DateText.rfc3339(text)].compactMap({ $0 }) {
                #expect((-62_168_000_000_000...253_402_500_000_000).contains(date.unixMilliseconds), "\(seed): \(text)")
            }
        }
    }
}
