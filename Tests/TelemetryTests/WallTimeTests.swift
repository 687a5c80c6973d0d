import Testing

@testable import Telemetry

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("Times in log lines")
struct WallTimeTests {
    @Test(
        "are RFC 3339 in UTC, cut to milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_999_999, "1970-01-01T00:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
            (1_735_689_599_123_456_789, "2024-12-31T23:59:59.123Z"),
            (1_709_164_800_000_000_000, "2024-02-29T00:00:00.000Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"), (.max, "2262-04-11T23:47:16.854Z"),
        ] as [(Int64, String)])
    func text(nanoseconds: Int64, text: String) {
        var bytes: [UInt8] = []
        WallTime(nanoseconds: nanoseconds).append(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == text)
    }

    @Test("agree with the C library on every day of eight hundred years")
    func everyDay() {
        for day in Int64(-146_097)..<146_097 {
            var seconds = time_t(day * 86_400)
            var parts = tm()
            gmtime_r(&seconds, &parts)
            let date = CivilDate(daysSince1970: day)
            guard date.year == Int64(parts.tm_year) + 1900, date.month == Int64(parts.tm_mon) + 1,
                date.day == Int64(parts.tm_mday)
            else {
                Issue.record("day \(day) is \(date)")
                return
            }
        }
    }

    @Test("come from the system's clock")
    func now() {
        let before = Int64(time(nil)) - 1
        #expect(WallTime.now.nanoseconds / 1_000_000_000 >= before)
    }
}
