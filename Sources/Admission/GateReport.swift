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
    /// In the order of the rules.
    package var keys: [KeyReport]
    /// Of the outermost level of the fair line, those with something waiting or in flight; most waiting first where
    /// not all are named.
    package var tenants: [TenantReport]
    /// How many there are; `tenants` may name fewer.
    package var tenantCount: Int

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

    package struct KeyReport: Sendable {
        package var name: String
        package var inFlight: Int
        /// Why the provider turns it away; `nil` for a key in good standing.
        package var fault: KeyFault?
        /// Until it is tried again; `nil` where it is in use or on trial.
        package var returnsIn: Interval?
        /// `nil` where it is not paused by itself.
        package var pausedFor: Interval?
    }

    package struct LimitReport: Sendable {
        package var limit: Int
        /// How many combinations of values it has met and not forgotten; `cells` may name fewer.
        package var count: Int
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
        /// What the provider says that it allows, where that is less than the rate.
        package var lowered: Int?
    }

    package struct TenantReport: Sendable {
        package var name: String
        package var waiting: Int
        package var inFlight: Int
        /// `nil` where nothing waits, or where nobody asked why.
        package var wait: WaitReport?
    }

    /// What one outermost node waits for, told by its oldest ask that is not only put off.
    package struct WaitReport: Hashable, Sendable {
        /// How long that ask has waited by now.
        package var length: Interval
        package var cause: Cause
        /// Until the cause is over; `nil` where only the end of another attempt can tell.
        package var endsIn: Interval?
    }

    /// What keeps an ask from going.
    package enum Cause: Hashable, Sendable {
        case limit(GateRefusal.Binding)
        /// The provider said when to come back.
        case pause
        case breaker
        /// As many are in flight as the adaptive limit allows.
        case adaptive
        /// It is an attempt that is repeated after a while.
        case backoff
        /// Nothing but others before it in the fair line.
        case turn
    }
}

extension Gate {
    /// A report of this instant.
    ///
    /// - Parameters:
    ///   - cells: bounds the cells named per limit, those most in use first.
    ///   - tenants: bounds the tenants named, those with the most waiting first.
    ///   - explains: whether it says of each tenant named why it waits.
    package mutating func report(
        now instant: Instant, cells bound: Int = 1000, tenants tenantBound: Int = .max, explains: Bool = false
    ) -> GateReport {
        advance(to: instant)
        let nodes = (0..<line.nodes.capacity).filter { isTenantAtWork($0) }
        return GateReport(
            waiting: waiting, inFlight: inFlight, pausedFor: pausedUntil > now ? pausedUntil - now : nil,
            isDraining: isDraining, breaker: breakerReport, adaptiveLimit: adaptive?.limit,
            retryBudget: GateReport.BudgetReport(used: budget.used(now: now), allowed: budget.allowance(now: now)),
            limits: limitReports(bound), keys: keyring.keys.map(report),
            tenants: tenantReports(nodes, bound: tenantBound, explains: explains), tenantCount: nodes.count)
    }

    /// What is counted of all is counted before anything is made for those that are named: a gate may have cells by the
    /// hundred thousand, and the data path waits meanwhile.
    private mutating func limitReports(_ bound: Int) -> [GateReport.LimitReport] {
        var places = rules.limits.map { _ in [Int]() }
        for index in 0..<cells.capacity where cells[index].limit >= 0 && cells[index].credits == nil {
            places[cells[index].limit].append(index)
        }
        return places.indices.map { limit in
            let count = places[limit].count
            if count > bound {
                places[limit].sort { left, right in
                    let (ours, theirs) = (cells[left], cells[right])
                    return (ours.inFlight + ours.waiting, theirs.values.first ?? "")
                        > (theirs.inFlight + theirs.waiting, ours.values.first ?? "")
                }
            }
            let named = places[limit].prefix(bound).map { index in
                cells[index].expire(now: now)
                return report(of: cells[index])
            }
            return GateReport.LimitReport(limit: limit, count: count, cells: named)
        }
    }

    private mutating func tenantReports(_ nodes: [Int], bound: Int, explains: Bool) -> [GateReport.TenantReport] {
        var nodes = nodes
        if nodes.count > bound {
            nodes.sort { (line[$0].waiting, line[$0].inFlight) > (line[$1].waiting, line[$1].inFlight) }
        }
        return nodes.prefix(bound).map { node in
            GateReport.TenantReport(
                name: line[node].key, waiting: line[node].waiting, inFlight: line[node].inFlight,
                wait: explains ? waitReport(of: node) : nil)
        }
    }

    private func report(of key: Keyring.Key) -> GateReport.KeyReport {
        let (suspended, paused) = (key.suspension.until, key.pause.until)
        return GateReport.KeyReport(
            name: key.name, inFlight: key.inFlight, fault: key.suspension.fault,
            returnsIn: key.suspension.fault != nil && suspended > now ? suspended - now : nil,
            pausedFor: paused > now ? paused - now : nil)
    }

    private func isTenantAtWork(_ place: Int) -> Bool {
        line[place].level == 1 && !line[place].isByArrival && line[place].waiting + line[place].inFlight > 0
    }

    private var breakerReport: GateReport.BreakerReport? {
        guard let breaker else { return nil }
        return GateReport.BreakerReport(
            isOpen: breaker.isOpen, opensIn: breaker.openUntil.flatMap { $0 > now ? $0 - now : nil })
    }

    private func report(of cell: Cell) -> GateReport.CellReport {
        var cell = cell
        let opening = cell.opening(isNew: true, for: Tokens(input: 1, output: 1), now: now)
        let resumption = max(cell.pause.opening(now: now), cell.pausedUntil)
        return GateReport.CellReport(
            values: cell.values, inFlight: cell.inFlight,
            maxInFlight: cell.maxInFlight == .max ? nil : cell.maxInFlight,
            underWay: cell.underWay, maxDistinct: cell.maxDistinct == .max ? nil : cell.maxDistinct,
            rates: cell.pacers.map {
                GateReport.RateReport(
                    rate: $0.rate, used: $0.used, spacing: $0.spacing, burst: $0.burst, enforcedWindow: $0.window,
                    lowered: $0.lowered)
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
