import Admission
import Policy
import Providers
import Telemetry

/// What the proxy looks like at one instant, for `/status`, `/metrics` and people.
struct StatusSnapshot: Sendable {
    var version: String
    var isReady: Bool
    var isDraining: Bool
    var connections: Int
    var guardStatus: GuardStatus
    /// Whether the store of shared limits counts for all upstreams; `nil` without a cluster.
    var isStoreConnected: Bool?
    var upstreams: [UpstreamStatus]
    /// When.
    var at: Instant

    struct UpstreamStatus: Sendable {
        var upstream: Upstream
        var dimensions: Dimensions
        var report: GateReport
        var pool: UpstreamPool.Counts
        var recent: RecentPast
    }

    /// How much of it is named.
    struct Breadth: Hashable, Sendable {
        /// Of each limit, those most in use.
        var cells: Int
        /// Those with the most waiting.
        var tenants: Int
        /// Whether it says why who waits does.
        var explains: Bool

        static let metrics = Breadth(cells: 1000, tenants: .max, explains: false)
        static let status = Breadth(cells: 1000, tenants: 1000, explains: true)
        /// As much as a person reads, and no more than a reader who looks every second should cost.
        static let page = Breadth(cells: 40, tenants: 40, explains: true)
    }
}

extension Worker.Shared {
    /// The same for the metrics.
    var levels: ProxyLevels {
        let snapshot = snapshot(.metrics)
        return ProxyLevels(
            upstreams: snapshot.upstreams.map(\.levels), isClusterConnected: snapshot.isStoreConnected,
            hasReloadFailed: reloads.hasFailed,
            lastReload: reloads.lastSuccess)
    }
}

extension StatusSnapshot.UpstreamStatus {
    var levels: UpstreamLevels {
        UpstreamLevels(
            name: upstream.name,
            tenants: report.tenants.map { TenantLevel(tenant: $0.name, inFlight: $0.inFlight, waiting: $0.waiting) },
            maxQueued: upstream.gate.queue.maxRequests,
            limits: zip(upstream.gate.limits, report.limits).flatMap(limitLevels),
            isPaused: report.pausedFor != nil || report.limits.contains { $0.cells.contains { $0.pausedFor != nil } }
                || !report.keys.isEmpty && report.keys.allSatisfy { $0.pausedFor != nil },
            isBreakerOpen: report.breaker?.isOpen ?? false, adaptiveLimit: report.adaptiveLimit.map(Double.init),
            connections: [
                (ConnectionLevel.State.idle, pool.idle), (.active, pool.active), (.connecting, pool.connecting),
            ]
            .map {
                ConnectionLevel(networkProtocol: pool.isHTTP2 ? .http2 : .http1, state: $0.0, count: $0.1)
            })
    }

    /// Of a limit that holds for several, the terms of the limit and the use of whoever is nearest to them.
    private func limitLevels(_ limit: Limit, _ report: GateReport.LimitReport) -> [LimitLevel] {
        var levels: [LimitLevel] = []
        if let most = limit.terms.inFlight {
            let used = report.cells.map { share($0.inFlight, of: $0.maxInFlight ?? most) }.max() ?? 0
            levels.append(LimitLevel(limit: limit.name, unit: "in_flight", value: Double(most), usedRatio: used))
        }
        if let distinct = limit.terms.distinct {
            let used = report.cells.map { share($0.underWay, of: $0.maxDistinct ?? distinct.atMost) }.max() ?? 0
            levels.append(
                LimitLevel(limit: limit.name, unit: "distinct", value: Double(distinct.atMost), usedRatio: used))
        }
        for rate in limit.terms.rates {
            let used =
                report.cells.flatMap(\.rates).filter { $0.rate.window == rate.window && $0.rate.unit == rate.unit }
                .map { share($0.used, of: $0.rate.quota) }.max() ?? 0
            levels.append(
                LimitLevel(limit: limit.name, unit: rate.label, value: Double(rate.quota), usedRatio: used))
        }
        return levels
    }

    private func share(_ used: Int, of most: Int) -> Double {
        most > 0 ? min(1, Double(used) / Double(most)) : 0
    }
}

extension Limit.Rate {
    /// `requests/60s`
    var label: String { "\(unit.rawValue)/\(window.secondsRoundedUp)s" }
}
