import Testing

@testable import Admission

@Suite("Reset zone")
struct ResetZoneTests {
    static let hour: Int64 = 3600

    /// Seconds since 1970 UTC of a date's beginning there, by counting years and months one by one.
    static func date(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        var days = day - 1
        for year in 1970..<year { days += isLeap(year) ? 366 : 365 }
        let lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        for month in 1..<month { days += lengths[month - 1] }
        return Int64(days) * 86_400
    }

    @Test(
        "reads names and offsets",
        arguments: [
            ("UTC", .utc), ("Z", .utc), ("Pacific", .pacific), ("America/Los_Angeles", .pacific),
            ("+02:00", .fixed(secondsEastOfUTC: 7200)), ("-0530", .fixed(secondsEastOfUTC: -19_800)),
            ("+0000", .utc), ("-00:00", .utc), ("+14:00", .fixed(secondsEastOfUTC: 50_400)),
            ("-12:00", .fixed(secondsEastOfUTC: -43_200)), ("+05:45", .fixed(secondsEastOfUTC: 20_700)),
            ("", nil), ("utc", nil), ("+2", nil), ("+02", nil), ("02:00", nil), ("+2:00", nil), ("+02:60", nil),
            ("+14:01", nil), ("-99:00", nil), ("+02-00", nil), ("+02:0a", nil), ("+0２", nil), ("++200", nil),
            ("+02:000", nil), ("Europe/Berlin", nil),
        ] as [(String, ResetZone?)])
    func reads(text: String, zone: ResetZone?) {
        #expect(ResetZone(text) == zone)
    }

    /// Where the clock of Los Angeles changes in each year: the days of March and November. From the tz database.
    static let changes = [
        (2007, 11, 4), (2008, 9, 2), (2009, 8, 1), (2010, 14, 7), (2011, 13, 6), (2012, 11, 4), (2013, 10, 3),
        (2014, 9, 2), (2015, 8, 1), (2016, 13, 6), (2017, 12, 5), (2018, 11, 4), (2019, 10, 3), (2020, 8, 1),
        (2021, 14, 7), (2022, 13, 6), (2023, 12, 5), (2024, 10, 3), (2025, 9, 2), (2026, 8, 1), (2027, 14, 7),
        (2028, 12, 5), (2029, 11, 4), (2030, 10, 3), (2031, 9, 2), (2032, 14, 7), (2033, 13, 6), (2034, 12, 5),
        (2035, 11, 4), (2036, 9, 2), (2037, 8, 1), (2038, 14, 7), (2039, 13, 6), (2040, 11, 4),
    ]

    @Test("a Pacific day is 23 hours long when daylight saving begins and 25 when it ends", arguments: changes)
    func pacific(year: Int, march: Int, november: Int) {
        let zone = ResetZone.pacific
        let spring = Self.date(year, 3, march) + 8 * Self.hour
        #expect(zone.lastMidnight(before: spring) == spring && zone.lastMidnight(before: spring - 1) == spring - 86_400)
        #expect(zone.nextMidnight(after: spring - 1) == spring)
        #expect(zone.nextMidnight(after: spring) == spring + 23 * Self.hour)
        #expect(zone.lastMidnight(before: spring + 23 * Self.hour - 1) == spring)
        let autumn = Self.date(year, 11, november) + 7 * Self.hour
        #expect(zone.nextMidnight(after: autumn - 1) == autumn && zone.lastMidnight(before: autumn) == autumn)
        #expect(zone.nextMidnight(after: autumn) == autumn + 25 * Self.hour)
        #expect(zone.lastMidnight(before: autumn + 25 * Self.hour - 1) == autumn)
        let newYear = Self.date(year, 1, 1) + 8 * Self.hour
        #expect(zone.nextMidnight(after: newYear - 1) == newYear && zone.lastMidnight(before: newYear) == newYear)
        #expect(zone.nextMidnight(after: newYear - 86_400) == newYear)
    }

    @Test("every second of a year lies between its midnights, and the days follow each other", arguments: 2007...2040)
    func order(year: Int) {
        let zone = ResetZone.pacific
        var midnight = zone.lastMidnight(before: Self.date(year, 1, 1))
        var lengths: [Int64: Int] = [:]
        for _ in 0..<365 {
            let next = zone.nextMidnight(after: midnight)
            lengths[(next - midnight) / Self.hour, default: 0] += 1
            for second in [midnight, midnight + 1, midnight + 9 * Self.hour, midnight + 10 * Self.hour, next - 1] {
                #expect(zone.lastMidnight(before: second) == midnight && zone.nextMidnight(after: second) == next)
            }
            #expect(zone.day(of: next) == zone.day(of: midnight) + 1)
            midnight = next
        }
        #expect(lengths == [23: 1, 24: 363, 25: 1])
    }

    @Test(
        "a fixed offset's midnights are a day apart, also before 1970 and at the ends of years",
        arguments: [
            ("UTC", 0, 0, 86_400), ("UTC", 86_399, 0, 86_400), ("UTC", -1, -86_400, 0), ("+02:00", 0, -7_200, 79_200),
            ("+02:00", 79_200, 79_200, 165_600), ("-0530", 0, -66_600, 19_800), ("-0530", 19_800, 19_800, 106_200),
            ("UTC", 1_798_761_599, 1_798_675_200, 1_798_761_600), ("+14:00", -1, -50_400, 36_000),
        ] as [(String, Int64, Int64, Int64)])
    func fixed(text: String, second: Int64, last: Int64, next: Int64) throws {
        let zone = try #require(ResetZone(text))
        #expect(zone.lastMidnight(before: second) == last && zone.nextMidnight(after: second) == next)
    }

    @Test("any time that nanoseconds can tell has midnights", arguments: [Int64.min, -1, 0, .max])
    func ends(nanoseconds: Int64) {
        let second = nanoseconds / 1_000_000_000
        for zone in [ResetZone.pacific, .utc, .fixed(secondsEastOfUTC: 50_400)] {
            let (last, next) = (zone.lastMidnight(before: second), zone.nextMidnight(after: second))
            #expect(last <= second && second < next && next - last == 86_400)
        }
    }

    @Test("the time of day is an instant and an offset, and saturates at the ends of time")
    func offsets() {
        let offset = WallClockOffset(nanoseconds: 1_700_000_000_500_000_000)
        #expect(offset.unixSeconds(Instant(nanoseconds: 499_999_999)) == 1_700_000_000)
        #expect(offset.unixSeconds(Instant(nanoseconds: 500_000_000)) == 1_700_000_001)
        #expect(offset.instant(unixSeconds: 1_700_000_001) == Instant(nanoseconds: 500_000_000))
        #expect(WallClockOffset(nanoseconds: -1).unixSeconds(Instant(nanoseconds: 0)) == -1)
        #expect(offset.unixSeconds(.never) == Int64.max / 1_000_000_000)
        #expect(WallClockOffset(nanoseconds: -5).unixSeconds(Instant(nanoseconds: .min)) == -9_223_372_037)
        #expect(offset.instant(unixSeconds: .max) == .never)
        #expect(offset.instant(unixSeconds: .min) == Instant(nanoseconds: .min))
        #expect(WallClockOffset(nanoseconds: .min).instant(unixSeconds: 9) == .never)
        #expect(WallClockOffset(nanoseconds: .max).instant(unixSeconds: -9) == Instant(nanoseconds: .min))
    }
}
