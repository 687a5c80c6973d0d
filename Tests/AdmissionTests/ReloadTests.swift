import Rehearsal
import Testing

@testable import Admission

@Suite("Going on by other rules")
struct ReloadTests {
    @Test("what is in flight counts in a limit that has changed")
    func inFlight() {
        var bench = Bench([slots(2)])
        #expect(["a", "b", "c", "d"].map { bench.ask($0) } == ["+", "+", "…", "…"])
        bench.gate.replace(GateRules(limits: [slots(3)], pacing: .window(.seconds(1))), now: .start)
        #expect(bench.collect() == ["c"])
        bench.gate.replace(GateRules(limits: [slots(1)], pacing: .window(.seconds(1))), now: .start)
        #expect(bench.settle("a") == [] && bench.settle("b") == [])
        #expect(bench.settle("c") == ["d"])
        #expect(bench.settle("d") == [] && bench.gate.inFlight == 0)
    }

    @Test("what was sent in a window counts on, also of tenants that are away")
    func windows() {
        let own = Limit(name: "own", per: [.tenant], terms: Limit.Terms(rates: [Limit.Rate(3, per: .minutes(1))]))
        var bench = Bench([own], pacing: .burst)
        #expect(["a", "b"].map { bench.ask($0, tenant: "x") } == ["+", "+"])
        bench.settle("a")
        bench.settle("b")
        var wider = own
        wider.terms.rates = [Limit.Rate(4, per: .minutes(1))]
        bench.gate.replace(GateRules(limits: [slots(9), wider], pacing: .burst), now: .after(.seconds(1)))
        #expect(["c", "d", "e"].map { bench.ask($0, tenant: "x", at: .after(.seconds(2))) } == ["+", "+", "…"])
        #expect(bench.advance(to: .after(.milliseconds(60_010))) == ["e"])
    }

    @Test("those who wait keep their order, their shares and their deadlines")
    func places() {
        let rules = GateRules(limits: [slots(1)], pacing: .burst)
        var bench = Bench(rules)
        #expect(bench.ask("a1", tenant: "a") == "+")
        for name in ["a2", "a3", "b1", "b2"] { #expect(bench.ask(name, tenant: String(name.prefix(1))) == "…") }
        #expect(bench.ask("late", tenant: "c", deadline: .after(.seconds(5))) == "…")
        var same = bench
        var changed = rules
        changed.queue.maxRequests = 10
        bench.gate.replace(changed, now: .after(.seconds(1)))
        var (order, expected) = ([String](), [String]())
        for (name, index) in zip(["a1", "", "", ""], 1...) {
            let last = name.isEmpty ? (order.last ?? "", expected.last ?? "") : (name, name)
            order += bench.settle(last.0, at: .after(.seconds(1 + index)))
            expected += same.settle(last.1, at: .after(.seconds(1 + index)))
        }
        #expect(order == expected && order.count == 4, "\(order) instead of \(expected)")
        #expect(bench.advance(to: .after(.seconds(5))) == [])
        #expect(bench.refusals["late"] != nil || order.contains("late"))
    }

    @Test("pauses, lessons and open breakers go on")
    func learned() {
        let rules = GateRules(limits: [rate(600)], pacing: .window(.seconds(1)), breaker: BreakerRules(failures: 1))
        var bench = Bench(rules)
        #expect(["a", "b"].map { bench.ask($0) } == ["+", "+"])
        bench.throttle("a", comeBack: .seconds(3), at: .start)
        bench.settle("b", .failed)
        var changed = rules
        changed.limits = [Limit(name: "other name", terms: Limit.Terms(rates: [Limit.Rate(700, per: .minutes(1))]))]
        bench.gate.replace(changed, now: .after(.seconds(1)))
        let report = bench.gate.report(now: .after(.seconds(1)))
        #expect(report.pausedFor == .seconds(2))
        #expect(report.limits[0].cells[0].share == 900)
        #expect(report.breaker?.isOpen == true)
        #expect(report.limits[0].cells[0].rates[0].used == 2)
    }

    @Test("whatever rules follow whatever rules, nothing is lost and nothing is counted twice", arguments: seeds(50))
    func anyRules(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bench = Bench(RandomRules.make(&random))
        var now = Instant.start
        for step in 0..<150 {
            now = now + random.interval(upTo: .milliseconds(200))
            bench.gate.advance(to: now)
            bench.collect()
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6:
                _ = bench.ask(
                    "\(step)", tenant: random.one(of: ["a", "b", "c"]), job: random.one(of: ["", "1", "2"]),
                    model: random.one(of: ["m-1", "n"]), priority: random.one(of: Priority.allCases), at: now)
            case 6..<9:
                let held = bench.permits.keys.sorted()
                if !held.isEmpty { bench.settle(random.one(of: held), at: now) }
            default: bench.gate.replace(RandomRules.make(&random), now: now)
            }
            bench.collect()
            #expect(bench.gate.inFlight == bench.permits.count, "seed \(seed), step \(step)")
            #expect(bench.gate.waiting == bench.names.count, "seed \(seed), step \(step)")
        }
        for name in bench.permits.keys.sorted() { bench.settle(name, at: now) }
        var rounds = 0
        while bench.gate.waiting + bench.gate.inFlight > 0, rounds < 1000 {
            rounds += 1
            if bench.permits.isEmpty { now = max(now, bench.gate.nextDeadline) }
            _ = bench.advance(to: now)
            for name in bench.permits.keys.sorted() { bench.settle(name, at: now) }
        }
        #expect(bench.gate.waiting == 0 && bench.gate.inFlight == 0, "seed \(seed)")
        for limit in bench.gate.report(now: now).limits {
            for cell in limit.cells { #expect(cell.inFlight == 0 && cell.waiting == 0, "seed \(seed)") }
        }
    }
}
