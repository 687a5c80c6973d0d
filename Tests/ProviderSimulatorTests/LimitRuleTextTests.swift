import Testing

@testable import ProviderSimulator

@Suite("Limits as text")
struct LimitRuleTextTests {
    static let minute: Int64 = 60_000_000_000
    static let second: Int64 = 1_000_000_000

    @Test(
        "are read",
        arguments: [
            ("in_flight=16", LimitRule.Bound.inFlight(16)),
            ("requests=500/60s", .requests(500, window: minute, .slidingLog)),
            ("requests=500/min", .requests(500, window: minute, .slidingLog)),
            ("requests=10/s:fixed", .requests(10, window: second, .fixed(phase: 0))),
            ("requests=500/1m:sliding", .requests(500, window: minute, .slidingLog)),
            ("requests=10/1s:fixed(250ms)", .requests(10, window: second, .fixed(phase: second / 4))),
            ("requests=500/60s:bucket", .requests(500, window: minute, .bucket(burst: minute))),
            ("requests=500/60s:bucket(1s)", .requests(500, window: minute, .bucket(burst: second))),
            ("tokens=20000/60s", .tokens(.all, 20_000, window: minute, .slidingLog)),
            ("input_tokens=20000/min:bucket(1s)", .tokens(.input, 20_000, window: minute, .bucket(burst: second))),
            ("output_tokens=1/1s:fixed(250ms)", .tokens(.output, 1, window: second, .fixed(phase: second / 4))),
            ("tokens=9/1s:counter", .tokens(.all, 9, window: second, .counter(phase: 0))),
            ("requests=500/60s:counter", .requests(500, window: minute, .counter(phase: 0))),
            ("requests=10000/day:counter(1h)", .requests(10_000, window: 1_440 * minute, .counter(phase: 60 * minute))),
        ])
    func read(text: String, bound: LimitRule.Bound) throws {
        #expect(try LimitRule(text) == LimitRule(bound))
        #expect(try LimitRule("per_key.\(text)") == LimitRule(bound, scope: .key))
        #expect(try LimitRule("\(text)@model=a/b:c=d@e") == LimitRule(bound, model: "a/b:c=d@e"))
    }

    @Test(
        "are written so that they can be read",
        arguments: [
            "in_flight=16", "per_key.in_flight=1", "requests=500/60s:sliding", "requests=3/1500ms:fixed(250ms)",
            "requests=500/60s:bucket", "per_key.requests=500/60s:bucket(1s)", "requests=9/1h:counter",
            "requests=1/1d:counter(7ns)", "tokens=20000/60s:sliding", "per_key.input_tokens=7/1h:bucket(1s)",
            "output_tokens=9/1d:fixed(250ms)@model=gpt-4o", "per_key.in_flight=2@model=a@b",
        ])
    func written(text: String) throws {
        #expect(try LimitRule(text).description == text)
    }

    @Test(
        "are refused with a reason",
        arguments: [
            ("", "it has no \"=\"; a limit is in_flight=16 or requests=500/60s"),
            ("in_flight", "it has no \"=\"; a limit is in_flight=16 or requests=500/60s"),
            (
                "words=5/1s",
                "\"words\" is no limit; in_flight, requests, tokens, input_tokens and output_tokens are"
            ),
            ("tokens=500", "a rate needs a window, as in 500/60s"),
            ("output_tokens=0/1s", "\"0\" is not a whole number of 1 or more"),
            ("tokens=900000/1d:counter", "a limit is too large for a counter"),
            ("requests=5/1s@", "it needs model=NAME after \"@\""),
            ("requests=5/1s@model=", "it needs model=NAME after \"@\""),
            ("requests=5/1s@models=x", "it needs model=NAME after \"@\""),
            ("in_flight=0", "\"0\" is not a whole number of 1 or more"),
            ("in_flight=many", "\"many\" is not a whole number of 1 or more"),
            ("requests=500", "a rate needs a window, as in 500/60s"),
            ("requests=1.5/1s", "\"1.5\" is not a whole number of 1 or more"),
            ("requests=500/60", "\"60\" is not a duration such as 250ms, 60s, 1m or 1d"),
            ("requests=500/0s", "a limit has a window longer than nothing"),
            ("requests=5/1s:leaky", "\"leaky\" is no way to count; sliding, fixed, bucket and counter are"),
            ("requests=5/1s:sliding(1s)", "sliding takes nothing in brackets"),
            ("requests=5/1s:bucket(1s", "\"bucket(1s\" lacks its closing bracket"),
            ("requests=5/1s:bucket(0s)", "a limit has a bucket that holds more than nothing"),
            ("requests=5/1s:fixed(x)", "\"x\" is not a duration such as 250ms, 60s, 1m or 1d"),
            ("requests=5/1001d", "a limit has no time longer than 1000d"),
            ("requests=5/1s:fixed(1001d)", "a limit has no time longer than 1000d"),
            ("requests=900000/1d:counter", "a limit is too large for a counter"),
            ("requests=999999937/400d:bucket", "a limit is too large for a bucket"),
        ])
    func refused(text: String, reason: String) {
        #expect(throws: SimulatorTextError("limit \"\(text)\": \(reason)")) { try LimitRule(text) }
    }

    @Test(
        "Durations are read exactly or not at all",
        arguments: [
            ("0s", 0), ("1ns", 1), ("250ms", 250_000_000), ("1.5s", 1_500_000_000), ("6m", 360_000_000_000),
            ("1d", 86_400_000_000_000), ("5", nil), ("s", nil), ("-1s", nil), ("1.s", nil), (".5s", nil), ("1 s", nil),
            ("1.2.3s", nil), ("1week", nil), ("999999d", nil), ("", nil),
        ] as [(String, Int64?)])
    func durations(text: String, length: Int64?) {
        #expect(DurationText.parse(text) == length)
    }

    @Test(
        "Durations are printed as Go does, rounded up to milliseconds",
        arguments: [
            (0, "0s"), (-5, "0s"), (1, "1ms"), (120_000_000, "120ms"), (999_999_999, "1s"), (1_200_000_000, "1.2s"),
            (1_050_000_001, "1.051s"), (60_000_000_000, "1m0s"), (360_000_000_000, "6m0s"),
            (119_560_000_000, "1m59.56s"),
            (3_600_000_000_000, "1h0m0s"), (90_061_000_000_000, "25h1m1s"),
        ] as [(Int64, String)])
    func goDurations(length: Int64, text: String) {
        #expect(DurationText.go(length) == text)
    }
}
