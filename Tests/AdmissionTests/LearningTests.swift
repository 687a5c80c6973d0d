import Testing

@testable import Admission

@Suite("What refusals of the provider teach")
struct LearningTests {
    private static let auto = Pacing.auto(.seconds(60))

    /// Asks as fast as may be for so long, with answers after 20 ms, from a provider that takes no more than a part of
    /// 600 a minute in each fixed window; says how many it refused.
    private func saturate(_ bench: inout Bench, window: Interval, for length: Interval) -> (sent: Int, refused: Int) {
        let part = Int(600 * window.nanoseconds / Interval.minutes(1).nanoseconds)
        var (sent, refused, count, index) = (0, 0, 0, Int64(-1))
        var now = Instant.start
        var answers: [(at: Instant, name: String, isThrottled: Bool)] = []
        let end = now + length
        func send(_ name: String) {
            sent += 1
            if index != now.nanoseconds / window.nanoseconds {
                (index, count) = (now.nanoseconds / window.nanoseconds, 0)
            }
            count += 1
            if count > part { refused += 1 }
            answers.append((now + .milliseconds(20), name, count > part))
        }
        var underWay: Set<String> = []
        for name in 0..<200 { _ = bench.ask("\(name)", at: now) }
        while now < end {
            let next =
                underWay.count < bench.permits.count ? now : min(bench.gate.nextDeadline, answers.first?.at ?? .never)
            now = max(now, next)
            bench.gate.advance(to: now)
            while let first = answers.first, first.at <= now {
                answers.removeFirst()
                if first.isThrottled { bench.throttle(first.name, comeBack: .seconds(1), at: now) }
                underWay.remove(first.name)
                bench.settle(first.name, at: now)
                _ = bench.ask(first.name, at: now)
            }
            bench.collect()
            for name in bench.permits.keys.sorted() where underWay.insert(name).inserted { send(name) }
        }
        return (sent, refused)
    }

    @Test("auto finds the window that a provider enforces at the cost of five refusals", arguments: [1, 10, 60])
    func findsWindow(seconds: Int) {
        var bench = Bench([rate(600)], pacing: Self.auto)
        let (sent, refused) = saturate(&bench, window: .seconds(seconds), for: .minutes(5))
        #expect(refused <= 5, "\(refused) refused")
        let reported = bench.gate.report(now: .after(.minutes(5))).limits[0].cells[0].rates[0].enforcedWindow
        #expect(reported == .seconds(seconds))
        #expect(sent >= 5 * 600 * 98 / 100, "\(sent) sent")
    }

    @Test("a burst of a quarter goes at once where it is known that the provider takes it")
    func burst() {
        var bench = Bench([rate(600)], pacing: Self.auto)
        _ = saturate(&bench, window: .seconds(60), for: .minutes(2))
        for name in bench.names.values.sorted() { _ = bench.cancel(name, at: .after(.minutes(2))) }
        for name in bench.permits.keys.sorted() { bench.settle(name, at: .after(.minutes(2))) }
        let answers = (0..<150).map { bench.ask("x\($0)", at: .after(.minutes(10))) }
        #expect(answers.filter { $0 == "+" }.count >= 100, "\(answers.filter { $0 == "+" }.count)")
    }

    @Test("a first burst is let go step by step, as far as nothing is refused")
    func firstBurst() {
        var bench = Bench([rate(600)], pacing: Self.auto)
        let first = (0..<150).filter { bench.ask("\($0)") == "+" }.count
        #expect(first == 10 + BurstProbe.caution)
        var now = Instant.start
        var rounds = 0
        while bench.permits.count < 150, rounds < 20 {
            rounds += 1
            now = bench.gate.nextDeadline
            _ = bench.advance(to: now)
        }
        #expect(bench.permits.count == 150 && now <= .after(.seconds(5)), "\(bench.permits.count) at \(now)")
    }

    @Test("a refusal that no window explains takes a tenth, once for all that were under way, and it wears off")
    func share() {
        var bench = Bench([rate(600)], pacing: .window(.seconds(1)))
        func share(at now: Instant) -> Int {
            var gate = bench.gate
            return gate.report(now: now).limits[0].cells[0].share
        }
        #expect(["a", "b"].map { bench.ask($0) } == ["+", "+"])
        bench.throttle("a", at: .after(.milliseconds(50)))
        bench.throttle("b", at: .after(.milliseconds(60)))
        #expect(share(at: .after(.milliseconds(60))) == 900)
        #expect(share(at: .after(.seconds(62))) == 910)
        #expect(share(at: .after(.minutes(12))) == 1000)
    }

    @Test("a limit per tenant is nobody's but ours, so refusals don't lower it")
    func ownLimits() {
        var bench = Bench([
            rate(600),
            Limit(
                name: "tenant", per: [.tenant], terms: Limit.Terms(rates: [Limit.Rate(60, per: .minutes(1))])),
        ])
        #expect(bench.ask("a") == "+")
        bench.throttle("a", at: .after(.milliseconds(50)))
        let limits = bench.gate.report(now: .after(.milliseconds(50))).limits
        #expect(limits[0].cells[0].share == 900 && limits[1].cells[0].share == 1000)
    }

    @Test("a hint pauses the limits of the model that it is about, and all where there are none")
    func pauses() {
        let perModel = Limit(name: "model", per: [.model], terms: Limit.Terms(inFlight: 10))
        var bench = Bench([perModel])
        #expect(["a", "b"].map { bench.ask($0, model: "m") } == ["+", "+"])
        bench.throttle("a", comeBack: .seconds(5), at: .start)
        #expect(bench.ask("c", model: "m") == "…")
        #expect(bench.ask("d", model: "n") == "+")
        #expect(bench.advance(to: .after(.milliseconds(4999))) == [])
        #expect(bench.advance(to: .after(.seconds(5))) == ["c"])
        var plain = Bench([slots(10)])
        #expect(plain.ask("a", model: "m") == "+")
        plain.throttle("a", comeBack: .seconds(5), at: .start)
        #expect(plain.ask("b", model: "n") == "…")
    }

    @Test("a departure that was put off is put off again by a pause that comes meanwhile")
    func pauseBeforeDeparture() throws {
        var bench = Bench([rate(60)])
        #expect(["a", "b"].map { bench.ask($0) } == ["+", "…"])
        bench.settle("a")
        let now = bench.gate.nextDeadline
        #expect(bench.advance(to: now) == ["b"])
        let permit = try #require(bench.permits["b"])
        let connected = now + .milliseconds(200)
        #expect(bench.gate.depart(permit, now: connected) == connected)
        #expect(bench.gate.confirm(permit, now: connected) == connected)
        bench.gate.pause(until: connected + .seconds(5), now: connected)
        #expect(bench.gate.confirm(permit, now: connected) == connected + .seconds(5))
    }

    @Test("a slower pace gives nothing of the burst back, and a faster one takes nothing", arguments: [900, 500, 1])
    func changeOfPace(share: Int) {
        let jitter = Interval.milliseconds(10)
        var pacer = RatePacer(Limit.Rate(60, per: .minutes(1)), pacing: .window(.seconds(10)), jitter: jitter)
        for _ in 0..<2 { pacer.charge(1, at: .start) }
        let next = pacer.earliest(for: 1, now: .start)
        pacer.use(share: share, jitter: jitter, now: .start)
        #expect(pacer.earliest(for: 1, now: .start) > next)
        pacer.use(share: RatePacer.whole, jitter: jitter, now: .start)
        let again = pacer.earliest(for: 1, now: .start)
        #expect((next - .microseconds(1)...next + .microseconds(1)).contains(again), "\(again - next)")
    }
}
