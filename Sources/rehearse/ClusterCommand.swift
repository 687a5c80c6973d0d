import Admission
import ArgumentParser
import Rehearsal

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Replicas that share one limit through a store, with what may happen to it.")

    @Option(help: "Replicas.") var replicas = 50
    @Option(help: "Requests a minute.") var quota = 3000
    @Option(help: "Seconds of the window that sends are spread over.") var window = 1
    @Option(help: "Instead of a rate so many slots in flight.") var slots: Int?
    @Option(help: "Requests that each replica keeps waiting or under way.") var backlog = 20
    @Option(help: "Seconds in virtual time.") var seconds = 200
    @Option(help: "The first seed.") var seed: UInt64 = 1
    @Option(help: "How many seeds.") var seeds = 1
    @Option(help: "At half time: restart, hang, flush, failover, cut or kill; for ten seconds where it has a length.")
    var fault: String?

    func run() throws {
        for seed in seed..<(seed + UInt64(max(1, seeds))) { print(try line(seed)) }
    }

    private func line(_ seed: UInt64) throws -> String {
        var world = ClusterWorld(try scene(), seed: seed)
        world.run(for: .seconds(seconds))
        let whole = Double(slots ?? quota)
        let from = Interval.seconds(min(seconds / 3, 65))
        let sends = Double(world.sends(from: from, to: .seconds(seconds)))
        let length = Double(seconds) - Double(from.nanoseconds) / 1e9
        let used = slots == nil ? sends / (length * whole / 60) : sends * 0.6025 / (whole * length)
        let refused = RateEnforcement(.fixedWindow(.seconds(1), phase: .milliseconds(330)), perMinute: quota)
        var words = ["seed \(seed)", "used \((used * 10_000).rounded() / 100) %"]
        if slots == nil {
            words += [
                "most in a minute \(world.most(within: .minutes(1)))", "in a second \(world.most(within: .seconds(1)))",
            ]
            words.append("refused by windows of 1 s \(world.refused(by: refused))")
        } else {
            words.append("most in flight \(world.mostInFlight)")
        }
        if fault != nil {
            let half = seconds / 2
            let during = Double(world.sends(from: .seconds(half), to: .seconds(half + 10)))
            let share = slots == nil ? during / (whole / 6) : during * 0.6025 / (whole * 10)
            words.append("in the ten seconds of the fault \((share * 10_000).rounded() / 100) %")
        }
        words.append("turns a second \(world.turns / max(1, seconds))")
        return words.joined(separator: ", ")
    }

    private func scene() throws -> ClusterScene {
        let terms = slots.map { Limit.Terms(inFlight: $0) } ?? Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1))])
        var rules = GateRules(
            limits: [Limit(name: "account", terms: terms)], pacing: .window(.seconds(window)),
            queue: QueueRules(maxRequests: 1000, maxRequestsPerTenant: 1000, timeout: .seconds(600)))
        rules.shared = SharedRules(limits: ["account"])
        let callers = (0..<replicas).map { ClusterScene.Caller(replica: $0, tenant: "t\($0 % 7)", backlog: backlog) }
        var scene = ClusterScene(rules: rules, replicas: replicas, callers: callers)
        scene.skew = .milliseconds(500)
        if let fault { scene.faults = [ClusterScene.Fault(at: .seconds(seconds / 2), try kind(fault))] }
        return scene
    }

    private func kind(_ name: String) throws -> ClusterScene.Kind {
        switch name {
        case "restart": return .restart(after: .seconds(10))
        case "hang": return .hang(.seconds(10))
        case "flush": return .flush
        case "failover": return .failOver(lacking: .milliseconds(800))
        case "cut": return .cut(replica: min(1, replicas - 1), .seconds(10))
        case "kill": return .kill(replica: min(1, replicas - 1))
        default: throw ValidationError("there is no fault `\(name)`")
        }
    }
}
