import ProviderSimulator
import Testing

@testable import penstock

@Suite("A demonstration on loopback")
struct PerformanceTests {
    /// The true limits, with fewer and faster calls.
    private static func scenario(faults: [FaultRule] = []) -> Scenario {
        var scenario = Scenario.pages(seed: 1)
        scenario.workload.jobs = (0..<20).map {
            Workload.Job(name: "j\($0)", tenant: $0 % 5, calls: 6, beginsAt: 0)
        }
        for place in scenario.workload.tenants.indices { scenario.workload.tenants[place].calls = 24 }
        scenario.provider.latency = .fixed(5_000_000)
        scenario.provider.faults = faults
        return scenario
    }

    private static func summary(_ scenario: Scenario, cancelled: Bool = false) async throws -> Summary {
        let stage = try await Stage.open(scenario)
        let performance = Performance(scenario, on: stage)
        let playing = Task { await performance.play() }
        if cancelled { playing.cancel() }
        await playing.value
        let summary = Summary(
            tally: performance.currentTally(), provider: stage.simulator.counts,
            books: try await Books.read(from: stage))
        await stage.close()
        return summary
    }

    @Test("keeps every limit and answers every call", .timeLimit(.minutes(1)))
    func kept() async throws {
        let summary = try await Self.summary(Self.scenario())
        #expect(summary.verdict.failings.isEmpty)
        #expect(summary.tally.tenants.map(\.done) == [24, 24, 24, 24, 24])
        #expect(summary.tally.peak <= 16)
        #expect(summary.tally.jobsPeak <= 8)
        #expect(summary.tally.jobsDone == 20)
        #expect(summary.books?.attempts == 120)
    }

    @Test("says so when a call is not answered", .timeLimit(.minutes(1)))
    func broken() async throws {
        let summary = try await Self.summary(Self.scenario(faults: [try FaultRule("status=400@next=3")]))
        #expect(summary.tally.failures == [400: 3])
        #expect(summary.verdict.failings.contains("3 calls got status 400"))
        #expect(!summary.verdict.isKept)
    }

    @Test("ends at once when it is cancelled, and leaves nothing in Penstock", .timeLimit(.minutes(1)))
    func cancelled() async throws {
        let summary = try await Self.summary(Self.scenario(), cancelled: true)
        #expect(!summary.verdict.isKept)
        #expect(summary.books?.inFlight == 0)
        #expect(summary.books?.waiting == 0)
    }
}
