import Admission

extension RefusedLimit {
    /// A limit as the gate says that it binds; nothing where the rules have no such limit any more.
    ///
    /// - Parameters:
    ///   - limits: the rules by which the gate decided.
    ///   - name: a dimension's name in the configuration.
    package init?(_ binding: GateRefusal.Binding, in limits: [Limit], name: (Dimension) -> String) {
        guard limits.indices.contains(binding.limit) else { return nil }
        let limit = limits[binding.limit]
        let bound: Bound =
            switch binding.bound {
            case .inFlight(let count): .inFlight(count)
            case .rate(let rate): .rate(rate)
            case .distinct(let count): .distinct(count, of: limit.terms.distinct?.of.last.map(name) ?? "value")
            }
        self.init(
            name: limit.name, bound: bound,
            holders: zip(limit.per, binding.values).map { Holder(name($0), $1) })
    }
}

extension Refusal {
    /// What the gate refused, in words.
    ///
    /// - Parameters:
    ///   - limit: the limit that the gate names.
    ///   - rules: the rules by which the gate decided.
    ///   - upstream: its name.
    ///   - tenant: who asked.
    ///   - allowed: the longest wait that the request had.
    package static func byGate(
        _ refusal: GateRefusal, limit: RefusedLimit?, rules: QueueRules, upstream: String, tenant: String,
        allowed: Interval
    ) -> Refusal {
        let wait = refusal.comeBack
        switch refusal.reason {
        case .queueFull:
            return .queueFull(waiting: rules.maxRequests, limit: limit, wait: wait)
        case .tenantQueueFull:
            return .queueFull(waiting: rules.maxRequestsPerTenant, tenant: tenant, limit: limit, wait: wait)
        case .waitTooLong:
            // To somebody who does not wait at all, how long the wait may be says nothing.
            if let limit, allowed <= .zero { return .limitReached(limit, wait: wait) }
            return .waitTooLong(allowed: allowed, limit: limit, wait: wait)
        case .timedOut:
            return .waitedInVain(for: allowed, limit: limit, wait: wait)
        case .neverFits(let tokens):
            guard let limit, case .rate(let rate) = limit.bound else {
                preconditionFailure("what never fits does not fit a rate")
            }
            return .neverFits(tokens: tokens.units(of: rate.unit), limit: limit)
        case .breakerOpen:
            return .breakerOpen(upstream: upstream, wait: wait)
        case .draining:
            return .draining
        }
    }
}
