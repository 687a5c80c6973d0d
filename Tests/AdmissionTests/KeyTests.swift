import Testing

@testable import Admission

@Suite("Several keys")
struct KeyTests {
    /// Keys `a`, `b` and so on with the limits given for each.
    private static func bench(
        _ terms: [Limit.Terms?], shared: [Limit] = [], pacing: Pacing = .burst, queue: QueueRules = QueueRules()
    ) -> Bench {
        Bench(rules(terms, shared: shared, pacing: pacing, queue: queue))
    }

    private static func rules(
        _ terms: [Limit.Terms?], names: [String] = ["a", "b", "c", "d"], shared: [Limit] = [],
        pacing: Pacing = .burst, queue: QueueRules = QueueRules()
    ) -> GateRules {
        let names = Array(names.prefix(terms.count))
        let own = terms.indices.compactMap { key in
            terms[key].map { Limit(name: "\(names[key])/own", terms: $0, keys: [key]) }
        }
        return GateRules(limits: shared + own, pacing: pacing, queue: queue, keys: names)
    }

    private static func slots(_ count: Int) -> Limit.Terms { Limit.Terms(inFlight: count) }

    private static func perMinute(_ quota: Int) -> Limit.Terms {
        Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1))])
    }

    @Test("take turns where none has a limit")
    func turns() {
        var bench = Self.bench([nil, nil, nil])
        for name in ["1", "2", "3", "4"] { #expect(bench.ask(name) == "+") }
        #expect(["1", "2", "3", "4"].map { bench.key($0) } == ["a", "b", "c", "a"])
        // The one with the least under way, whoever's turn it is.
        bench.settle("3")
        bench.ask("5")
        #expect(bench.key("5") == "c")
    }

    @Test("are used by how much of their scarcest limit is")
    func load() {
        var bench = Self.bench([Self.slots(4), Self.slots(2)])
        let names = (1...6).map(String.init)
        for name in names { #expect(bench.ask(name) == "+") }
        #expect(names.map { bench.key($0) } == ["a", "b", "a", "b", "a", "a"])
        #expect(bench.ask("7") == "…")
        #expect(bench.settle("2") == ["7"] && bench.key("7") == "b")
    }

    @Test("let nobody wait while one has room, and then as long as the first of them needs")
    func workConservation() {
        var bench = Self.bench([Self.perMinute(1), Self.perMinute(2)])
        #expect(bench.ask("1") == "+")
        #expect(bench.ask("2", at: .after(.seconds(1))) == "+")
        #expect(bench.ask("3", at: .after(.seconds(2))) == "+")
        #expect(["1", "2", "3"].map { bench.key($0) } == ["a", "b", "b"])
        #expect(bench.ask("4", at: .after(.seconds(3))) == "…")
        let opening = Instant.after(.milliseconds(60_010))
        #expect(bench.gate.nextDeadline == .after(.seconds(63)) || bench.gate.nextDeadline == opening)
        #expect(bench.advance(to: opening) == ["4"] && bench.key("4") == "a")
    }

    @Test("are charged only together with the limits that hold for all, or not at all")
    func allOrNothing() {
        var bench = Self.bench([Self.slots(1), Self.slots(1)], shared: [Bench.limit(1)])
        #expect(bench.ask("1") == "+" && bench.ask("2") == "…")
        #expect(bench.gate.report(now: .start).keys.map(\.inFlight) == [1, 0])
        #expect(bench.cancel("2") == [])
        #expect(bench.settle("1") == [])
        #expect(bench.gate.report(now: .start).keys.map(\.inFlight) == [0, 0])
    }

    @Test("are paused one by one, and a repetition goes out with another at once")
    func pause() {
        var bench = Self.bench([Self.slots(4), Self.slots(4)])
        #expect(bench.ask("1") == "+" && bench.key("1") == "a")
        #expect(bench.throttled("1", comeBack: .seconds(20)) == true)
        #expect(bench.retry("1", at: .start, now: .start) == "…")
        #expect(bench.collect() == [] && bench.key("1") == "b")
        for name in ["2", "3", "4"] {
            #expect(bench.ask(name, at: .after(.seconds(1))) == "+" && bench.key(name) == "b")
        }
        #expect(bench.ask("5", at: .after(.seconds(2))) == "…")
        #expect(bench.gate.pausedUntil < .start)
        #expect(bench.advance(to: .after(.seconds(20))) == ["5"] && bench.key("5") == "a")
    }

    @Test("learn each for itself that the provider allows less")
    func lesson() {
        let own = Self.perMinute(600)
        var bench = Self.bench([own, own], shared: [rate(5000)], pacing: .window(.seconds(1)))
        #expect(bench.ask("1") == "+")
        bench.throttle("1", at: .start)
        let shares = bench.gate.report(now: .start).limits.flatMap { $0.cells.map(\.share) }
        #expect(shares == [1000, 900, 1000])
    }

    @Test("are left out once the provider turns them away, and come back when one attempt was answered")
    func suspension() {
        var bench = Self.bench([nil, nil])
        #expect(bench.ask("1") == "+" && bench.key("1") == "a")
        #expect(bench.turnAway("1", .exhausted) == true)
        bench.settle("1")
        for name in ["2", "3", "4"] { #expect(bench.ask(name) == "+" && bench.key(name) == "b") }
        let report = bench.gate.report(now: .after(.seconds(1))).keys[0]
        #expect(report.fault == .exhausted && report.returnsIn == .seconds(59))
        // One attempt finds out; the others do not wait for it.
        let later = Instant.after(.minutes(1))
        for name in ["5", "6"] { #expect(bench.ask(name, at: later) == "+") }
        #expect(bench.key("5") == "a" && bench.key("6") == "b")
        bench.settle("5", at: later)
        #expect(bench.gate.report(now: later).keys[0].fault == nil)
    }

    @Test("stay away twice as long each time, an hour at most")
    func longerSuspension() {
        var bench = Self.bench([nil, nil])
        // So that it is the other's turn whenever it is there.
        for name in ["x", "y"] { bench.ask(name) }
        bench.settle("x")
        var now = Instant.start
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(bench.ask("x", at: now) == "+" && bench.key("x") == "a")
            #expect(bench.turnAway("x", .rejected, at: now) == true)
            bench.settle("x", at: now)
            #expect(bench.gate.report(now: now).keys[0].returnsIn == .minutes(minutes))
            now = now + .minutes(minutes)
        }
    }

    @Test("are all used once the provider turns all of them away, so that its words reach the caller")
    func lastResort() {
        var bench = Self.bench([nil, nil])
        #expect(bench.ask("1") == "+" && bench.turnAway("1", .exhausted) == true)
        #expect(bench.ask("2") == "+" && bench.key("2") == "b")
        #expect(bench.turnAway("2", .exhausted) == false)
        for name in ["3", "4", "5"] { #expect(bench.ask(name) == "+") }
        #expect(Set(["3", "4", "5"].map { bench.key($0) }) == ["a", "b"])
    }

    @Test("keep their counts by name when the rules change, and a key that is gone is replaced")
    func reload() {
        var bench = Self.bench([Self.slots(1), Self.slots(1)])
        #expect(bench.ask("1") == "+" && bench.ask("2") == "+" && bench.ask("3") == "…")
        bench.gate.replace(Self.rules([Self.slots(1), Self.slots(1)], names: ["b", "c"]), now: .start)
        #expect(bench.collect() == ["3"] && bench.key("3") == "c" && bench.key("2") == "b")
        #expect(bench.gate.report(now: .start).keys.map(\.inFlight) == [1, 1])
        // The attempt whose key is gone has one of the others by the time it is sent.
        let replaced = bench.key("1")
        #expect(["b", "c"].contains(replaced))
        for name in ["1", "2", "3"] { bench.settle(name) }
        #expect(bench.gate.report(now: .start).keys.map(\.inFlight) == [0, 0])
    }

    @Test("are chosen anew for an attempt that was not sent before its key was paused")
    func departure() {
        var bench = Self.bench([Self.perMinute(4), Self.perMinute(4)])
        #expect(bench.ask("1") == "+" && bench.ask("2") == "+" && bench.ask("3") == "+")
        #expect(bench.key("1") == "a" && bench.key("3") == "a")
        #expect(bench.throttled("1", comeBack: .seconds(30)) == true)
        let now = Instant.after(.milliseconds(5))
        #expect(bench.depart("3", at: now) == now && bench.key("3") == "b")
        let used = bench.gate.report(now: now).limits.map { $0.cells[0].rates[0].used }
        #expect(used == [1, 2])
        #expect(bench.gate.report(now: now).keys.map(\.inFlight) == [1, 2])
    }

    @Test("hold requests of one kind back and not those of another")
    func kinds() {
        let large = [Limit.Match(.model, [Glob("large*")])]
        let limits = [0, 1].map { Limit(name: "\($0)/large", match: large, terms: Self.slots(1), keys: [$0]) }
        var bench = Bench(GateRules(limits: limits, pacing: .burst, keys: ["a", "b"]))
        #expect(bench.ask("1", model: "large-1") == "+" && bench.ask("2", model: "large-2") == "+")
        #expect(bench.ask("3", model: "large-1") == "…" && bench.ask("4", model: "small") == "+")
        #expect(bench.settle("4") == [])
        #expect(bench.settle("2") == ["3"] && bench.key("3") == "b")
    }

    @Test("may share a limit")
    func sharedLimit() {
        let limits = [
            Limit(name: "both", terms: Self.slots(2), keys: [0, 1]),
            Limit(name: "c/own", terms: Self.slots(1), keys: [2]),
        ]
        var bench = Bench(GateRules(limits: limits, pacing: .burst, keys: ["a", "b", "c"]))
        let names = ["1", "2", "3", "4"]
        #expect(names.map { bench.ask($0) } == ["+", "+", "+", "…"])
        #expect(names.prefix(3).map { bench.key($0) } == ["a", "c", "b"])
        #expect(bench.settle("1") == ["4"] && bench.key("4") == "a")
    }

    @Test("take what fits one of them, and refuse what fits none")
    func tokens() {
        func terms(_ quota: Int) -> Limit.Terms {
            Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1), of: .tokens)])
        }
        var bench = Self.bench([terms(1000), terms(5000)])
        #expect(bench.ask("1", tokens: TokenClaim(input: 3000, outputBound: 1)) == "+" && bench.key("1") == "b")
        #expect(bench.ask("2", tokens: TokenClaim(input: 6000, outputBound: 1)) == "-")
        guard case .neverFits = bench.refusals["2"]?.reason else {
            Issue.record("refused because of \(String(describing: bench.refusals["2"]))")
            return
        }
    }

    @Test("foretell a wait by what all of them allow")
    func foretold() {
        let queue = QueueRules(timeout: .seconds(60))
        var bench = Self.bench([Self.perMinute(60), Self.perMinute(60)], pacing: .window(.seconds(1)), queue: queue)
        var (waiting, refused) = (0, 0)
        for index in 0..<200 {
            switch bench.ask("\(index)") {
            case "…": waiting += 1
            case "-": refused += 1
            default: break
            }
        }
        // Two keys of one a second serve some 120 in a minute; one alone would have let 60 in.
        #expect((110...122).contains(waiting), "\(waiting) wait, \(refused) refused")
        #expect(bench.refusals.values.allSatisfy { $0.reason == .waitTooLong && $0.limit != nil })
    }
}

extension Bench {
    static func limit(_ slots: Int) -> Limit { Limit(name: "all", terms: Limit.Terms(inFlight: slots)) }

    /// The name of the key that a permit goes out with.
    mutating func key(_ name: String) -> String {
        guard let permit = permits[name], let key = gate.key(of: permit) else { return "none" }
        return gate.rules.keys[key]
    }

    mutating func throttled(_ name: String, comeBack: Interval?, at now: Instant = .start) -> Bool {
        permits[name].map { gate.throttled($0, comeBack: comeBack, now: now) } ?? false
    }

    mutating func turnAway(_ name: String, _ fault: KeyFault, at now: Instant = .start) -> Bool {
        permits[name].map { gate.refusedKey(of: $0, fault, now: now) } ?? false
    }

    mutating func depart(_ name: String, at now: Instant) -> Instant {
        permits[name].map { gate.depart($0, now: now) } ?? .never
    }
}
