import Rehearsal
import Testing

@testable import Admission

@Suite("Gate")
struct GateTests {
    @Test("admits up to the slots and lets the oldest follow")
    func inFlight() {
        var bench = Bench([slots(2)])
        #expect(["a", "b", "c", "d"].map { bench.ask($0) } == ["+", "+", "…", "…"])
        #expect(bench.settle("b") == ["c"])
        #expect(bench.settle("a") == ["d"])
        #expect(bench.gate.inFlight == 2 && bench.gate.waiting == 0)
    }

    @Test("charges all limits or none")
    func allOrNothing() {
        var bench = Bench([rate(600), slots(1, per: [.tenant])])
        #expect(bench.ask("a", tenant: "x") == "+")
        #expect(bench.ask("b", tenant: "x") == "…")
        // The second of a burst of two is still there for somebody else: the one that waits has not taken it.
        #expect(bench.ask("c", tenant: "y") == "+")
        #expect(bench.cancel("b") == [])
        #expect(bench.ask("d", tenant: "z") == "…")
        #expect(bench.gate.nextDeadline == .after(.nanoseconds(101_000_001)))
    }

    @Test("a tenant at its own limit holds up nobody")
    func ownLimit() {
        var bench = Bench([slots(3), slots(1, per: [.tenant], name: "tenant")])
        #expect(bench.ask("a1", tenant: "a") == "+")
        #expect(bench.ask("a2", tenant: "a") == "…")
        #expect(bench.ask("b1", tenant: "b") == "+")
        #expect(bench.settle("a1") == ["a2"])
    }

    @Test("a closed limit of one model holds up neither another model nor, below another closed limit, another tenant")
    func sharedLimit() {
        let model = Limit(name: "m", match: [Limit.Match(.model, [Glob("m")])], terms: Limit.Terms(inFlight: 1))
        var bench = Bench([model, slots(2, per: [.tenant], name: "tenant")])
        #expect(bench.ask("m1", tenant: "c", model: "m") == "+")
        #expect(bench.ask("a1", tenant: "a", model: "n") == "+")
        #expect(bench.ask("a2", tenant: "a", model: "m") == "…")
        #expect(bench.ask("a3", tenant: "a", model: "n") == "+")
        #expect(bench.ask("a4", tenant: "a", model: "n") == "…")
        #expect(bench.ask("b1", tenant: "b", model: "m") == "…")
        // Tenant a is at its own limit, so the slot of the model is for tenant b though a came first.
        #expect(bench.settle("m1") == ["b1"])
        #expect(bench.settle("a1") == ["a4"])
        #expect(bench.settle("b1") == [])
        #expect(bench.settle("a3") == ["a2"])
    }

    @Test("at most so many jobs are under way, from a job's first attempt to its last")
    func distinctJobs() {
        let distinct = Limit.Distinct(atMost: 1, of: [.tenant, .job])
        var bench = Bench([Limit(name: "jobs", terms: Limit.Terms(distinct: distinct)), slots(3)])
        #expect(bench.ask("a1", job: "a") == "+")
        #expect(bench.ask("b1", job: "b") == "…")
        #expect(bench.ask("a2", job: "a") == "+")
        #expect(bench.ask("x", job: "") == "+")
        #expect(bench.ask("a3", job: "a") == "…")
        #expect(bench.settle("a1") == ["a3"])
        #expect(bench.settle("a2") == [])
        #expect(bench.settle("a3") == ["b1"])
    }

    @Test("a job stays under way while an attempt of it is repeated later")
    func delayedJob() {
        let distinct = Limit.Distinct(atMost: 1, of: [.job])
        var bench = Bench([Limit(name: "jobs", terms: Limit.Terms(distinct: distinct))])
        #expect(bench.ask("a", job: "a") == "+")
        #expect(bench.ask("b", job: "b") == "…")
        #expect(bench.retry("a", at: .after(.seconds(2)), now: .start) == "…")
        #expect(bench.advance(to: .after(.seconds(1))) == [])
        #expect(bench.advance(to: .after(.seconds(2))) == ["a"])
        #expect(bench.settle("a", at: .after(.seconds(2))) == ["b"])
    }

    @Test("tenants share by weight, priorities inside them 8:4:1")
    func shares() {
        let weights: [Dimension: [String: Int]] = [.tenant: ["big": 3], .priority: FairnessRules.priorityWeights]
        var bench = Bench([slots(1)], fairness: FairnessRules(weights: weights))
        bench.ask("first")
        for index in 0..<60 {
            bench.ask("big \(index)", tenant: "big", priority: index % 2 == 0 ? .high : .low)
            bench.ask("small \(index)", tenant: "small")
        }
        var served: [String] = []
        var last = "first"
        for _ in 0..<36 {
            last = bench.settle(last).first ?? "nobody"
            served.append(last)
        }
        #expect(served.filter { $0.hasPrefix("big") }.count == 27)
        let high = served.filter { $0.hasPrefix("big") && (Int($0.dropFirst(4)) ?? 1) % 2 == 0 }
        #expect(high.count == 24)
    }

    @Test("a repeated attempt goes before all that came after it, and pays again")
    func retryInFront() {
        var bench = Bench([slots(1)])
        for name in ["a", "b", "c"] { bench.ask(name) }
        #expect(bench.retry("a", at: .start, now: .start) == "…")
        #expect(bench.permits.keys.sorted() == ["a"])
        #expect(bench.settle("a") == ["b"])
    }

    @Test("a repetition that would come too late is refused with the time to come back")
    func retryTooLate() {
        var bench = Bench([slots(1)])
        bench.ask("a")
        bench.ask("b")
        #expect(bench.retry("a", at: .after(.seconds(9)), deadline: .after(.seconds(5)), now: .start) == "-")
        #expect(bench.refusals["a"]?.reason == .waitTooLong && bench.refusals["a"]?.comeBack == .seconds(9))
        #expect(bench.permits.keys.sorted() == ["b"])
    }

    @Test("an attempt that was never sent gives its rates back")
    func withdrawn() {
        var bench = Bench([rate(60)])
        #expect(bench.ask("a") == "+")
        #expect(bench.ask("b") == "…")
        #expect(bench.withdraw("a", at: .after(.milliseconds(1))) == ["b"])
    }

    @Test("an attempt that is sent late is charged when it is sent")
    func departure() throws {
        var bench = Bench([rate(60)])
        bench.ask("a")
        let permit = try #require(bench.permits["a"])
        #expect(bench.gate.depart(permit, now: .after(.seconds(10))) == .after(.seconds(10)))
        #expect(bench.ask("b", at: .after(.seconds(10))) == "…")
        #expect(bench.gate.nextDeadline > .after(.seconds(11)))
    }

    @Test("nobody sends during a pause, and after it one at a time")
    func pause() {
        var bench = Bench([slots(10)])
        bench.gate.pause(until: .after(.seconds(5)), now: .start)
        for name in ["a", "b", "c"] { #expect(bench.ask(name) == "…") }
        #expect(bench.advance(to: .after(.milliseconds(4_999))) == [])
        #expect(bench.gate.nextDeadline == .after(.seconds(5)))
        #expect(bench.advance(to: .after(.seconds(5))) == ["a"])
        #expect(bench.gate.nextDeadline == .after(.milliseconds(5_100)))
        #expect(bench.advance(to: .after(.milliseconds(5_100))) == ["b"])
        #expect(bench.advance(to: .after(.milliseconds(5_200))) == ["c"])
    }

    @Test("an ask whose time is up is refused by name of the limit")
    func deadline() {
        var bench = Bench([slots(1)], queue: QueueRules(timeout: .seconds(30)))
        bench.ask("a")
        bench.ask("b", deadline: .after(.seconds(3)))
        bench.ask("c")
        #expect(bench.gate.nextDeadline == .after(.seconds(3)))
        #expect(bench.advance(to: .after(.seconds(3))) == [])
        #expect(bench.refusals["b"]?.reason == .timedOut)
        #expect(bench.refusals["b"]?.limit?.bound == .inFlight(1))
        _ = bench.advance(to: .after(.seconds(30)))
        #expect(bench.refusals["c"]?.reason == .timedOut && bench.gate.waiting == 0)
    }

    @Test("a wait that is known to be too long is refused at once with the true time")
    func earlyRefusal() throws {
        var bench = Bench([rate(60)])
        let deadline = Instant.after(.seconds(3))
        let answers = (0..<6).map { bench.ask("\($0)", job: "\($0)", deadline: deadline) }
        #expect(answers == ["+", "…", "…", "-", "-", "-"])
        let refusal = try #require(bench.refusals["3"])
        #expect(refusal.reason == .waitTooLong && refusal.comeBack == .nanoseconds(3 * 1_016_949_153))
        #expect(refusal.limit?.bound == .rate(Limit.Rate(60, per: .minutes(1))))
    }

    @Test("a full queue refuses the newest of who has most waiting per weight, not a light tenant")
    func overflow() {
        var bench = Bench([slots(1)], queue: QueueRules(maxRequests: 4, maxRequestsPerTenant: 3))
        bench.ask("running")
        for name in ["f1", "f2", "f3"] { #expect(bench.ask(name, tenant: "flooder") == "…") }
        #expect(bench.ask("f4", tenant: "flooder") == "-")
        #expect(bench.refusals["f4"]?.reason == .tenantQueueFull)
        #expect(bench.ask("x", tenant: "x") == "…")
        #expect(bench.ask("y", tenant: "y") == "…")
        #expect(bench.refusals["f3"]?.reason == .queueFull)
        #expect(bench.ask("z1", tenant: "z") == "…")
        #expect(bench.refusals["f2"]?.reason == .queueFull)
        #expect(bench.ask("x2", tenant: "x") == "-")
        #expect(bench.refusals["x2"]?.limit?.bound == .inFlight(1))
    }

    @Test("draining refuses all that wait and all that ask, and lets permits end")
    func drain() {
        var bench = Bench([slots(1)])
        bench.ask("a")
        bench.ask("b")
        bench.gate.drain(now: .start)
        bench.collect()
        #expect(bench.refusals["b"]?.reason == .draining)
        #expect(bench.ask("c") == "-")
        #expect(bench.settle("a") == [] && bench.gate.inFlight == 0)
    }

    @Test("a permit is settled once")
    func settledOnce() async {
        await #expect(processExitsWith: .failure) {
            var gate = Gate(rules: GateRules(), now: .start)
            guard case .admitted(let permit) = gate.submit(Ask(identity: Identity()), now: .start) else { return }
            gate.settle(permit, now: .start)
            gate.settle(permit, now: .start)
        }
    }

    @Test("a cancel that comes after the decision changes nothing")
    func lateCancel() throws {
        var bench = Bench([slots(1)])
        bench.ask("a")
        bench.ask("b")
        let ticket = try #require(bench.names.first?.key)
        #expect(bench.settle("a") == ["b"])
        bench.gate.cancel(ticket, now: .start)
        #expect(bench.gate.inFlight == 1 && bench.settle("b") == [])
    }

    @Test("names that come once leave nothing behind for long")
    func churn() {
        let limits = [
            slots(4, per: [.tenant]), slots(1, per: [.tenant, .job], name: "job"),
            Limit(name: "minute", per: [.tenant], terms: Limit.Terms(rates: [Limit.Rate(5, per: .seconds(1))])),
            Limit(name: "jobs", terms: Limit.Terms(distinct: Limit.Distinct(atMost: 9, of: [.job]))),
        ]
        var bench = Bench(limits)
        for index in 0..<30_000 {
            let now = Instant.after(.milliseconds(index))
            guard bench.ask("a", tenant: "\(index)", job: "\(index)", at: now) == "+" else {
                Issue.record("\(index) waits")
                return
            }
            _ = bench.settle("a", at: now)
        }
        #expect(bench.gate.line.nodes.count <= 4 * Registry.idleFlows + 10)
        #expect(bench.gate.registry.nodes.count == bench.gate.line.nodes.count - 1)
        // Beside those of kept flows only what was used in the last second.
        #expect(bench.gate.cells.count <= 3 * Registry.idleFlows + 1_200)
        #expect(bench.gate.entries.count <= Registry.idleFlows + 1)
    }

    @Test("a known wait never is longer than the wait turns out", arguments: seeds(30))
    func honestRefusal(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var limits = [rate(Int.random(in: 10...600, using: &random))]
        if random.chance(percent: 50) { limits.append(slots(2, per: [.tenant], name: "tenant")) }
        if random.chance(percent: 50) { limits.append(rate(50, match: [Limit.Match(.model, [Glob("m")])])) }
        let pacing = random.one(of: [Pacing.burst, .window(.seconds(1)), .window(.minutes(1))])
        let queue = QueueRules(maxRequests: 500, maxRequestsPerTenant: 500, timeout: .hours(9))
        let weights: [Dimension: [String: Int]] = [.tenant: ["a": 3], .job: ["2": 2]]
        var bench = Bench(limits, pacing: pacing, queue: queue, fairness: FairnessRules(weights: weights))
        for index in 0..<80 {
            let tenant = random.one(of: ["a", "b", "c"])
            let (job, model) = (random.one(of: ["1", "2", "3"]), random.one(of: ["m", "n"]))
            let now = Instant.after(.milliseconds(10 * index))
            let flow = bench.gate.flow(for: Identity(tenant: tenant, job: job, model: model))
            bench.gate.advance(to: now)
            let bound = bench.gate.prospect(of: flow, for: .none).earliest
            var future = bench
            guard future.ask("probe", tenant: tenant, job: job, model: model, at: now) == "…" else { continue }
            var instant = now
            while future.permits["probe"] == nil, instant < .never {
                for name in future.permits.keys.sorted() { _ = future.settle(name, at: instant) }
                guard future.permits["probe"] == nil else { break }
                instant = future.gate.nextDeadline
                _ = future.advance(to: instant)
            }
            #expect(bound <= instant, "seed \(seed)")
            bench.ask("\(index)", tenant: tenant, job: job, model: model, at: now)
        }
    }
}

extension Interval {
    static func nanoseconds(_ count: Int64) -> Interval { Interval(nanoseconds: count) }
}
