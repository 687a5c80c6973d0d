import Testing

@testable import Admission

@Suite("An upstream that fails")
struct HealthTests {
    @Test("five failures in a row open the breaker; who has time waits, who has none is told so")
    func opens() {
        var bench = Bench(GateRules(limits: [slots(10)], breaker: BreakerRules()))
        for index in 0..<5 {
            #expect(bench.ask("\(index)") == "+")
            bench.settle("\(index)", .failed)
        }
        #expect(bench.ask("patient", deadline: .after(.seconds(50))) == "…")
        #expect(bench.ask("hasty", deadline: .after(.seconds(20))) == "-")
        #expect(bench.refusals["hasty"]?.reason == .breakerOpen)
        #expect(bench.refusals["hasty"]?.comeBack == .seconds(30))
        #expect(bench.ask("next") == "…")
        #expect(bench.advance(to: .after(.seconds(30))) == ["patient"], "one probe at a time")
        #expect(bench.settle("patient", at: .after(.seconds(31))) == ["next"])
    }

    @Test("a verdict at the head of an answer counts at once and only once")
    func earlyVerdict() {
        var bench = Bench(GateRules(limits: [slots(10)], breaker: BreakerRules(failures: 2)))
        #expect(["a", "b", "c"].map { bench.ask($0) } == ["+", "+", "+"])
        bench.settle("a", .failed)
        #expect(bench.gate.watchesVerdicts)
        if let permit = bench.permits["b"] { bench.gate.answered(permit, now: .start) }
        bench.settle("c", .failed)
        #expect(bench.ask("d") == "+", "the success between them counted")
        bench.settle("b", .failed)
        #expect(bench.ask("e") == "+", "its verdict was known before")
    }

    @Test("overload takes three tenths of the adaptive limit, being too fast takes nothing")
    func adaptive() {
        var bench = Bench(GateRules(adaptive: AdaptiveRules(min: 2, max: 10)))
        let before = bench.gate.adaptive?.limit ?? 0
        #expect((0..<before).allSatisfy { bench.ask("\($0)") == "+" })
        #expect(bench.ask("more") == "…")
        bench.throttle("0", at: .after(.seconds(2)))
        #expect(bench.gate.adaptive?.limit == before)
        bench.settle("1", .overloaded, at: .after(.seconds(2)))
        #expect(bench.gate.adaptive?.limit == before * 7 / 10)
        #expect(bench.gate.report(now: .after(.seconds(2))).adaptiveLimit == before * 7 / 10)
    }

    @Test("a repetition that the budget has no room for is not made")
    func budget() {
        var bench = Bench(GateRules(retryBudget: RetryRules.Budget(percent: 10, leastPerMinute: 1)))
        #expect(["a", "b"].map { bench.ask($0) } == ["+", "+"])
        #expect(bench.retry("a", .failed, isFree: false, at: .after(.seconds(1)), now: .start) == "…")
        #expect(bench.retry("b", .failed, isFree: false, at: .start, now: .start) == "?")
        #expect(bench.permits["b"] != nil, "still held: it is the caller's to settle")
        #expect(bench.retry("b", .failed, isFree: true, at: .after(.seconds(1)), now: .start) == "…")
    }

    @Test("while the upstream is left alone, a repetition waits for the budget as long as its deadline allows")
    func budgetInOutage() {
        var bench = Bench(
            GateRules(
                queue: QueueRules(timeout: .minutes(5)), retryBudget: RetryRules.Budget(percent: 10, leastPerMinute: 1),
                breaker: BreakerRules(failures: 2)))
        #expect(["a", "b", "c"].map { bench.ask($0) } == ["+", "+", "+"])
        #expect(bench.retry("a", .failed, isFree: false, at: .after(.seconds(1)), now: .start) == "…")
        #expect(bench.retry("b", .failed, isFree: false, at: .start, now: .start) == "…")
        #expect(bench.retry("c", .failed, isFree: false, at: .start, deadline: .after(.seconds(5)), now: .start) == "?")
        #expect(bench.gate.waiting == 2 && bench.gate.inFlight == 1)
    }

    @Test("limits that are only observed say what they would do, and do nothing")
    func observe() {
        var bench = Bench(
            [
                Limit(name: "watch", terms: Limit.Terms(inFlight: 1), mode: .observe),
                Limit(
                    name: "rate", per: [.tenant], terms: Limit.Terms(rates: [Limit.Rate(1, per: .minutes(1))]),
                    mode: .observe),
            ], pacing: .burst)
        #expect(bench.ask("a", tenant: "x") == "+")
        #expect(bench.gate.takeObserved() == [])
        #expect(bench.ask("b", tenant: "y") == "+")
        #expect(bench.gate.takeObserved() == [0])
        #expect(bench.ask("c", tenant: "x") == "+")
        #expect(bench.gate.takeObserved() == [0, 1])
        let cells = bench.gate.report(now: .start).limits[0].cells
        #expect(cells.map(\.inFlight) == [3], "counted")
        for name in ["a", "b", "c"] { bench.settle(name) }
        #expect(bench.gate.report(now: .start).limits[0].cells.map(\.inFlight) == [0])
    }
}
