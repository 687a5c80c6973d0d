import CoreMetrics

/// Why the proxy refused something to protect itself. A closed set, since it is a label.
package enum ShedReason: String, Hashable, Sendable, CaseIterable {
    case memory
    /// Its event loop is late.
    case loopLag = "loop_lag"
    case connections
}

/// The class of what was refused.
package enum ShedPriority: String, Hashable, Sendable, CaseIterable {
    case high, normal, low
    /// A connection that was closed before it could say anything.
    case none
}

/// What was refused so that the process lives: `penstock_shed_total`. All series are there from the start, so that an
/// alert on their growth has where to begin, and counting looks nothing up.
package struct ShedMetrics: Sendable {
    private let counters: [Counter]

    init(factory: any MetricsFactory) {
        counters = ShedReason.allCases.flatMap { reason in
            ShedPriority.allCases.map { priority in
                Counter(
                    label: ProxyMetricName.shed,
                    dimensions: [("reason", reason.rawValue), ("priority", priority.rawValue)], factory: factory)
            }
        }
    }

    package func count(_ reason: ShedReason, _ priority: ShedPriority) {
        counters[reason.place * ShedPriority.allCases.count + priority.place].increment()
    }
}

extension ShedReason {
    fileprivate var place: Int {
        switch self {
        case .memory: 0
        case .loopLag: 1
        case .connections: 2
        }
    }
}

extension ShedPriority {
    fileprivate var place: Int {
        switch self {
        case .high: 0
        case .normal: 1
        case .low: 2
        case .none: 3
        }
    }
}
