import ProviderSimulator

/// Whether a demonstration kept what Penstock promises: every call answered, no limit broken.
struct Verdict: Hashable, Sendable {
    /// What was not kept, a sentence each.
    var failings: [String] = []

    var isKept: Bool { failings.isEmpty }

    init(_ tally: Tally, provider: SimulatorCounts, books: Books?) {
        judgeAnswers(tally)
        for (rule, count) in provider.violations.sorted(by: { $0.key < $1.key }) where count > 0 {
            failings.append("the provider's limit \(rule) was broken \(count) times")
        }
        judgeCaps(tally)
        judgeBooks(books, seen: provider.totalRequests)
    }

    private mutating func judgeBooks(_ books: Books?, seen: Int) {
        guard let books else { return failings.append("Penstock's metrics can't be read") }
        check(
            books.inFlight == 0 && books.waiting == 0,
            "Penstock still has \(books.inFlight) calls in flight and \(books.waiting) waiting")
        check(books.attempts == seen, "Penstock settled \(books.attempts) attempts, the provider saw \(seen) calls")
    }

    private mutating func judgeAnswers(_ tally: Tally) {
        let calls = tally.scenario.calls
        for tenant in tally.tenants {
            check(
                tenant.done == tenant.calls, "\(tenant.name): \(tenant.done) of \(tenant.calls) \(calls) were answered")
        }
        let failures = tally.failures.sorted { $0.key < $1.key }
        for (status, count) in failures {
            failings.append(status == 0 ? "\(count) calls got no answer" : "\(count) calls got status \(status)")
        }
    }

    /// The caps that the provider does not know, from its journal.
    private mutating func judgeCaps(_ tally: Tally) {
        let bounds = tally.scenario.bounds
        check(tally.peak <= bounds.inFlight, "\(tally.peak) calls were in flight at one time")
        for tenant in tally.tenants {
            check(
                tenant.peak <= bounds.perTenant ?? .max, "\(tenant.name) had \(tenant.peak) calls in flight at one time"
            )
        }
        let jobPeak = tally.jobs.map(\.peak).max() ?? 0
        check(jobPeak <= bounds.perJob ?? .max, "a job had \(jobPeak) calls in flight at one time")
        check(tally.jobsPeak <= bounds.jobsAtOnce ?? .max, "\(tally.jobsPeak) jobs were under way at one time")
    }

    private mutating func check(_ isKept: Bool, _ failing: String) {
        if !isKept { failings.append(failing) }
    }
}
