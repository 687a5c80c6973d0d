import Testing

@testable import penstock

@Suite("What a demonstration has seen")
struct TallyTests {
    /// Two tenants, a cap of 2 each and 3 in all; jobs 0 and 2 are the first one's.
    private static func scenario() -> Scenario {
        var scenario = Scenario.pages(seed: 1)
        scenario.workload.tenants = [
            Workload.Tenant(name: "a", priority: nil, calls: 4), Workload.Tenant(name: "b", priority: nil, calls: 3),
        ]
        scenario.workload.jobs = [(0, 3), (1, 3), (0, 1)].map {
            Workload.Job(name: "j", tenant: $0, calls: $1, beginsAt: 0)
        }
        scenario.bounds = Scenario.Bounds(inFlight: 3, perTenant: 2, perJob: 2, jobsAtOnce: 2)
        return scenario
    }

    private static func tally(_ events: [(Int64, Tally.Event)]) -> Tally {
        var tally = Tally(scenario())
        for (instant, event) in events { tally.note(event, at: instant) }
        return tally
    }

    @Test("In flight, waiting and their peaks follow the events")
    func counts() {
        let tally = Self.tally([
            (0, .submitted(job: 0)), (0, .submitted(job: 1)), (10, .accepted(job: 0)), (10, .accepted(job: 0)),
            (20, .accepted(job: 1)), (30, .left(job: 0)), (31, .answered(job: 0, status: 200, wait: 5)),
            (32, .answered(job: 1, status: nil, wait: nil)), (33, .refused),
        ])
        #expect(tally.inFlight == 2)
        #expect(tally.peak == 3)
        #expect(tally.tenants.map(\.inFlight) == [1, 1])
        #expect(tally.tenants.map(\.peak) == [2, 1])
        #expect(tally.tenants.map(\.waiting) == [1, 1])
        #expect(tally.tenants.map(\.done) == [1, 0])
        #expect(tally.tenants.map(\.failed) == [0, 1])
        #expect(tally.jobs.map(\.peak) == [2, 1, 0])
        #expect(tally.jobsPeak == 2)
        #expect(tally.refused == 1)
        #expect(tally.tenants[0].waits.percentiles([1]) == [5])
    }

    @Test("Slot time is counted while all wait, and use while demand reaches the limit")
    func shares() {
        let tally = Self.tally([
            (0, .submitted(job: 0)), (0, .submitted(job: 1)),
            // From here 3 are in flight and both wait: 100 ns.
            (0, .accepted(job: 0)), (0, .accepted(job: 0)), (0, .accepted(job: 1)),
            // One place is empty although 4 could be used: 50 ns.
            (100, .left(job: 0)),
            (150, .accepted(job: 0)),
            // `a` has nothing left to send; demand is 2 + 2.
            (250, .left(job: 0)), (250, .left(job: 0)),
            // Now at most 2 of `b` could go.
            (300, .accepted(job: 1)),
        ])
        #expect(tally.tenants.map(\.slotTime) == [450, 300])
        #expect(tally.tenants.map(\.contestedSlotTime) == [250, 150])
        #expect(tally.shares.contestedTime == 150)
        #expect(tally.shares.demandTime == 250)
        #expect(tally.shares.demandSlotTime == 700)
        #expect(tally.shares.backlogTime == 300)
        #expect(tally.shares.backlogAccepted == 5)
        #expect(tally.tenants.map(\.activeTime) == [250, 300])
    }

    @Test("A job is under way while it has calls in flight or, for sure, waiting")
    func underWay() {
        var tally = Self.tally([(0, .submitted(job: 0)), (5, .accepted(job: 0)), (10, .left(job: 0))])
        // Its other calls may still be on their way to Penstock.
        #expect(tally.jobsUnderWay == 0)
        tally.note(.submitted(job: 1), at: 1_000_000_001)
        #expect(tally.jobsUnderWay == 1)
        tally.note(.accepted(job: 1), at: 1_000_000_002)
        #expect(tally.jobsUnderWay == 2)
        #expect(tally.jobsPeak == 2)
        for _ in 0..<2 {
            tally.note(.accepted(job: 0), at: 1_000_000_003)
            tally.note(.left(job: 0), at: 1_000_000_004)
        }
        #expect(tally.jobsUnderWay == 1)
        #expect(tally.jobsDone == 1)
    }

    @Test("Time that runs backwards stands still")
    func backwards() {
        let tally = Self.tally([(10, .submitted(job: 0)), (50, .accepted(job: 0)), (40, .left(job: 0))])
        #expect(tally.now == 50)
        #expect(tally.tenants[0].slotTime == 0)
        #expect(tally.tenants[0].activeTime == 40)
    }
}
