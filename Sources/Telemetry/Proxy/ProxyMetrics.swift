import CoreMetrics
import Synchronization

/// All of Penstock's metrics. What happens is recorded through swift-metrics, by upstream; what stands at a moment is
/// read when somebody scrapes.
package final class ProxyMetrics: Sendable {
    package let shed: ShedMetrics
    private let factory: any MetricsFactory
    private let counters: LabelledCounters
    private let upstreams = Mutex<[String: UpstreamMetrics]>([:])

    package init(factory: any MetricsFactory) {
        self.factory = factory
        self.shed = ShedMetrics(factory: factory)
        self.counters = LabelledCounters(factory: factory)
    }

    /// The metrics of an upstream, the same ones whenever it is asked for: they outlive a reload. To be kept, not asked
    /// for by each request.
    package func upstream(_ name: String) -> UpstreamMetrics {
        upstreams.withLock { upstreams in
            if let known = upstreams[name] { return known }
            let made = UpstreamMetrics(upstream: name, number: upstreams.count, counters: counters, factory: factory)
            upstreams[name] = made
            return made
        }
    }

    /// Has the registry read, at each scrape, the levels, the process and the log's losses.
    ///
    /// - Parameter levels: runs on the thread that renders, and may lock a gate for as long as reading it takes; `nil` when
    ///   there is no proxy any more.
    package func report(
        to registry: PrometheusRegistry, log: LogSink?, levels: @escaping @Sendable () -> ProxyLevels?
    ) {
        registry.collect { levels().map { self.samples($0) } ?? [] }
        registry.collect { ProcessFigures.samples() }
        if let log {
            registry.collect { [.counter(ProxyMetricName.logLinesDropped, log.dropped)] }
        }
    }

    /// The levels as lines; tenants without a place in the label are added up under `other`.
    func samples(_ levels: ProxyLevels) -> [Sample] {
        var all = levels.upstreams.flatMap { samples(of: $0) }
        if let isConnected = levels.isClusterConnected {
            all.append(.gauge(ProxyMetricName.clusterConnected, isConnected))
        }
        all.append(.gauge(ProxyMetricName.configReloadFailed, levels.hasReloadFailed))
        all.append(.gauge(ProxyMetricName.configLastReload, Double(levels.lastReload)))
        return all
    }

    private func samples(of upstream: UpstreamLevels) -> [Sample] {
        let own = [("upstream", upstream.name)]
        var samples: [Sample] = [
            .gauge(ProxyMetricName.paused, upstream.isPaused, own),
            .gauge(ProxyMetricName.breakerOpen, upstream.isBreakerOpen, own),
            .gauge(ProxyMetricName.queueMaxRequests, upstream.maxQueued, own),
        ]
        if let limit = upstream.adaptiveLimit { samples.append(.gauge(ProxyMetricName.adaptiveLimit, limit, own)) }
        for level in upstream.limits {
            let labels = own + [("limit", level.limit), ("unit", level.unit)]
            samples.append(.gauge(ProxyMetricName.limitValue, level.value, labels))
            samples.append(.gauge(ProxyMetricName.limitUsedRatio, level.usedRatio, labels))
        }
        for level in upstream.connections {
            let labels = own + [("protocol", level.networkProtocol.rawValue), ("state", level.state.rawValue)]
            samples.append(.gauge(ProxyMetricName.connections, level.count, labels))
        }
        for (tenant, level) in byLabel(upstream.tenants) {
            let labels = own + [("tenant", tenant)]
            samples.append(.gauge(ProxyMetricName.inFlight, level.inFlight, labels))
            samples.append(.gauge(ProxyMetricName.queueDepth, level.waiting, labels))
        }
        return samples
    }

    /// `other` is always there: a series that begins when somebody comes can't be told from one that got lost.
    private func byLabel(_ tenants: [TenantLevel]) -> [String: (inFlight: Int, waiting: Int)] {
        let labels = counters.labels(ofTenants: tenants.lazy.map(\.tenant))
        return zip(labels, tenants).reduce(into: [TopNames.other: (0, 0)]) { sums, pair in
            let (label, level) = pair
            let sum = sums[label, default: (0, 0)]
            sums[label] = (sum.inFlight + level.inFlight, sum.waiting + level.waiting)
        }
    }
}
