import Admission

/// The bounds of the waiting room, and who is turned away where they are met.
struct QueueCheck {
    private struct Tenant {
        let name: String
        let weight: Int
        var waiting = 0
    }

    private var rules: GateRules
    private var tenants: [Tenant] = []
    private var places: [String: Int] = [:]
    private(set) var waiting = 0

    init(_ rules: GateRules) { self.rules = rules }

    mutating func replace(_ new: GateRules) {
        rules = new
        let old = tenants
        (tenants, places) = ([], [:])
        for tenant in old {
            let place = place(tenant.name)
            tenants[place].waiting = tenant.waiting
        }
    }

    /// Asks that hold the outermost line share a bound.
    func key(_ identity: Identity) -> String { rules.fairness.levels.first.map { identity[$0] } ?? "" }

    private mutating func place(_ key: String) -> Int {
        if let known = places[key] { return known }
        let weight = rules.fairness.levels.first.map { rules.fairness.weight(of: key, in: $0) } ?? 1
        tenants.append(Tenant(name: key, weight: weight))
        places[key] = tenants.count - 1
        return tenants.count - 1
    }

    mutating func wait(_ identity: Identity) {
        let place = place(key(identity))
        tenants[place].waiting += 1
        waiting += 1
    }

    mutating func waitNoLonger(_ identity: Identity) {
        let place = place(key(identity))
        tenants[place].waiting -= 1
        waiting -= 1
    }

    /// Whether there was room for an ask that waits since now.
    func entered(_ identity: Identity, before: Int) -> String? {
        if waiting > max(before, rules.queue.maxRequests) { return "\(waiting) of \(rules.queue.maxRequests) wait" }
        let own = places[key(identity)].map { tenants[$0].waiting } ?? 0
        guard !rules.fairness.levels.isEmpty, own > rules.queue.maxRequestsPerTenant else { return nil }
        return "\(own) of \(rules.queue.maxRequestsPerTenant) wait of one tenant"
    }

    /// Whether this ask, which still waits or would wait now, is rightly turned away.
    mutating func refused(_ identity: Identity, _ reason: GateRefusal.Reason, isWaiting: Bool) -> String? {
        let place = place(key(identity))
        let own = tenants[place].waiting + (isWaiting ? 0 : 1)
        switch reason {
        case .tenantQueueFull:
            return own <= rules.queue.maxRequestsPerTenant ? "a tenant's line was full with \(own) places taken" : nil
        case .queueFull:
            if waiting + (isWaiting ? 0 : 1) <= rules.queue.maxRequests { return "the line was full with room in it" }
            for index in tenants.indices where index != place {
                let other = tenants[index]
                guard other.waiting * tenants[place].weight > own * other.weight else { continue }
                return "turned away with \(own) waiting while \(other.name) has \(other.waiting)"
            }
            return nil
        case .waitTooLong, .timedOut, .neverFits, .breakerOpen, .draining: return nil
        }
    }
}
