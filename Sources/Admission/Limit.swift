/// A rule: how much of what may go, for whom. The numbers only; a ``Cell`` enforces them.
package struct Limit: Hashable, Sendable {
    /// Shown in refusals and metrics; unique within an upstream.
    package var name: String
    /// Which asks the limit is about; all where empty.
    package var match: [Match]
    /// The limit holds separately for each combination of values in these dimensions; once for all where empty.
    package var per: [Dimension]
    package var terms: Terms
    /// Terms for single values of the last dimension of ``per``, complete (what the file left out is filled in).
    package var overrides: [String: Terms]
    package var mode: Mode
    /// The keys whose requests it counts together, by their places in ``GateRules/keys``; empty where it has nothing to
    /// do with keys. Such a limit is per nothing else.
    package var keys: [Int]

    package init(
        name: String, match: [Match] = [], per: [Dimension] = [], terms: Terms, overrides: [String: Terms] = [:],
        mode: Mode = .enforce, keys: [Int] = []
    ) {
        self.name = name
        self.match = match
        self.per = per
        self.terms = terms
        self.overrides = overrides
        self.mode = mode
        self.keys = keys
    }

    /// What a limit bounds. At least one of the members is set.
    package struct Terms: Hashable, Sendable {
        /// Attempts under way at one time, 1 or more.
        package var inFlight: Int?
        package var rates: [Rate]
        package var distinct: Distinct?

        package init(inFlight: Int? = nil, rates: [Rate] = [], distinct: Distinct? = nil) {
            self.inFlight = inFlight
            self.rates = rates
            self.distinct = distinct
        }

        var countsTokens: Bool { rates.contains { $0.unit != .requests } }
    }

    /// An amount per window.
    package struct Rate: Hashable, Sendable {
        /// Units per window, 1 or more.
        package var quota: Int
        /// The window's length, 1 s or longer.
        package var window: Interval
        package var unit: Unit

        package init(_ quota: Int, per window: Interval, of unit: Unit = .requests) {
            precondition(quota >= 1, "a rate allows at least one unit")
            precondition(window >= .seconds(1), "a window is one second or longer")
            self.quota = quota
            self.window = window
            self.unit = unit
        }
    }

    /// What a rate counts. A token is an LLM token.
    package enum Unit: String, Hashable, Sendable {
        case requests
        case tokens
        case inputTokens = "input_tokens"
        case outputTokens = "output_tokens"
    }

    /// At most so many different combinations of values under way at one time.
    package struct Distinct: Hashable, Sendable {
        package var atMost: Int
        package var of: [Dimension]

        package init(atMost: Int, of dimensions: [Dimension]) {
            self.atMost = atMost
            self.of = dimensions
        }
    }

    /// One condition on one dimension; true where any of the patterns matches.
    package struct Match: Hashable, Sendable {
        package var dimension: Dimension
        package var patterns: [Glob]

        package init(_ dimension: Dimension, _ patterns: [Glob]) {
            self.dimension = dimension
            self.patterns = patterns
        }
    }

    package enum Mode: String, Hashable, Sendable {
        case enforce
        /// Counted and reported, never acted on.
        case observe
    }

    /// Whether it makes a difference which value an ask has in this dimension.
    package func depends(on dimension: Dimension) -> Bool {
        per.contains(dimension) || match.contains { $0.dimension == dimension }
            || terms.distinct?.of.contains(dimension) == true
    }

    /// Whether the limit may be the provider's own: those are per account, key or model, never per one of our callers.
    var isAccountLike: Bool {
        (per + match.map(\.dimension)).allSatisfy { $0 == .model || $0 == .credential }
    }

    var countsTokens: Bool {
        terms.countsTokens || overrides.contains { $0.value.countsTokens }
    }

    /// Whether the limit is about this identity: every condition holds, and each dimension that it is per has a value.
    package func applies(to identity: Identity) -> Bool {
        for dimension in per where identity[dimension].isEmpty { return false }
        if let distinct = terms.distinct {
            for dimension in distinct.of where identity[dimension].isEmpty { return false }
        }
        return match.allSatisfy { condition in
            let value = identity[condition.dimension]
            return condition.patterns.contains { $0.matches(value) }
        }
    }

    /// The terms for this identity: those of an override for its value in the last dimension, else the limit's own.
    package func terms(for identity: Identity) -> Terms {
        guard !overrides.isEmpty, let last = per.last else { return terms }
        return overrides[identity[last]] ?? terms
    }

    /// The terms for one combination of the values that the limit is per, in its order.
    func terms(forValues values: [String]) -> Terms {
        values.last.flatMap { overrides[$0] } ?? terms
    }
}

/// A pattern in which `*` stands for any run of characters and `?` for any one byte; case counts.
package struct Glob: Hashable, Sendable {
    package var pattern: String

    package init(_ pattern: String) {
        self.pattern = pattern
    }

    /// Greedy with a single point of return, so the time is at most pattern × value, never exponential.
    package func matches(_ value: String) -> Bool {
        let pattern = Array(self.pattern.utf8)
        let value = Array(value.utf8)
        var p = 0
        var v = 0
        var star: Int?
        var resume = 0
        while v < value.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = p
                resume = v
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == value[v] {
                p += 1
                v += 1
            } else if let back = star {
                p = back + 1
                resume += 1
                v = resume
            } else {
                return false
            }
        }
        while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
        return p == pattern.count
    }
}

extension Limit.Rate {
    /// Whether the rate is a calendar day's budget at a provider whose day begins at a known time.
    func isDaily(in rules: GateRules) -> Bool {
        window == .days(1) && rules.dayZone != nil
    }
}
