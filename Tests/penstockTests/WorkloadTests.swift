import Testing

@testable import penstock

@Suite("A demonstration's workload")
struct WorkloadTests {
    @Test("is decided by its seed alone", arguments: [1, 2, 77] as [UInt64])
    func seeds(seed: UInt64) {
        #expect(Workload.pages(seed: seed) == .pages(seed: seed))
        #expect(Workload.pages(seed: seed) != .pages(seed: seed + 1))
        let batch = Workload.batch(queries: 1_000, perMinute: 500, seed: seed)
        #expect(batch == .batch(queries: 1_000, perMinute: 500, seed: seed))
        #expect(batch != .batch(queries: 1_000, perMinute: 500, seed: seed + 1))
    }

    @Test("has documents of 5 to 50 pages, unequal tenants, and all of them there from the start", arguments: 1...20)
    func pages(seed: Int) throws {
        let workload = Workload.pages(seed: UInt64(seed))
        #expect(workload.jobs.allSatisfy { (5...50).contains($0.calls) && (0..<6).contains($0.beginsAt) })
        #expect(workload.calls == workload.tenants.reduce(0) { $0 + $1.calls })
        for tenant in workload.tenants.indices {
            let jobs = workload.jobs.filter { $0.tenant == tenant }
            #expect(jobs.count == Workload.appetites[tenant].1)
            #expect(Set(jobs.map(\.name)).count == jobs.count)
            #expect(try #require(jobs.first).beginsAt < 0.3)
        }
        #expect(workload.jobs.map(\.beginsAt) == workload.jobs.map(\.beginsAt).sorted())
        // Enough to wait for, and over within a minute: 16 places, 350 ms each.
        #expect((600...1_500).contains(workload.calls))
    }

    @Test("has as many queries as asked for, nearly all of them the batch's", arguments: [25, 26, 200, 1_000, 5_000])
    func batch(queries: Int) {
        let workload = Workload.batch(queries: queries, perMinute: 500, seed: 9)
        #expect(workload.calls == queries)
        #expect(workload.tenants.map(\.calls) == [queries - queries / 25, queries / 25])
        #expect(workload.jobs.allSatisfy { $0.beginsAt < Double(queries) / 500 * 60 })
    }

    @Test("is told in lines of 80 columns, five at most", arguments: [1, 2, 3] as [UInt64])
    func story(seed: UInt64) {
        for scenario in [Scenario.pages(seed: seed), .batch(queries: 1_000, seed: seed)] {
            let lines = scenario.story.wrapped(80)
            #expect((3...5).contains(lines.count))
            #expect(lines.allSatisfy { $0.count <= 80 })
        }
    }
}
