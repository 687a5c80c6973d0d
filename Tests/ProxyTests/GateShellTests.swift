import NIOCore
import NIOEmbedded
import NIOPosix
import Policy
import Rehearsal
import Testing

@testable import Admission
@testable import Proxy

/// Whether everybody who waits is woken, on loops whose time a test moves.
@Suite("A gate among its loops")
struct GateShellTests {
    /// The gate's timer lives on one loop, those who wait on another.
    private final class Scene {
        let home = EmbeddedEventLoop()
        let callers = EmbeddedEventLoop()
        let gate: GateShell
        /// Later than the real time ever gets in a test: all time here is the loops'.
        let start = Clock.now() + .hours(1)
        private(set) var now: Instant
        private let heard = Watched<[String]>([])
        private let permits = Watched<[String: Permit]>([:])
        private var tickets: [String: Ticket] = [:]

        init(_ rules: GateRules) {
            gate = GateShell(terms: GateTerms(rules: rules, dimensions: Dimensions(.standard)), home: home)
            now = start
            home.advanceTime(to: NIODeadline(start))
        }

        func ask(_ name: String, deadline: Interval = .seconds(50)) {
            let ask = Ask(identity: Identity(tenant: name), deadline: start + deadline)
            switch gate.submit(ask, from: waiter(name), now: now).submission {
            case .admitted(let permit): hear(name, "goes", permit)
            case .waiting(let ticket, _): tickets[name] = ticket
            case .refused: hear(name, "is refused", nil)
            }
        }

        private func waiter(_ name: String) -> GateShell.Waiter {
            GateShell.Waiter(loop: callers) { [heard, permits] decision, _ in
                switch decision {
                case .granted(_, let permit):
                    permits.change { $0[name] = permit }
                    heard.change { $0.append("\(name) goes") }
                case .refused: heard.change { $0.append("\(name) is refused") }
                }
            }
        }

        private func hear(_ name: String, _ what: String, _ permit: Permit?) {
            permits.change { $0[name] = permit }
            heard.change { $0.append("\(name) \(what)") }
        }

        func settle(_ name: String, _ verdict: Verdict = .answered) {
            if let permit = permits.change({ $0.removeValue(forKey: name) }) {
                gate.settle(permit, verdict, usage: nil, now: now)
            }
        }

        func leave(_ name: String) {
            if let ticket = tickets.removeValue(forKey: name) { gate.cancel(ticket, now: now) }
        }

        /// What was said since the last time, once all loops have come to this point in time.
        func hears(after interval: Interval) -> [String] {
            now = start + interval
            home.advanceTime(to: NIODeadline(now))
            callers.run()
            return heard.change { heard in
                defer { heard = [] }
                return heard
            }
        }

        var inFlight: Int { gate.report(cells: 0, tenants: 0, explains: false).report.inFlight }
    }

    private static func slots(_ count: Int) -> Limit { Limit(name: "slots", terms: Limit.Terms(inFlight: count)) }

    @Test("wakes each at its own time, in whatever order the times were set")
    func timers() {
        let scene = Scene(GateRules(limits: [Self.slots(1)]))
        scene.ask("holder")
        for (name, seconds) in [("b", 20), ("c", 30), ("a", 10), ("d", 40)] {
            scene.ask(name, deadline: .seconds(seconds))
        }
        #expect(scene.hears(after: .zero) == ["holder goes"])
        for (name, seconds) in [("a", 10), ("b", 20), ("c", 30), ("d", 40)] {
            #expect(scene.hears(after: .seconds(seconds) - Interval(nanoseconds: 1)).isEmpty)
            #expect(scene.hears(after: .seconds(seconds)) == ["\(name) is refused"])
        }
    }

    @Test("sets the timer again after one that had nothing to do")
    func vainTimer() {
        let scene = Scene(GateRules(limits: [Self.slots(1)]))
        scene.ask("holder")
        scene.ask("soon", deadline: .seconds(10))
        scene.ask("late", deadline: .seconds(20))
        scene.leave("soon")
        #expect(scene.hears(after: .seconds(15)) == ["holder goes"])
        scene.ask("between", deadline: .seconds(18))
        #expect(scene.hears(after: .seconds(18)) == ["between is refused"])
        #expect(scene.hears(after: .seconds(20)) == ["late is refused"])
    }

    @Test("lets those who wait for a rate go at its pace, with nothing else happening")
    func rate() {
        let rate = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(10, per: .seconds(10))]))
        let scene = Scene(GateRules(limits: [rate], pacing: .window(.seconds(10))))
        for number in 0..<6 { scene.ask("\(number)") }
        var gone = scene.hears(after: .zero).count
        #expect((1..<6).contains(gone))
        for second in 1...20 { gone += scene.hears(after: .seconds(second)).count }
        #expect(gone == 6)
    }

    @Test("probes when the breaker's time is over, and goes on when the probe ends, however it does")
    func breaker() {
        let rules = BreakerRules(failures: 1, openFor: .seconds(5))
        let scene = Scene(GateRules(limits: [Self.slots(9)], breaker: rules))
        for name in ["first", "other"] { scene.ask(name) }
        scene.settle("first", .failed)
        for name in ["a", "b", "c", "d", "e"] { scene.ask(name) }
        #expect(scene.hears(after: .seconds(5) - Interval(nanoseconds: 1)) == ["first goes", "other goes"])
        // What was sent before the outage proves nothing about the time after it.
        scene.settle("other")
        #expect(scene.hears(after: .seconds(5)) == ["a goes"])
        scene.settle("a", .none)
        #expect(scene.hears(after: .seconds(6)) == ["b goes"])
        scene.settle("b", .failed)
        #expect(scene.hears(after: .seconds(11) - Interval(nanoseconds: 1)).isEmpty)
        #expect(scene.hears(after: .seconds(11)) == ["c goes"])
        scene.settle("c")
        #expect(scene.hears(after: .seconds(12)) == ["d goes", "e goes"])
    }

    @Test("tells whoever leaves at the moment of its grant, who can give it back")
    func crossing() {
        let scene = Scene(GateRules(limits: [Self.slots(1)]))
        for name in ["holder", "leaver", "next"] { scene.ask(name) }
        scene.settle("holder")
        // The grant is on its way to the loop of whoever leaves.
        scene.leave("leaver")
        #expect(scene.hears(after: .zero) == ["holder goes", "leaver goes"])
        scene.settle("leaver", .none)
        #expect(scene.hears(after: .zero) == ["next goes"])
        scene.settle("next")
        #expect(scene.inFlight == 0)
    }

    // MARK: Real loops

    /// One caller after the other on a loop: asks, holds what it gets for a moment or leaves early, and asks again.
    private final class Callers {
        let gate: GateShell
        let loop: any EventLoop
        let ended: Watched<Int>
        private var random: SplitMix64
        private var left: Int

        init(gate: GateShell, loop: any EventLoop, turns: Int, seed: UInt64, ended: Watched<Int>) {
            (self.gate, self.loop, self.ended) = (gate, loop, ended)
            (random, left) = (SplitMix64(seed: seed), turns)
        }

        func next() {
            guard left > 0 else { return ended.change { $0 += 1 } }
            left -= 1
            let tenant = "t\(Int.random(in: 0..<5, using: &random))"
            let (mine, turn) = (NIOLoopBound(self, eventLoop: loop), left)
            let waiter = GateShell.Waiter(loop: loop) { decision, _ in mine.value.decided(decision, turn: turn) }
            let submission = gate.submit(
                Ask(identity: Identity(tenant: tenant), deadline: .never), from: waiter, now: Clock.now()
            ).submission
            switch submission {
            case .admitted(let permit): hold(permit)
            case .refused: later { $0.next() }
            case .waiting(let ticket, _):
                if Int.random(in: 0..<4, using: &random) == 0 { later { $0.leave(ticket, turn: turn) } }
            }
        }

        private func decided(_ decision: Decision, turn: Int) {
            switch decision {
            // It has left and asked anew.
            case .granted(_, let permit) where turn != left: gate.withdraw(permit, now: Clock.now())
            case .granted(_, let permit): hold(permit)
            case .refused where turn == left: next()
            case .refused: break
            }
        }

        private func leave(_ ticket: Ticket, turn: Int) {
            guard turn == left, !isHolding else { return }
            gate.cancel(ticket, now: Clock.now())
            next()
        }

        private var isHolding = false

        private func hold(_ permit: Permit) {
            isHolding = true
            later { callers in
                let verdicts: [Verdict] = [.answered, .answered, .failed, .overloaded, .none]
                let verdict = verdicts[Int.random(in: 0..<verdicts.count, using: &callers.random)]
                callers.isHolding = false
                callers.gate.settle(permit, verdict, usage: nil, now: Clock.now())
                callers.next()
            }
        }

        private func later(_ act: @escaping @Sendable (Callers) -> Void) {
            let mine = NIOLoopBound(self, eventLoop: loop)
            loop.scheduleTask(in: .microseconds(Int64.random(in: 0...300, using: &random))) { act(mine.value) }
        }
    }

    @Test("wakes everybody, from several loops at once, while the breaker opens and closes", arguments: 1...4)
    func stress(seed: Int) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
        let loops = Array(group.makeIterator())
        let limits = [Self.slots(4), Limit(name: "own", per: [.tenant], terms: Limit.Terms(inFlight: 2))]
        let rules = GateRules(limits: limits, breaker: BreakerRules(failures: 2, openFor: .microseconds(500)))
        let gate = GateShell(terms: GateTerms(rules: rules, dimensions: Dimensions(.standard)), home: loops[0])
        let ended = Watched(0)
        let count = 24
        for number in 0..<count {
            let loop = loops[number % loops.count]
            loop.execute {
                Callers(gate: gate, loop: loop, turns: 100, seed: UInt64(seed * 100 + number), ended: ended).next()
            }
        }
        _ = try await ended.wait(for: "end of all callers, seed \(seed)") { $0 == count ? true : nil }
        try await eventually("everything is settled, seed \(seed)") {
            let (report, _) = gate.report(cells: 10, tenants: 10, explains: false)
            return report.inFlight == 0 && report.waiting == 0
        }
        try await group.shutdownGracefully()
    }
}
