/// What a gate looks like at one instant; for people and metrics.
package struct GateReport: Sendable {
    package var waiting: Int
    package var inFlight: Int
    /// `nil` where sending is not paused.
    package var pausedFor: Interval?
    package var isDraining: Bool
    /// `nil` where there is none.
    package var breaker: BreakerReport?
    /// Attempts under way at one time that the adaptive limit allows now; `nil` where there is none.
    package var adaptiveLimit: Int?
    package var retryBudget: BudgetReport
    /// In the order of the rules; a limit that nobody has met yet has no cells.
    package var limits: [LimitReport]
    /// Of the outermost level of the fair line, those with something waiting or in flight.
    package var tenants: [TenantReport]

    package struct BreakerReport: Sendable {
        /// Whether it lets nobody go, or only a probe at a time.
        package var isOpen: Bool
        /// Until the next probe; `nil` where one is under way or the breaker is closed.
        package var opensIn: Interval?
    }

    package struct BudgetReport: Sendable {
        /// Repetitions in the last minute, and how many it allows.
        package var used: Int
        package var allowed: Int
    }

    package struct LimitReport: Sendable {
        package var limit: Int
        package var cells: [CellReport]
    }

    package struct CellReport: Sendable {
        /// The values that the limit is per; empty where it holds for all.
        package var values: [String]
        package var inFlight: Int
        package var maxInFlight: Int?
        package var underWay: Int
        package var maxDistinct: Int?
        package var rates: [RateReport]
        package var waiting: Int
        /// Of the limit so many thousandths are used, after the provider allowed less than was said.
        package var share: Int
        /// `nil` where it is not paused by itself.
        package var pausedFor: Interval?
        /// Until one more attempt fits; `nil` where only the end of another can tell.
        package var nextFree: Interval?
    }

    package struct RateReport: Sendable {
        package var rate: Limit.Rate
        /// Units sent within the window that ends now.
        package var used: Int
        package var spacing: Interval
        package var burst: Int
        /// The window that the provider enforces as far as is known; `nil` where only the stated one counts.
        package var enforcedWindow: Interval?
    }

    package struct TenantReport: Sendable {
        package var name: String
        package var waiting: Int
        package var inFlight: Int
    }
}

extension Gate {
    /// A report of this instant. `cells` bounds the cells named per limit, those most in use first.
    package mutating func report(now instant: Instant, cells bound: Int = 1000) -> GateReport {
        advance(to: instant)
        var limits = rules.limits.indices.map { GateReport.LimitReport(limit: $0, cells: []) }
        for index in 0..<cells.capacity where cells[index].limit >= 0 {
            cells[index].expire(now: now)
            limits[cells[index].limit].cells.append(report(of: cells[index]))
        }
        for index in limits.indices where limits[index].cells.count > bound {
            limits[index].cells.sort {
                ($0.inFlight + $0.waiting, $1.values.first ?? "") > ($1.inFlight + $1.waiting, $0.values.first ?? "")
            }
            limits[index].cells.removeLast(limits[index].cells.count - bound)
        }
        let tenants = (0..<line.nodes.capacity).compactMap { place -> GateReport.TenantReport? in
            let node = line[place]
            guard node.level == 1, !node.isByArrival, node.waiting + node.inFlight > 0 else { return nil }
            return GateReport.TenantReport(name: node.key, waiting: node.waiting, inFlight: node.inFlight)
        }
        return GateReport(
            waiting: waiting, inFlight: inFlight, pausedFor: pausedUntil > now ? pausedUntil - now : nil,
            isDraining: isDraining, breaker: breakerReport, adaptiveLimit: adaptive?.limit,
            retryBudget: GateReport.BudgetReport(used: budget.used(now: now), allowed: budget.allowance(now: now)),
            limits: limits, tenants: tenants)
    }

    private var breakerReport: GateReport.BreakerReport? {
        guard let breaker else { return nil }
        return GateReport.BreakerReport(
            isOpen: breaker.isOpen, opensIn: breaker.openUntil.flatMap { $0 > now ? $0 - now : nil })
    }

    private func report(of cell: Cell) -> GateReport.CellReport {
        var cell = cell
        let opening = cell.opening(isNew: true, for: Tokens(input: 1, output: 1), now: now)
        let resumption = cell.pause.opening(now: now)
        return GateReport.CellReport(
            values: cell.values, inFlight: cell.inFlight,
            maxInFlight: cell.maxInFlight == .max ? nil : cell.maxInFlight,
            underWay: cell.underWay, maxDistinct: cell.maxDistinct == .max ? nil : cell.maxDistinct,
            rates: cell.pacers.map {
                GateReport.RateReport(
                    rate: $0.rate, used: $0.used, spacing: $0.spacing, burst: $0.burst, enforcedWindow: $0.window)
            }
                + cell.budgets.map {
                    GateReport.RateReport(
                        rate: $0.rate, used: $0.budget.used(now: now), spacing: .zero, burst: $0.rate.quota,
                        enforcedWindow: nil)
                },
            waiting: cell.waiting, share: cell.share, pausedFor: resumption > now ? resumption - now : nil,
            nextFree: opening == .never ? nil : opening - now)
    }
}
