import Admission

/// Finds limits that can never hold anything back: another one that holds for all of the same requests is at least as
/// tight, or there are not as many connections or values as it allows.
struct IdleLimits {
    private let upstream: ReadUpstream
    private let dimensions: Dimensions
    private let values: PossibleValues
    /// What is only observed neither makes another limit idle nor is expected to act.
    private let limits: [ReadLimit]

    init(_ upstream: ReadUpstream, _ dimensions: Dimensions, _ values: PossibleValues) {
        self.upstream = upstream
        self.dimensions = dimensions
        self.values = values
        limits = upstream.limits.filter { $0.limit.mode == .enforce }
    }

    func check() {
        for (index, read) in limits.enumerated() {
            check(index, read.limit.terms, in: read.section)
            checkDistinct(read)
            // Limits of keys have none.
            let overrides = read.limit.overrides.isEmpty ? nil : read.section["overrides"]
            for entry in overrides?.entries() ?? [] {
                guard let terms = read.limit.overrides[entry.key], let section = entry.limitTerms() else { continue }
                check(index, terms, in: section)
            }
        }
        checkAdaptive()
    }

    /// - Parameters:
    ///   - terms: of the limit or of one of its overrides.
    ///   - section: where they stand; what an override inherits does not stand there and is not looked at again.
    private func check(_ index: Int, _ terms: Limit.Terms, in section: Section) {
        if let inFlight = terms.inFlight, let field = section["in_flight"] { check(index, inFlight, at: field) }
        for rate in terms.rates {
            if let field = section[rate.unit.rawValue] { check(index, rate, of: terms, at: field) }
        }
    }

    // MARK: In flight

    private func check(_ index: Int, _ inFlight: Int, at field: Field) {
        if let bound = tighter(than: inFlight, of: index) {
            field.warning("`in_flight: \(inFlight)` never holds anything back: \(bound)")
        } else if let adaptive = upstream.upstream.gate.adaptive, adaptive.max < inFlight {
            field.warning(
                "`in_flight: \(inFlight)` never holds anything back: `adaptive` allows at most \(adaptive.max) in all")
        } else if upstream.upstream.speaksOnlyHTTP1, upstream.upstream.connections.max < inFlight {
            field.warning(
                "`in_flight: \(inFlight)` is never reached: `connections.max` is "
                    + "\(upstream.upstream.connections.max), and HTTP/1.1 needs a connection for each request")
        }
    }

    private func tighter(than inFlight: Int, of index: Int) -> String? {
        for (other, read) in limits.enumerated() where other != index && covers(other, index) {
            let bounds = read.limit.allTerms.map(\.inFlight)
            guard let loosest = bounds.compactMap(\.self).max(), !bounds.contains(nil) else { continue }
            guard loosest < inFlight || loosest == inFlight && yields(index, to: other) else { continue }
            return "`\(read.limit.name)` allows \(loosest) \(scope(of: read.limit))"
        }
        return nil
    }

    /// An adaptive limit that starts and stays above what a limit allows anyway.
    private func checkAdaptive() {
        guard let adaptive = upstream.upstream.gate.adaptive, let field = upstream.section["adaptive"] else { return }
        for limit in limits.map(\.limit) where isForAll(limit) {
            guard let inFlight = limit.terms.inFlight, inFlight <= adaptive.min else { continue }
            field.warning(
                "`adaptive` never holds anything back: `\(limit.name)` allows \(inFlight) in all, "
                    + "and `min` is \(adaptive.min)")
            return
        }
    }

    // MARK: Rates

    /// - Parameter own: all terms that stand beside the rate, which may be tighter than it themselves.
    private func check(_ index: Int, _ rate: Limit.Rate, of own: Limit.Terms, at field: Field) {
        for (other, read) in limits.enumerated() where covers(other, index) {
            let keeping = (other == index ? [own] : read.limit.allTerms).map { terms in
                terms.rates.first { bound in
                    bound == rate ? yields(index, to: other) : keeps(bound, rate)
                }
            }
            guard !keeping.contains(nil), let bound = keeping.compactMap(\.self).max(by: { $0.quota < $1.quota }) else {
                continue
            }
            let unit = bound.unit == rate.unit ? "" : " \(bound.unit.rawValue)"
            field.warning(
                "`\(field.key): \(Units.text(rate))` never holds anything back: `\(read.limit.name)` allows "
                    + "\(bound.quota)\(unit)/\(Units.word(for: bound.window)) \(scope(of: read.limit))")
            return
        }
    }

    /// Whether whoever keeps to `bound` keeps to `rate`, in the amount and in the pace.
    private func keeps(_ bound: Limit.Rate, _ rate: Limit.Rate) -> Bool {
        let isPart = bound.unit == .tokens && [.inputTokens, .outputTokens].contains(rate.unit)
        guard bound.unit == rate.unit || isPart else { return false }
        let windows = (rate.window.nanoseconds - 1) / bound.window.nanoseconds + 1
        let (most, overflow) = bound.quota.multipliedReportingOverflow(by: Int(windows))
        guard !overflow, most <= rate.quota else { return false }
        let pacing = upstream.upstream.gate.pacing
        let (slow, fast) = (bound.paced(pacing), rate.paced(pacing))
        return slow.spacing >= fast.spacing && slow.burst <= fast.burst
    }

    // MARK: Distinct

    private func checkDistinct(_ read: ReadLimit) {
        guard let distinct = read.limit.terms.distinct, let field = read.section["at_most"] else { return }
        // Within one value of what the limit is per there is only that one.
        let open = distinct.of.filter { !read.limit.per.contains($0) }
        var most = 1
        for dimension in open {
            guard let count = values.count(of: dimension) else { return }
            most = min(most * count, 1_000_001)
        }
        guard most <= distinct.atMost else { return }
        let names = distinct.of.map { dimensions.name(of: $0) }.joined(separator: " + ")
        let each = read.limit.per.isEmpty ? "" : " \(scope(of: read.limit))"
        field.warning(
            "`at_most: \(distinct.atMost)` never holds anything back: there is at most \(most) \(names)\(each)")
    }

    // MARK: Scopes

    /// Whether each request that one limit holds for is, together with all that share its count there, also under the
    /// other one.
    private func covers(_ other: Int, _ index: Int) -> Bool {
        let (wide, narrow) = (limits[other].limit, limits[index].limit)
        let known = narrow.per + (narrow.terms.distinct?.of ?? []) + [.tenant, .priority]
        return wide.per.allSatisfy(narrow.per.contains) && wide.match.allSatisfy(narrow.match.contains)
            && (wide.terms.distinct?.of ?? []).allSatisfy(known.contains)
            && (wide.keys.isEmpty || !narrow.keys.isEmpty && narrow.keys.allSatisfy(wide.keys.contains))
    }

    private func isForAll(_ limit: Limit) -> Bool {
        limit.per.isEmpty && limit.match.isEmpty && limit.terms.distinct == nil && limit.keys.isEmpty
    }

    /// Of two equal bounds the one for all requests holds; of two for all, the earlier. Between others equal numbers are
    /// two rules that were written down, of which one happens to imply the other.
    private func yields(_ index: Int, to other: Int) -> Bool {
        other != index && isForAll(limits[other].limit) && (other < index || !isForAll(limits[index].limit))
    }

    private func scope(of limit: Limit) -> String {
        if !limit.per.isEmpty {
            return "for each \(limit.per.map { dimensions.name(of: $0) }.joined(separator: " + "))"
        }
        if !limit.keys.isEmpty { return limit.match.isEmpty ? "with its key" : "for what it matches" }
        return limit.match.isEmpty ? "in all" : "for what it matches"
    }
}

extension Limit {
    /// The limit's own terms and those of its overrides.
    fileprivate var allTerms: [Terms] { [terms] + overrides.values }
}

extension Upstream {
    /// Whether each request in flight certainly has a connection of its own.
    fileprivate var speaksOnlyHTTP1: Bool {
        connections.httpVersion == .h1 || connections.httpVersion == .auto && !url.isTLS
    }
}
