import Admission
import Rehearsal
import Testing

/// The scenes behind the figures must be able to show a broken promise.
@Suite("Scenes of figures")
struct FigureScenesTests {
    private static let rate = Limit(name: "rate", terms: Limit.Terms(rates: [Limit.Rate(600, per: .minutes(1))]))
    private static let fine = RateEnforcement(.tokenBucket(.seconds(1)), perMinute: 600)

    @Test("a whole minute's limit at once is beyond a provider that counts seconds")
    func bursts() {
        var scene = Scene(
            rules: GateRules(limits: [Self.rate], pacing: .burst),
            callers: [SceneCaller(Identity(), .backlogged(100))], counterpart: RatedCounterpart([Self.fine]))
        scene.run(for: .minutes(1))
        #expect(scene.counterpart.violations.count > 50)
        #expect(scene.attempts == 600)
    }

    @Test("what a provider refuses is repeated, counted and no error of its caller")
    func refusals() {
        var scene = Scene(
            rules: GateRules(limits: [Self.rate], pacing: .window(.minutes(1))),
            callers: [SceneCaller(Identity(), .script(Array(repeating: Rehearsal.start, count: 30)))],
            counterpart: RatedCounterpart([Self.fine], hint: .seconds(1)))
        scene.run(for: .minutes(1))
        #expect(scene.throttled > 0)
        #expect(scene.attempts == 30 + scene.throttled)
        #expect(scene.requests.allSatisfy { $0.outcome == .served })
    }

    @Test("slots are held from an attempt's start to its end")
    func slotTime() {
        let caller = SceneCaller(Identity(), .script([Rehearsal.start]), hold: .seconds(2)...(.seconds(2)))
        var scene = Scene(
            rules: GateRules(), callers: [caller], counterpart: RatedCounterpart(),
            way: SceneWay(delay: .milliseconds(10), jitter: .zero))
        scene.run(for: .minutes(1))
        #expect(scene.slotTime == Interval.milliseconds(2010).nanoseconds)
        #expect(scene.requests.map(\.held) == [.milliseconds(2010)])
    }

    struct Counting: CustomTestStringConvertible, Sendable {
        let method: TokenCount.Method
        /// Of a request with 100 tokens, an answer of 50 and a bound of 400.
        let peak: Int
        let sum: Int
        var testDescription: String { method.rawValue }
    }

    @Test(
        "providers count tokens at different times",
        arguments: [
            Counting(method: .atArrival, peak: 150, sum: 150), Counting(method: .reservation, peak: 500, sum: 500),
            Counting(method: .reservedUsage, peak: 500, sum: 150), Counting(method: .atEnd, peak: 150, sum: 150),
        ])
    func tokens(_ counting: Counting) {
        var count = TokenCount(counting.method, limit: 400, countsFrom: Rehearsal.start)
        let size = SceneSize(
            claim: TokenClaim(input: 100, outputBound: 400), used: Tokens(input: 100, output: 50))
        #expect(count.receive(request: 0, Identity(), size, at: Rehearsal.start) == .answered)
        count.finish(request: 0, size, at: Rehearsal.start + .seconds(5))
        #expect(count.peak == counting.peak)
        #expect(count.sum == counting.sum)
        #expect(count.excesses == (counting.peak > 400 ? 1 : 0))
        // A minute later it no longer counts.
        _ = count.receive(request: 1, Identity(), size, at: Rehearsal.start + .seconds(70))
        #expect(count.peak == counting.peak)
    }

    @Test("recorded traffic keeps to the limits given")
    func replay() throws {
        let lines = (0..<200).map { "2023-11-16 18:17:\(10 + $0 / 20).\(100 + $0 % 20 * 45),100,20" }
        let trace = try Trace(lines.joined(separator: "\n"))
        let replay = Replay(
            traces: [trace], requests: 120, tokens: nil, inFlight: 2, timeout: .seconds(20))
        let figures = Dictionary(uniqueKeysWithValues: replay.figures(seed: 1).map { ($0.name, $0) })
        #expect(figures["requests"]?.measured == 200)
        #expect(figures["under way at the provider, at most"]?.measured == 2)
        #expect(figures["beyond the provider's rate"]?.isReached == true)
        let served = figures["served"]?.measured ?? 0
        #expect(served > 40 && served < 80)
    }
}
