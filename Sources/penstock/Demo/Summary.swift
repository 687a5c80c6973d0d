import ProviderSimulator

/// The table after a demonstration.
struct Summary {
    let tally: Tally
    let provider: SimulatorCounts
    /// `nil` where they could not be read.
    let books: Books?

    var lines: [StyledLine] {
        [StyledLine()] + table + [StyledLine()] + facts.flatMap(Self.lines) + [StyledLine()] + verdictLines
    }

    var verdict: Verdict { Verdict(tally, provider: provider, books: books) }

    // MARK: Tenants

    private var table: [StyledLine] {
        let head =
            "tenant".left(10) + tally.scenario.calls.right(8) + "done".right(7) + "failed".right(7)
            + "wait p50".right(10) + "p95".right(9) + "max".right(9) + "mean in flight".right(17)
        let columns = Waits.summaryShares
        let rows = tally.tenants.map { tenant in
            let waits = zip(tenant.waits.percentiles(columns), [10, 9, 9]).map { Figures.wait($0).right($1) }
            let mean = tenant.activeTime > 0 ? tenant.slotTime / tenant.activeTime : 0
            return StyledLine(
                tenant.name.left(10) + "\(tenant.calls)".right(8) + "\(tenant.done)".right(7)
                    + "\(tenant.failed)".right(7) + waits.joined() + Figures.fixed(mean, digits: 2).right(17))
        }
        let total =
            "all".left(10) + "\(calls)".right(8) + "\(sum(\.done))".right(7) + "\(sum(\.failed))".right(7)
        return [StyledLine(head, .faint)] + rows + [StyledLine(total, .strong)]
    }

    private func sum(_ member: KeyPath<Tally.Tenant, Int>) -> Int {
        tally.tenants.reduce(0) { $0 + $1[keyPath: member] }
    }
    private var calls: Int { sum(\.calls) }

    // MARK: Facts

    private typealias Fact = (name: String, text: String)

    private static let nameWidth = 13

    private static func lines(_ fact: Fact) -> [StyledLine] {
        fact.text.wrapped(80 - nameWidth).enumerated().map { number, text in
            var line = StyledLine((number == 0 ? fact.name : "").left(nameWidth), .faint)
            line.add(text)
            return line
        }
    }

    private var facts: [Fact] {
        [
            (
                "answered",
                "\(sum(\.done)) of \(calls) \(tally.scenario.calls) in \(Figures.seconds(Double(tally.elapsed)))"
            ),
            use, seen, caps, permits, fairness,
            (
                "sources",
                "waits: Penstock's Server-Timing; permits: its /metrics; all else: the provider's journal, in which "
                    + "each job is an API key of its own"
            ),
        ].compactMap(\.self)
    }

    private var use: Fact? {
        let shares = tally.shares
        if let quota = tally.scenario.bounds.perMinute, shares.backlogTime > 0 {
            let share = Double(shares.backlogAccepted) / (Double(quota) * shares.backlogTime / 60e9)
            return (
                "limit used",
                "\(Figures.tenths(share * 100)) % of \(quota)/min while anything waited "
                    + "(\(shares.backlogAccepted) calls in \(Figures.seconds(shares.backlogTime)))"
            )
        }
        guard shares.demandTime > 0 else { return nil }
        let mean = shares.demandSlotTime / shares.demandTime
        let bound = tally.scenario.bounds.inFlight
        return (
            "limit used",
            "\(Figures.tenths(mean / Double(bound) * 100)) %: \(Figures.fixed(mean, digits: 2)) of \(bound) in flight "
                + "while demand reached it (\(Figures.seconds(shares.demandTime)))"
        )
    }

    private var seen: Fact {
        (
            "provider",
            "saw at most \(provider.peak) calls at once, refused \(provider.totalViolations) "
                + "(\(provider.violations.count) limits of its own)"
        )
    }

    /// The largest that the provider saw, and what was allowed.
    private var caps: Fact? {
        let bounds = tally.scenario.bounds
        var parts: [String] = []
        func add(_ whose: String, _ seen: Int, _ bound: Int?) {
            if let bound { parts.append("\(whose) \(seen) of \(bound)") }
        }
        add("a tenant", tally.tenants.map(\.peak).max() ?? 0, bounds.perTenant)
        add("a job", tally.jobs.map(\.peak).max() ?? 0, bounds.perJob)
        add("jobs at once", tally.jobsPeak, bounds.jobsAtOnce)
        return parts.isEmpty ? nil : ("most seen", parts.joined(separator: ", "))
    }

    private var permits: Fact? {
        guard let books else { return nil }
        return (
            "permits",
            "\(books.attempts + books.inFlight) granted, \(books.attempts) settled, \(books.inFlight) held, "
                + "\(books.waiting) calls waiting"
        )
    }

    private var fairness: Fact? {
        let shares = tally.tenants.map(\.contestedSlotTime)
        guard tally.tenants.count > 2, let index = JainIndex.of(shares) else { return nil }
        return (
            "fairness",
            "\(Figures.fixed(index, digits: 3)) (Jain) of slot time, weights equal, while all had calls waiting "
                + "(\(Figures.seconds(tally.shares.contestedTime)))"
        )
    }

    // MARK: Verdict

    private var verdictLines: [StyledLine] {
        let verdict = verdict
        if verdict.isKept {
            return [StyledLine("The promise held: every call was answered and no limit was broken.", .good)]
        }
        return [StyledLine("The promise did not hold:", .bad)] + verdict.failings.map { StyledLine("  \($0)", .bad) }
    }
}

extension Waits {
    /// Median, 95th percentile and the longest.
    static let summaryShares = [0.5, 0.95, 1]
}

extension Tally {
    /// Nanoseconds from the first call to the last answer, or until now.
    var elapsed: Int64 {
        guard let startedAt else { return 0 }
        let isOver = tenants.allSatisfy { $0.done + $0.failed == $0.calls }
        return (isOver ? endedAt ?? now : now) - startedAt
    }
}
