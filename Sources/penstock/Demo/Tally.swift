/// What a demonstration has seen so far, from both ends: what the callers sent and got, and what the provider wrote
/// into its journal. Penstock is between the two and is not asked.
///
/// Times are nanoseconds on the simulated provider's clock and come in order; one that runs backwards counts as the
/// time before it.
struct Tally: Sendable {
    let scenario: Scenario
    private(set) var tenants: [Tenant]
    private(set) var jobs: [Job]
    private(set) var now: Int64 = 0
    private(set) var startedAt: Int64?
    private(set) var endedAt: Int64?
    private(set) var inFlight = 0
    private(set) var peak = 0
    private(set) var jobsPeak = 0
    /// Calls that the provider refused.
    private(set) var refused = 0
    /// What the callers got that was not 200, by status; 0 for no answer.
    private(set) var failures: [Int: Int] = [:]
    private(set) var shares = Shares()

    struct Tenant: Sendable {
        var name: String
        var calls: Int
        var submitted = 0
        var accepted = 0
        var left = 0
        var done = 0
        var failed = 0
        var inFlight = 0
        var peak = 0
        /// Nanoseconds times calls.
        var slotTime = 0.0
        /// The part of it in which every tenant had something waiting.
        var contestedSlotTime = 0.0
        /// Nanoseconds in which it had something under way.
        var activeTime = 0.0
        var waits = Waits()

        /// Sent by the caller and not yet seen by the provider, nor given up.
        var waiting: Int { max(0, submitted - accepted - failed) }
    }

    struct Job: Sendable {
        var tenant: Int
        var calls: Int
        var submittedAt: Int64 = .max
        var accepted = 0
        var left = 0
        var inFlight = 0
        var peak = 0
    }

    /// How well the limits were used, over the time in which there was enough to do.
    struct Shares: Sendable {
        /// Nanoseconds in which the callers' demand, within the caps of tenants, reached the limit of all.
        var demandTime = 0.0
        var demandSlotTime = 0.0
        /// Nanoseconds in which anything waited, and the calls accepted in that time.
        var backlogTime = 0.0
        var backlogAccepted = 0
        /// Nanoseconds in which every tenant had something waiting.
        var contestedTime = 0.0
    }

    enum Event: Hashable, Sendable {
        /// All calls of a job, by its place in the workload.
        case submitted(job: Int)
        case accepted(job: Int)
        case left(job: Int)
        case refused
        /// A caller has its answer. `wait` is how long Penstock says that it kept the call, in milliseconds.
        case answered(job: Int, status: Int?, wait: Double?)
    }

    init(_ scenario: Scenario) {
        self.scenario = scenario
        tenants = scenario.workload.tenants.map { Tenant(name: $0.name, calls: $0.calls) }
        jobs = scenario.workload.jobs.map { Job(tenant: $0.tenant, calls: $0.calls) }
    }

    // MARK: Events

    mutating func note(_ event: Event, at instant: Int64) {
        advance(to: instant)
        switch event {
        case .submitted(let job):
            startedAt = startedAt ?? now
            jobs[job].submittedAt = now
            tenants[jobs[job].tenant].submitted += jobs[job].calls
        case .accepted(let job): accept(job)
        case .left(let job): leave(job)
        case .refused: refused += 1
        case .answered(let job, let status, let wait):
            endedAt = now
            let tenant = jobs[job].tenant
            if status == 200 {
                tenants[tenant].done += 1
            } else {
                tenants[tenant].failed += 1
                failures[status ?? 0, default: 0] += 1
            }
            if let wait { tenants[tenant].waits.append(wait) }
        }
    }

    private mutating func accept(_ job: Int) {
        let tenant = jobs[job].tenant
        if tenants.contains(where: { $0.waiting > 0 }) { shares.backlogAccepted += 1 }
        inFlight += 1
        peak = max(peak, inFlight)
        tenants[tenant].accepted += 1
        tenants[tenant].inFlight += 1
        tenants[tenant].peak = max(tenants[tenant].peak, tenants[tenant].inFlight)
        jobs[job].accepted += 1
        jobs[job].inFlight += 1
        jobs[job].peak = max(jobs[job].peak, jobs[job].inFlight)
        if jobs[job].inFlight == 1 { jobsPeak = max(jobsPeak, jobsUnderWay) }
    }

    private mutating func leave(_ job: Int) {
        inFlight -= 1
        tenants[jobs[job].tenant].left += 1
        tenants[jobs[job].tenant].inFlight -= 1
        jobs[job].left += 1
        jobs[job].inFlight -= 1
    }

    /// Jobs with a call at the provider, and those that have begun and surely have calls waiting in Penstock.
    var jobsUnderWay: Int {
        jobs.reduce(0) { $0 + ($1.isUnderWay(now: now) ? 1 : 0) }
    }

    var jobsDone: Int { jobs.reduce(0) { $0 + ($1.left >= $1.calls ? 1 : 0) } }
    var waiting: Int { tenants.reduce(0) { $0 + $1.waiting } }

    // MARK: Time

    private mutating func advance(to instant: Int64) {
        guard instant > now else { return }
        let length = startedAt == nil ? 0 : Double(instant - now)
        now = instant
        let isContested = tenants.allSatisfy { $0.waiting > 0 }
        for place in tenants.indices {
            let slots = length * Double(tenants[place].inFlight)
            tenants[place].slotTime += slots
            if isContested { tenants[place].contestedSlotTime += slots }
            if tenants[place].inFlight > 0 || tenants[place].waiting > 0 { tenants[place].activeTime += length }
        }
        if isContested { shares.contestedTime += length }
        if waiting > 0 { shares.backlogTime += length }
        if demand >= scenario.bounds.inFlight {
            shares.demandTime += length
            shares.demandSlotTime += length * Double(inFlight)
        }
    }

    /// Whether all has been sent and what still waits can only wait for its own tenants' limits, with room for all.
    var waitsForOwnLimits: Bool {
        waiting > 0 && demand < scenario.bounds.inFlight && tenants.allSatisfy { $0.submitted == $0.calls }
    }

    /// Calls that could be in flight if only the limits per tenant held.
    private var demand: Int {
        tenants.reduce(0) { $0 + min($1.waiting + $1.inFlight, scenario.bounds.perTenant ?? .max) }
    }
}

extension Tally.Job {
    /// After this long a call that was sent has reached Penstock, however busy the machine is.
    private static let surelyThere: Int64 = 1_000_000_000

    func isUnderWay(now: Int64) -> Bool {
        if inFlight > 0 { return true }
        return accepted > 0 && accepted < calls && now - submittedAt > Self.surelyThere
    }
}
