/// One picture of a demonstration under way.
struct LiveFrame {
    let tally: Tally

    /// What the columns beside the bar take.
    private static let columns = 58
    private static let widestBar = 40

    /// The picture in at most `width` columns; made for 80 and more.
    func lines(width: Int) -> [StyledLine] {
        let width = min(max(width, 20), Self.columns + Self.widestBar)
        let bar = max(8, width - Self.columns)
        return heading(width) + [StyledLine()] + table(bar: bar) + [StyledLine()] + standing
    }

    /// The same in one line, for what is no terminal.
    var line: String {
        let parts = [
            "\(Figures.seconds(Double(tally.elapsed)))".right(8),
            "\(done)/\(calls) \(tally.scenario.calls) done", "\(tally.inFlight) in flight", "\(tally.waiting) waiting",
            underWay, tally.refused == 0 ? nil : "\(tally.refused) refused by the provider",
        ]
        return parts.compactMap(\.self).joined(separator: "  ")
    }

    // MARK: Parts

    private func heading(_ width: Int) -> [StyledLine] {
        let time = Figures.seconds(Double(tally.elapsed))
        var title = StyledLine(tally.scenario.title, .strong)
        title.add(time.right(width - tally.scenario.title.count), .strong)
        return [title] + tally.scenario.story.wrapped(width).map { StyledLine($0) }
    }

    private func table(bar: Int) -> [StyledLine] {
        let head =
            "tenant".left(9) + " " + "\(tally.scenario.calls) done".left(bar + 11) + "in flight".right(10)
            + "waiting".right(8) + "wait p50".right(10) + "p95".right(9)
        return [StyledLine(head, .faint)] + tally.tenants.map { row($0, bar: bar) } + [total(bar: bar)]
    }

    private func row(_ tenant: Tally.Tenant, bar: Int) -> StyledLine {
        var line = StyledLine("\(tenant.name.left(9)) ")
        Self.add(bar: bar, done: tenant.done, of: tenant.calls, to: &line)
        line.add("\(tenant.done)/\(tenant.calls)".right(11))
        line.add(Self.slots(tenant.inFlight, of: tally.scenario.bounds.perTenant).right(10), .good)
        line.add("\(tenant.waiting)".right(8))
        let waits = tenant.waits.percentiles([0.5, 0.95])
        line.add(Figures.wait(waits[0]).right(10) + Figures.wait(waits[1]).right(9))
        if tenant.failed > 0 { line.add("  \(tenant.failed) failed", .bad) }
        return line
    }

    private func total(bar: Int) -> StyledLine {
        var line = StyledLine("\("all".left(9)) ", .strong)
        Self.add(bar: bar, done: done, of: calls, to: &line)
        line.add("\(done)/\(calls)".right(11), .strong)
        line.add("\(tally.inFlight) of \(tally.scenario.bounds.inFlight)".right(10), .strong)
        line.add("\(tally.waiting)".right(8), .strong)
        return line
    }

    private var standing: [StyledLine] {
        var line = StyledLine()
        if let underWay { line.add("\(underWay), \(tally.jobsDone) of \(tally.jobs.count) done; ") }
        line.add("provider: at most \(tally.peak) at once, ")
        line.add("\(tally.refused) refused", tally.refused == 0 ? .good : .bad)
        let hint = "What still waits is held back by its own tenant's limit: few are left."
        return [line, StyledLine(tally.waitsForOwnLimits ? hint : "", .faint)]
    }

    private var underWay: String? {
        guard let jobs = tally.scenario.jobs else { return nil }
        let bound = tally.scenario.bounds.jobsAtOnce.map { " of \($0)" } ?? ""
        return "\(tally.jobsUnderWay)\(bound) \(jobs) under way"
    }

    private var done: Int { tally.tenants.reduce(0) { $0 + $1.done } }
    private var calls: Int { tally.tenants.reduce(0) { $0 + $1.calls } }

    /// Places taken and free where there are a few, a number where nothing bounds them.
    private static func slots(_ taken: Int, of bound: Int?) -> String {
        guard let bound, bound <= 8 else { return "\(taken)" }
        return String(repeating: "●", count: taken) + String(repeating: "○", count: max(0, bound - taken))
    }

    private static func add(bar width: Int, done: Int, of calls: Int, to line: inout StyledLine) {
        let filled = calls > 0 ? width * done / calls : 0
        line.add(String(repeating: "█", count: filled), .bar)
        line.add(String(repeating: "░", count: width - filled), .faint)
    }
}
