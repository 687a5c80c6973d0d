import CoreMetrics

/// The metrics of one upstream. Counters are made on first use and kept; looking one up costs a lock and a dictionary
/// of small keys.
///
/// `now` is in nanoseconds, on the clock that the caller uses throughout.
package final class UpstreamMetrics: Sendable {
    package let upstream: String
    /// Time that a request waited for a limit; zero for one that did not.
    package let queueWait: Timer
    /// Time from sending an attempt to its first response byte.
    package let firstByte: Timer
    /// Time from a request's head to its last response byte.
    package let requestTime: Timer
    /// Time spent in Penstock besides waiting in the queue and for the upstream.
    package let overhead: Timer

    private let number: Int
    private let counters: LabelledCounters

    init(upstream: String, number: Int, counters: LabelledCounters, factory: any MetricsFactory) {
        let labels = [("upstream", upstream)]
        self.queueWait = Timer(label: ProxyMetricName.queueWait, dimensions: labels, factory: factory)
        self.firstByte = Timer(label: ProxyMetricName.firstByte, dimensions: labels, factory: factory)
        self.requestTime = Timer(label: ProxyMetricName.requestTime, dimensions: labels, factory: factory)
        self.overhead = Timer(label: ProxyMetricName.overhead, dimensions: labels, factory: factory)
        self.upstream = upstream
        self.number = number
        self.counters = counters
    }

    /// Counts as a use of the tenant's name, so it is called once per exchange, at its end.
    package func requests(
        tenant: String, outcome: ExchangeOutcome, status: StatusClass, now: Int64
    ) -> Counter {
        counters.counter(
            ofTenant: tenant, now: now, key: { key(.request(tenantSlot: $0, outcome, status)) },
            ProxyMetricName.requests
        ) { tenant in
            [
                ("upstream", upstream), ("tenant", tenant), ("outcome", outcome.rawValue), ("status", status.rawValue),
            ]
        }
    }

    package func attempts(status: StatusClass, reason: AttemptReason) -> Counter {
        counters.counter(key(.attempt(status, reason)), ProxyMetricName.attempts) {
            [("upstream", upstream), ("status", status.rawValue), ("retry", reason.rawValue)]
        }
    }

    package func limited(limit: String, mode: LimitMode, action: LimitAction) -> Counter {
        counters.counter(key(.limited(limit, mode, action)), ProxyMetricName.limited) {
            [("upstream", upstream), ("limit", limit), ("mode", mode.rawValue), ("action", action.rawValue)]
        }
    }

    /// - Parameter status: the provider's own, 429 or 529.
    package func throttled(status: Int) -> Counter {
        counters.counter(key(.throttled(status: status)), ProxyMetricName.throttled) {
            [("upstream", upstream), ("status", "\(status)")]
        }
    }

    /// Counts as a use of the model's name. The name comes from the request, so at most 100 of them become labels.
    package func tokens(model: String, kind: TokenKind, now: Int64) -> Counter {
        counters.counter(
            ofModel: model.isEmpty ? "unknown" : model, now: now, key: { key(.tokens(modelSlot: $0, kind)) },
            ProxyMetricName.tokens
        ) { model in
            [("upstream", upstream), ("model", model), ("kind", kind.rawValue)]
        }
    }

    /// Answers of which it is not known how many tokens they took.
    package var unmetered: Counter {
        counters.counter(key(.unmetered), ProxyMetricName.unmetered) { [("upstream", upstream)] }
    }

    private func key(_ labels: LabelledCounters.KeyLabels) -> LabelledCounters.Key {
        LabelledCounters.Key(upstream: number, labels: labels)
    }
}
