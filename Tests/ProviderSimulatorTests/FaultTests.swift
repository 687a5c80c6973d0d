import Testing

@testable import ProviderSimulator

@Suite("Faults")
struct FaultTests {
    static let second: Int64 = 1_000_000_000

    @Test(
        "are read and written",
        arguments: [
            ("status=503", Fault.status(503, nil)),
            ("status=429;retry-after=2", .status(429, .seconds(2 * second))),
            ("status=429;retry-after-ms=1500", .status(429, .milliseconds(1_500_000_000))),
            ("status=503;retry-after-date=5s", .status(503, .date(5 * second))),
            ("quota-exhausted", .refusal(.money)), ("overloaded", .refusal(.overloaded)),
            ("reset-before-head", .resetBeforeHead),
            ("reset-after-head", .resetAfterHead), ("refuse-stream", .refuseStream), ("stall", .stall),
            ("slow-body=50ms", .slowBody(50_000_000)), ("cut-body", .cutBody), ("delay=250ms", .delay(250_000_000)),
        ])
    func read(text: String, fault: Fault) throws {
        #expect(try Fault(text) == fault)
        #expect(fault.description == text)
    }

    @Test(
        "have short forms",
        arguments: [
            ("retry-after-date", "status=429;retry-after-date=2s"),
            ("retry-after-date=9s", "status=429;retry-after-date=9s"),
            ("slow-body", "slow-body=100ms"),
        ])
    func short(text: String, full: String) throws {
        #expect(try Fault(text).description == full)
    }

    @Test(
        "are refused where they mean nothing",
        arguments: [
            "", "boom", "status", "status=200", "status=x", "status=429;retry-after", "status=429;retry-after=-1",
            "status=429;later=5", "stall=5", "delay", "delay=5", "delay=2d", "slow-body=x", "retry-after-date=x",
            "stall@", "stall@next=0", "stall@p=2", "stall@for=5", "stall@always",
        ])
    func refused(text: String) {
        let error = #expect(throws: SimulatorTextError.self) { try FaultRule(text) }
        #expect(error?.description.hasPrefix("fault \"\(text.split(separator: "@").first ?? "")") == true)
    }

    @Test(
        "meet whom their rule names",
        arguments: [
            ("stall", [true, true, true, true]), ("stall@next=2", [true, true, false, false]),
            ("stall@for=3s", [true, true, true, false]), ("stall@p=0", [false, false, false, false]),
            ("stall@p=1", [true, true, true, true]),
        ])
    func extents(text: String, met: [Bool]) throws {
        var random = SeededRandom(seed: 1)
        var plan = FaultPlan([try FaultRule(text)], now: 0)
        let drawn = (0..<4).map { plan.draw(now: Int64($0) * Self.second, using: &random) != nil }
        #expect(drawn == met)
    }

    @Test("meet a share of requests that is near their probability")
    func probability() throws {
        var random = SeededRandom(seed: 5)
        var plan = FaultPlan([try FaultRule("status=503@p=0.2")], now: 0)
        let met = (0..<10_000).count { _ in plan.draw(now: 0, using: &random) != nil }
        #expect((1_850...2_150).contains(met))
    }

    @Test("are tried in their order, and what is left of them is told")
    func order() throws {
        var random = SeededRandom(seed: 1)
        var plan = FaultPlan(try ["stall@next=2", "cut-body@for=10s"].map { try FaultRule($0) }, now: Self.second)
        #expect(plan.draw(now: Self.second, using: &random) == .stall)
        #expect(plan.rules(now: 2 * Self.second).map(\.description) == ["stall@next=1", "cut-body@for=9s"])
        #expect(plan.draw(now: 2 * Self.second, using: &random) == .stall)
        #expect(plan.draw(now: 3 * Self.second, using: &random) == .cutBody)
        #expect(plan.draw(now: 11 * Self.second, using: &random) == nil)
        #expect(plan.rules(now: 11 * Self.second).isEmpty)
    }

    @Test("are set by JSON, as texts or objects")
    func json() throws {
        let body =
            #"{"faults":["stall@next=5",{"fault":"status=503","probability":0.25},{"fault":"stall","for":"30s"},"#
            + #"{"fault":"cut-body","next":3},{"fault":"refuse-stream"}]}"#
        let rules = try FaultRule.read(Array(body.utf8))
        #expect(
            rules.map(\.description) == [
                "stall@next=5", "status=503@p=0.25", "stall@for=30s", "cut-body@next=3", "refuse-stream",
            ])
        #expect(try FaultRule.read(Array(#"{"faults":[]}"#.utf8)).isEmpty)
    }

    @Test(
        "are not set by other JSON",
        arguments: [
            "", "[]", #"{"faults":5}"#, #"{"faults":[5]}"#, #"{"faults":[{"fault":"stall","next":0}]}"#,
            #"{"faults":[{"fault":"stall","for":5}]}"#,
        ])
    func badJSON(body: String) {
        #expect(throws: SimulatorTextError.self) { try FaultRule.read(Array(body.utf8)) }
    }
}

@Suite("Latency")
struct LatencyTests {
    @Test(
        "is read and written",
        arguments: [
            ("200ms", Latency.fixed(200_000_000)), ("100ms..2s", .uniform(100_000_000...2_000_000_000)),
            ("lognormal(400ms,0.5)", .lognormal(median: 400_000_000, sigma: 0.5)),
        ])
    func read(text: String, latency: Latency) throws {
        #expect(try Latency(text) == latency)
        #expect(latency.description == text)
    }

    @Test("may have fractions in its bounds")
    func fractions() throws {
        #expect(try Latency("0.5s..1.5s") == .uniform(500_000_000...1_500_000_000))
    }

    @Test(
        "is refused",
        arguments: ["", "5", "2s..1s", "..1s", "1s..", "1s...2s", "lognormal(1s)", "lognormal(1s,-1)", "2d", "1s..2d"])
    func refused(text: String) {
        #expect(throws: SimulatorTextError.self) { try Latency(text) }
    }

    @Test("is drawn within its bounds, around its median, and the same for the same seed")
    func drawn() {
        var random = SeededRandom(seed: 8)
        let uniform = (0..<1_000).map { _ in Latency.uniform(5...9).draw(using: &random) }
        #expect(Set(uniform) == [5, 6, 7, 8, 9])
        let lognormal = (0..<2_001).map { _ in Latency.lognormal(median: 1_000_000, sigma: 0.5).draw(using: &random) }
        #expect((950_000...1_050_000).contains(lognormal.sorted()[1_000]))
        var again = SeededRandom(seed: 8)
        #expect(uniform == (0..<1_000).map { _ in Latency.uniform(5...9).draw(using: &again) })
    }
}
