import Testing

@testable import ProviderSimulator
@testable import penstock

@Suite("Pictures and tables of a demonstration")
struct RenderingTests {
    /// All calls of every job, two at a time.
    private static func played(_ scenario: Scenario, lost: Int = 0) -> Tally {
        var tally = Tally(scenario)
        var now: Int64 = 0
        for job in scenario.workload.jobs.indices { tally.note(.submitted(job: job), at: now) }
        for (job, value) in scenario.workload.jobs.enumerated() {
            for number in 0..<value.calls {
                now += 10_000_000
                tally.note(.accepted(job: job), at: now)
                tally.note(.left(job: job), at: now + 350_000_000)
                let status = job == 0 && number < lost ? nil : 200
                tally.note(.answered(job: job, status: status, wait: Double(number * 900)), at: now)
            }
        }
        return tally
    }

    private static func counts(_ tally: Tally, violations: Int = 0) -> SimulatorCounts {
        var counts = SimulatorCounts()
        counts.peak = 16
        counts.requests = [200: tally.scenario.workload.calls]
        counts.violations = ["in_flight=16": violations]
        return counts
    }

    private static func books(attempts: Int, inFlight: Int = 0) -> Books {
        Books(
            metrics: """
                # TYPE penstock_attempts_total counter
                penstock_attempts_total{upstream="openai",status="2xx",retry="first"} \(attempts - 1)
                penstock_attempts_total{upstream="openai",status="none",retry="first"} 1
                penstock_in_flight{upstream="openai",tenant="acme"} \(inFlight)
                penstock_queue_depth{upstream="openai",tenant="acme"} 0
                """)
    }

    private static let scenarios = [Scenario.pages(seed: 4), .batch(queries: 200, seed: 4)]

    @Test("A picture fits the width that it is given", arguments: [80, 79, 100, 200, 81])
    func pictureWidth(width: Int) {
        for scenario in Self.scenarios {
            for tally in [Tally(scenario), Self.played(scenario)] {
                let lines = LiveFrame(tally: tally).lines(width: width)
                #expect(lines.allSatisfy { $0.text().count <= width })
                // A terminal of 24 rows shows it whole.
                #expect(lines.count <= 18)
            }
        }
    }

    @Test("A narrow terminal gets a picture, cut")
    func narrow() {
        let lines = LiveFrame(tally: Tally(Self.scenarios[0])).lines(width: 10)
        #expect(lines.allSatisfy { $0.text(width: 10).count <= 10 })
    }

    @Test("A picture shows bars, places, waits and the provider's refusals")
    func picture() {
        var tally = Tally(Self.scenarios[0])
        for job in tally.jobs.indices { tally.note(.submitted(job: job), at: 0) }
        for _ in 0..<3 { tally.note(.accepted(job: 0), at: 1_500_000_000) }
        tally.note(.refused, at: 1_500_000_000)
        tally.note(.answered(job: 0, status: 200, wait: 1_234), at: 1_500_000_000)
        let text = LiveFrame(tally: tally).lines(width: 80).map { $0.text() }.joined(separator: "\n")
        #expect(text.contains("1.5 s"))
        #expect(text.contains("●●●○"))
        #expect(text.contains("3 of 16"))
        #expect(text.contains("1.2 s"))
        #expect(text.contains("1 of 8 PDFs under way, 0 of 36 done"))
        #expect(text.contains("1 refused"))
    }

    @Test("The line for what is no terminal fits 80 columns and has no control characters")
    func line() {
        for scenario in Self.scenarios {
            let line = LiveFrame(tally: Self.played(scenario)).line
            #expect(line.count <= 80)
            #expect(!line.contains("\u{1B}"))
            #expect(line.contains("\(scenario.workload.calls)/\(scenario.workload.calls)"))
        }
    }

    @Test("A summary fits 80 columns and says that the promise held")
    func summary() {
        for scenario in Self.scenarios {
            let tally = Self.played(scenario)
            let books = Self.books(attempts: scenario.workload.calls)
            let summary = Summary(tally: tally, provider: Self.counts(tally), books: books)
            let lines = summary.lines.map { $0.text() }
            #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.filter { $0.count > 80 })")
            #expect(lines.last?.hasPrefix("The promise held") == true)
            #expect(lines.contains { $0.contains("\(scenario.workload.calls) granted") })
            #expect(summary.verdict.isKept)
        }
    }

    @Test("Whatever is broken is a failing with its number")
    func failings() {
        let scenario = Self.scenarios[0]
        let calls = scenario.workload.calls
        func failings(_ tally: Tally, violations: Int = 0, books: Books? = nil) -> [String] {
            Verdict(tally, provider: Self.counts(tally, violations: violations), books: books).failings
        }
        let good = Self.played(scenario)
        let books = Self.books(attempts: calls)
        #expect(failings(good, books: books).isEmpty)
        #expect(failings(good) == ["Penstock's metrics can't be read"])
        #expect(failings(good, violations: 2, books: books) == ["the provider's limit in_flight=16 was broken 2 times"])
        let lossy = failings(Self.played(scenario, lost: 1), books: books)
        #expect(lossy.count == 2 && lossy.last == "1 calls got no answer")
        #expect(failings(good, books: Self.books(attempts: calls - 1)).count == 1)
        #expect(failings(good, books: Self.books(attempts: calls, inFlight: 1)).count == 1)
        // A fifth call of one job breaks its cap and that of its tenant.
        var crowded = good
        for _ in 0..<5 { crowded.note(.accepted(job: 0), at: good.now) }
        #expect(failings(crowded, books: books).count == 2)
    }
}
