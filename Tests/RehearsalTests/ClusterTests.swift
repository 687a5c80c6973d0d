import Admission
import Rehearsal
import Testing

/// One limit over many replicas.
struct ClusterTests {
    static func rules(
        _ terms: Limit.Terms, pacing: Pacing = .window(.seconds(1)), whenAway: SharedRules.WhenAway = .part
    ) -> GateRules {
        var rules = GateRules(
            limits: [Limit(name: "account", terms: terms)], pacing: pacing,
            queue: QueueRules(maxRequests: 1000, maxRequestsPerTenant: 1000, timeout: .seconds(600)))
        rules.shared = SharedRules(limits: ["account"], whenAway: whenAway)
        return rules
    }

    static func rate(_ quota: Int) -> Limit.Terms { Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1))]) }

    /// As many callers at each replica as keep it waiting.
    static func everybody(_ replicas: Int, backlog: Int = 20) -> [ClusterScene.Caller] {
        (0..<replicas).map { ClusterScene.Caller(replica: $0, tenant: "t\($0 % 7)", backlog: backlog) }
    }

    /// Hours of it: `swift run -c release rehearse cluster --replicas 50 --seconds 3600 --seeds 8`.
    @Test("Fifty replicas with skewed clocks use the limit and never break it", arguments: [600, 6000])
    func fifty(quota: Int) {
        var scene = ClusterScene(rules: Self.rules(Self.rate(quota)), replicas: 50, callers: Self.everybody(50))
        scene.skew = .milliseconds(500)
        var world = ClusterWorld(scene, seed: 1)
        world.run(for: .seconds(8))
        let used = Double(world.sends(from: .seconds(2), to: .seconds(8))) / Double(quota / 10)
        #expect(used >= 0.98, "\(used), \(world.turns) turns")
        #expect(world.most(within: .seconds(1)) <= quota / 60)
    }

    @Test("Slots in flight are all used and never more of them, wherever they are")
    func slots() {
        let scene = ClusterScene(
            rules: Self.rules(Limit.Terms(inFlight: 16)), replicas: 10, callers: Self.everybody(10, backlog: 8))
        var world = ClusterWorld(scene, seed: 3)
        world.run(for: .seconds(25))
        #expect(world.mostInFlight <= 16)
        // 16 slots of 0.6 s each on average.
        let used = Double(world.sends(from: .seconds(5), to: .seconds(25))) * 0.6025 / (16 * 20)
        #expect(used >= 0.95, "\(used)")
    }

    @Test("A tenant's share does not depend on which replicas its requests enter", arguments: [true, false])
    func fair(bySlots: Bool) {
        let terms = bySlots ? Limit.Terms(inFlight: 16) : Self.rate(600)
        var callers = (0..<9).map { ClusterScene.Caller(replica: $0, tenant: "many", backlog: 20) }
        callers.append(ClusterScene.Caller(replica: 9, tenant: "one", backlog: 20))
        callers.append(ClusterScene.Caller(replica: 0, tenant: "beside", backlog: 20))
        var world = ClusterWorld(ClusterScene(rules: Self.rules(terms), replicas: 10, callers: callers), seed: 4)
        world.run(for: .seconds(40))
        let shares = ["many", "one", "beside"].map { Double(world.sendsByTenant[$0] ?? 0) / Double(world.sends.count) }
        for share in shares { #expect(abs(share - 1 / 3.0) < 0.04, "\(shares)") }
    }

    @Test("One idle application's burst goes at once through a cluster as well")
    func burst() {
        let scene = ClusterScene(
            rules: Self.rules(Self.rate(600), pacing: .window(.seconds(60))), replicas: 2,
            callers: [ClusterScene.Caller(replica: 0, tenant: "t", backlog: 100, from: .seconds(5))])
        var world = ClusterWorld(scene, seed: 5)
        world.run(for: .milliseconds(5100))
        #expect(world.sends.count == 100)
        world.run(for: .seconds(180))
        #expect(world.most(within: .minutes(1)) <= 600)
    }

    @Test("An amount of a day is no pace: who asks first has it, and a store that forgets does not give it twice")
    func amount() {
        var rules = Self.rules(Limit.Terms(rates: [Limit.Rate(100, per: .days(1))]), pacing: .auto(.seconds(60)))
        rules.queue.timeout = .days(2)
        var scene = ClusterScene(rules: rules, replicas: 2, callers: Self.everybody(2, backlog: 40))
        scene.faults = [
            ClusterScene.Fault(at: .seconds(10), .flush),
            ClusterScene.Fault(at: .seconds(20), .restart(after: .seconds(5))),
        ]
        var world = ClusterWorld(scene, seed: 10)
        world.run(for: .seconds(5))
        #expect(world.sends.count == 100)
        world.run(for: .seconds(55))
        #expect(world.sends.count == 100)
    }

    @Test("Without the store each replica has its part of what is left of a day's amount")
    func amountAway() {
        let rules = Self.rules(Limit.Terms(rates: [Limit.Rate(100, per: .days(1))]))
        var scene = ClusterScene(
            rules: rules, replicas: 2,
            callers: [0, 1].map { ClusterScene.Caller(replica: $0, tenant: "t", backlog: 80, from: .seconds(5)) })
        scene.faults = [ClusterScene.Fault(at: .seconds(3), .restart(after: .seconds(10)))]
        var world = ClusterWorld(scene, seed: 11)
        world.run(for: .seconds(12))
        #expect(world.sendsByReplica == [45, 45])
        world.run(for: .seconds(20))
        #expect(world.sends.count <= 100)
    }

    @Test("A store that is new lets a burst go as soon as nobody has missed an older one")
    func newborn() {
        let scene = ClusterScene(
            rules: Self.rules(Self.rate(600), pacing: .window(.seconds(60))), replicas: 2,
            callers: [ClusterScene.Caller(replica: 0, tenant: "t", backlog: 1)]
                + [ClusterScene.Caller(replica: 1, tenant: "t", backlog: 120, from: .seconds(1))])
        var world = ClusterWorld(scene, seed: 12)
        world.run(for: .milliseconds(1100))
        #expect(world.sends.count >= 120)
        world.run(for: .seconds(120))
        #expect(world.most(within: .minutes(1)) <= 600)
    }

    static let faults: [(String, ClusterScene.Kind)] = [
        ("restart", .restart(after: .seconds(10))), ("hang", .hang(.seconds(10))), ("flush", .flush),
        ("failover", .failOver(lacking: .milliseconds(800))), ("cut", .cut(replica: 1, .seconds(10))),
        ("kill", .kill(replica: 1)),
    ]

    @Test("Whatever happens to the store, no more than the limit goes, and most of it", arguments: 0..<6)
    func away(fault: Int) {
        let (name, kind) = Self.faults[fault]
        for (quota, pacing) in [(600, Pacing.window(.seconds(1))), (600, .window(.seconds(60)))] {
            // What may go at once at the very beginning is paid back by then.
            let begin = pacing == .window(.seconds(1)) ? 20 : 80
            for seed in 0..<2 {
                var scene = ClusterScene(
                    rules: Self.rules(Self.rate(quota), pacing: pacing), replicas: 5, callers: Self.everybody(5))
                scene.skew = .milliseconds(500)
                scene.faults = [ClusterScene.Fault(at: .seconds(begin), kind)]
                var world = ClusterWorld(scene, seed: UInt64(seed))
                world.run(for: .seconds(begin + 25))
                #expect(world.most(within: .minutes(1)) <= quota, "\(name), seed \(seed)")
                if pacing == .window(.seconds(1)) {
                    #expect(world.most(within: .seconds(1)) <= quota / 60, "\(name), seed \(seed)")
                }
                // What a dead replica may still be using is kept free for as long as one that is cut off.
                let used = Double(world.sends(from: .seconds(begin), to: .seconds(begin + 15))) / Double(quota / 4)
                #expect(used >= (name == "kill" ? 0.7 : 0.85), "\(name), seed \(seed): \(used)")
            }
        }
    }

    @Test("A burst that the store forgets is not given once more", arguments: [0, 1])
    func forgotten(nextCaller: Int) {
        var scene = ClusterScene(
            rules: Self.rules(Self.rate(600), pacing: .window(.seconds(60))), replicas: 2,
            callers: [
                ClusterScene.Caller(replica: 0, tenant: "t", backlog: 150, from: .seconds(5), until: .seconds(6)),
                ClusterScene.Caller(replica: nextCaller, tenant: "u", backlog: 400, from: .milliseconds(6500)),
            ])
        scene.faults = [ClusterScene.Fault(at: .seconds(6), .flush)]
        var world = ClusterWorld(scene, seed: 9)
        world.run(for: .seconds(90))
        #expect(world.sends(from: .seconds(5), to: .seconds(6)) >= 140)
        #expect(world.most(within: .minutes(1)) <= 600)
        #expect(world.sends(from: .seconds(66), to: .seconds(90)) >= 200)
    }

    @Test(
        "A store that stops right after it came back without its data costs no more than one of both", arguments: 0..<2)
    func twice(seed: Int) {
        let pacing = Pacing.window(.seconds(10))
        var scene = ClusterScene(
            rules: Self.rules(Self.rate(3000), pacing: pacing), replicas: 3, callers: Self.everybody(3, backlog: 40))
        scene.skew = .milliseconds(500)
        scene.faults = [
            ClusterScene.Fault(at: .seconds(25), .restart(after: .seconds(6))),
            ClusterScene.Fault(at: .seconds(33), .hang(.seconds(6))),
        ]
        var world = ClusterWorld(scene, seed: UInt64(seed))
        world.run(for: .seconds(50))
        #expect(world.most(within: .seconds(10)) <= 500)
        for start in [25, 33] {
            let used = Double(world.sends(from: .seconds(start), to: .seconds(start + 6))) / 300
            #expect(used >= 0.85, "from \(start) s: \(used)")
        }
    }

    @Test("Slots stay within the limit whatever happens to the store", arguments: 0..<6)
    func awaySlots(fault: Int) {
        let (name, kind) = Self.faults[fault]
        for seed in 0..<2 {
            var scene = ClusterScene(
                rules: Self.rules(Limit.Terms(inFlight: 40)), replicas: 5, callers: Self.everybody(5))
            scene.skew = .milliseconds(500)
            scene.faults = [ClusterScene.Fault(at: .seconds(5), kind)]
            var world = ClusterWorld(scene, seed: UInt64(seed))
            world.run(for: .seconds(26))
            #expect(world.mostInFlight <= 40, "\(name), seed \(seed)")
            let used = Double(world.sends(from: .seconds(21), to: .seconds(26))) * 0.6025 / (40 * 5)
            #expect(used >= 0.93, "\(name), seed \(seed): \(used)")
        }
    }

    @Test("What a dead replica held is free again within fifteen seconds")
    func dead() {
        var scene = ClusterScene(
            rules: Self.rules(Limit.Terms(inFlight: 10)), replicas: 2,
            callers: [
                ClusterScene.Caller(replica: 0, tenant: "t", backlog: 20),
                ClusterScene.Caller(replica: 1, tenant: "t", backlog: 20, from: .seconds(6)),
            ])
        scene.hold = .seconds(1)
        scene.faults = [ClusterScene.Fault(at: .seconds(5), .kill(replica: 0))]
        var world = ClusterWorld(scene, seed: 6)
        world.run(for: .milliseconds(19_300))
        #expect(world.sendsByReplica[1] == 0)
        world.run(for: .milliseconds(700))
        #expect(world.inFlight == 10)
    }

    @Test("A pause that one replica is told holds all of them")
    func pause() {
        var scene = ClusterScene(rules: Self.rules(Self.rate(6000)), replicas: 5, callers: Self.everybody(5))
        scene.faults = [ClusterScene.Fault(at: .seconds(10), .pause(replica: 2, .seconds(3)))]
        var world = ClusterWorld(scene, seed: 7)
        world.run(for: .seconds(20))
        // A turn under way, the way there and back of 0.4 ms, and 5 ms to the provider.
        #expect(world.sends(from: .milliseconds(10_006), to: .seconds(13)) == 0)
        #expect(world.sends(from: .milliseconds(9_950), to: .seconds(10)) > 3)
        #expect(world.sends(from: .milliseconds(13_000), to: .seconds(15)) > 150)
    }

    @Test("A replica where nobody waits takes nothing, and one request is let go within a round trip")
    func idle() {
        let scene = ClusterScene(
            rules: Self.rules(Self.rate(600), pacing: .window(.seconds(60))), replicas: 3,
            callers: [ClusterScene.Caller(replica: 1, tenant: "t", backlog: 1, from: .seconds(5))])
        var world = ClusterWorld(scene, seed: 8)
        world.run(for: .milliseconds(5001))
        #expect(world.sendsByReplica == [0, 1, 0])
    }
}
