/// All that one upstream's gate goes by: immutable, validated before it gets here.
package struct GateRules: Hashable, Sendable {
    package var limits: [Limit]
    /// Names of the keys that requests go out with, each with limits of its own (``Limit/keys``), at most 64; empty where
    /// there is nothing to choose from.
    package var keys: [String]
    package var pacing: Pacing
    package var queue: QueueRules
    package var fairness: FairnessRules
    package var retryBudget: RetryRules.Budget
    /// `nil` where it is off.
    package var breaker: BreakerRules?
    package var adaptive: AdaptiveRules?
    package var tokenCounting: TokenCounting
    /// Where the provider's day begins; `nil` where a budget of a day is one of any 24 hours.
    package var dayZone: ResetZone?
    /// `nil` where every limit is this replica's own.
    package var shared: SharedRules?

    package init(
        limits: [Limit] = [], pacing: Pacing = .window(.seconds(60)), queue: QueueRules = QueueRules(),
        fairness: FairnessRules = FairnessRules(), retryBudget: RetryRules.Budget = RetryRules.Budget(),
        breaker: BreakerRules? = nil, adaptive: AdaptiveRules? = nil, tokenCounting: TokenCounting = .usage,
        dayZone: ResetZone? = nil, keys: [String] = []
    ) {
        self.limits = limits
        self.keys = keys
        self.pacing = pacing
        self.queue = queue
        self.fairness = fairness
        self.retryBudget = retryBudget
        self.breaker = breaker
        self.adaptive = adaptive
        self.tokenCounting = tokenCounting
        self.dayZone = dayZone
    }
}

extension GateRules {
    /// Whether any decision depends on an ask's value in this dimension.
    package func depends(on dimension: Dimension) -> Bool {
        // What is usual differs by model.
        if dimension == .model, countsTokens { return true }
        return fairness.levels.contains(dimension) || limits.contains { $0.depends(on: dimension) }
    }

    /// Whether a limit may be the provider's own, so that what the provider says of its limits is said of it. Of several
    /// keys it says that of the one that it was asked with.
    func isAccountLike(_ limit: Limit) -> Bool {
        limit.isAccountLike && (keys.count < 2 || limit.keys.count == 1)
    }

    /// Whether any limit counts tokens.
    package var countsTokens: Bool { limits.contains(where: \.countsTokens) }
}

/// How finely the provider enforces a rate, and so how evenly sending must be spread.
package enum Pacing: Hashable, Sendable {
    /// In every window of this length no more than its part of the limit. `even` is one second.
    case window(Interval)
    /// Only the stated window of each rate counts; all of it may go at once.
    case burst
    /// In windows of this length, or finer ones if the provider's refusals say so.
    case auto(Interval)
}

/// The bounds of the waiting room.
package struct QueueRules: Hashable, Sendable {
    /// Asks waiting at one time, in all.
    package var maxRequests: Int
    package var maxRequestsPerTenant: Int
    /// The longest wait; an ask's own deadline may be earlier.
    package var timeout: Interval

    package init(maxRequests: Int = 1000, maxRequestsPerTenant: Int = 200, timeout: Interval = .seconds(60)) {
        self.maxRequests = maxRequests
        self.maxRequestsPerTenant = maxRequestsPerTenant
        self.timeout = timeout
    }
}

extension GateRules {
    /// The rates that may be the provider's own.
    package var accountRates: [Limit.Rate] {
        limits.filter { isAccountLike($0) && $0.mode == .enforce }
            .flatMap { limit in [limit.terms] + limit.overrides.values }.flatMap(\.rates)
    }
}

/// The levels of the fair line, outermost first, and the shares on each while backlogged.
package struct FairnessRules: Hashable, Sendable {
    package var levels: [Dimension]
    package var weights: [Dimension: [String: Int]]

    /// Priorities share 8:4:1 unless the policy says otherwise, so that none starves.
    package static let priorityWeights = ["high": 8, "normal": 4, "low": 1]

    package init(
        levels: [Dimension] = [.tenant, .priority, .job],
        weights: [Dimension: [String: Int]] = [.priority: FairnessRules.priorityWeights]
    ) {
        self.levels = levels
        self.weights = weights
    }

    /// The share of one value on one level, 1 where nothing is said.
    package func weight(of value: String, in dimension: Dimension) -> Int {
        weights[dimension]?[value] ?? 1
    }
}
