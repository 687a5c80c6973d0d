/// What stands right now, read from the gates and pools when somebody scrapes. Plain values: the proxy fills them in,
/// ``ProxyMetrics`` turns them into samples.
package struct ProxyLevels: Sendable {
    package var upstreams: [UpstreamLevels]
    /// Nil without a cluster.
    package var isClusterConnected: Bool?
    package var hasReloadFailed: Bool
    /// When the configuration was last read with success, the start included: Unix time in seconds.
    package var lastReload: Int64

    package init(
        upstreams: [UpstreamLevels] = [], isClusterConnected: Bool? = nil, hasReloadFailed: Bool = false,
        lastReload: Int64 = 0
    ) {
        self.upstreams = upstreams
        self.isClusterConnected = isClusterConnected
        self.hasReloadFailed = hasReloadFailed
        self.lastReload = lastReload
    }
}

/// What stands right now at one upstream.
package struct UpstreamLevels: Sendable {
    package var name: String
    package var tenants: [TenantLevel]
    /// Requests that may wait at one time.
    package var maxQueued: Int
    package var limits: [LimitLevel]
    package var isPaused: Bool
    package var isBreakerOpen: Bool
    /// Nil where the upstream has none.
    package var adaptiveLimit: Double?
    package var connections: [ConnectionLevel]

    package init(
        name: String, tenants: [TenantLevel] = [], maxQueued: Int = 0, limits: [LimitLevel] = [],
        isPaused: Bool = false, isBreakerOpen: Bool = false, adaptiveLimit: Double? = nil,
        connections: [ConnectionLevel] = []
    ) {
        self.name = name
        self.tenants = tenants
        self.maxQueued = maxQueued
        self.limits = limits
        self.isPaused = isPaused
        self.isBreakerOpen = isBreakerOpen
        self.adaptiveLimit = adaptiveLimit
        self.connections = connections
    }
}

/// One tenant's part, under its own name: which names stand in a label is decided behind this.
package struct TenantLevel: Sendable {
    package var tenant: String
    package var inFlight: Int
    package var waiting: Int

    package init(tenant: String, inFlight: Int, waiting: Int) {
        self.tenant = tenant
        self.inFlight = inFlight
        self.waiting = waiting
    }
}

/// One term of a limit. Of a limit per tenant or the like, the value each has and the share of the one who uses most.
package struct LimitLevel: Sendable {
    package var limit: String
    /// `requests/60s`, `in_flight` and the like: what tells the terms of one limit apart.
    package var unit: String
    package var value: Double
    /// 0 ... 1
    package var usedRatio: Double

    package init(limit: String, unit: String, value: Double, usedRatio: Double) {
        self.limit = limit
        self.unit = unit
        self.value = value
        self.usedRatio = usedRatio
    }
}

/// Connections of one protocol in one state.
package struct ConnectionLevel: Sendable {
    package var networkProtocol: NetworkProtocol
    package var state: State
    package var count: Int

    package enum NetworkProtocol: String, Sendable {
        case http1 = "h1"
        case http2 = "h2"
        case tunnel
    }

    package enum State: String, Sendable {
        case connecting, idle, active
    }

    package init(networkProtocol: NetworkProtocol, state: State, count: Int) {
        self.networkProtocol = networkProtocol
        self.state = state
        self.count = count
    }
}
