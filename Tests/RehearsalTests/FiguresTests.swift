import Admission
import Rehearsal
import Testing

/// The figures at a tenth of their length; `rehearse figures` measures them in full.
@Suite("Figures")
struct FiguresTests {
    @Test(
        "a target is reached or missed",
        arguments: [
            (Figure.Target.atLeast(99), 99.0, true), (.atLeast(99), 98.9, false), (.atMost(2), 2, true),
            (.atMost(2), 2.1, false), (.none, 1e9, true),
        ])
    func targets(_ target: Figure.Target, _ measured: Double, _ isReached: Bool) {
        #expect(Figure("a figure", measured, target: target).isReached == isReached)
    }

    @Test(
        "what can be measured quickly reaches its target",
        arguments: [
            "a burst of a quarter of the limit, from rest", "in flight", "shares of twenty backlogged tenants",
            "a light tenant beside one that sends a hundred times as much",
            "a provider that fails everything for ten minutes", "after a shared Retry-After",
        ])
    func reached(_ name: String) throws {
        let group = try #require(FigureGroup.all.first { $0.name == name })
        let figures = group.measure(FigureSettings(haste: 10))
        #expect(figures.contains { $0.target != .none })
        for figure in figures { #expect(figure.isReached, "\(figure.name): \(figure.measured)") }
    }

    @Test("groups have names of their own")
    func names() {
        #expect(Set(FigureGroup.all.map(\.name)).count == FigureGroup.all.count)
    }

    @Test("a standing situation stays as it is while decisions are made in it")
    func standingSituation() {
        var benchmark = GateBenchmark(.models)
        benchmark.fill()
        #expect(benchmark.standing.waiting == 10_000)
        let inFlight = benchmark.standing.inFlight
        #expect(inFlight == 40)
        benchmark.decide(2000)
        #expect(benchmark.standing == (10_000, inFlight))
    }

    @Test("what a benchmark lets in can be cancelled again")
    func cancelled() {
        var (benchmark, random) = (GateBenchmark(.models), SplitMix64(seed: 1))
        benchmark.fill()
        benchmark.prepareCancels(500, random: &random)
        #expect(benchmark.standing.waiting == 10_500)
        benchmark.cancel(500)
        #expect(benchmark.standing.waiting == 10_000)
    }
}
