import Admission

/// The bounds of the waiting room, and who is turned away where they are met.
struct QueueCheck {
    private struct Tenant {
        let name: String
        let weight: Int
        /// All that wait, and those of them that have not been let in before.
        var waiting = 0
        var fresh = 0
    }

    private var rules: GateRules
    private var tenants: [Tenant] = []
    private var places: [String: Int] = [:]
    private var fresh = 0
    private var waiting = 0
    /// Bounds that were lowered do not turn away who is in.
    private var excuse = (all: 0, tenant: 0)

    init(_ rules: GateRules) { self.rules = rules }

    mutating func replace(_ new: GateRules) {
        excuse = (max(excuse.all, fresh), max(excuse.tenant, tenants.map(\.fresh).max() ?? 0))
        rules = new
        let old = tenants
        (tenants, places) = ([], [:])
        for tenant in old {
            let place = place(tenant.name)
            (tenants[place].waiting, tenants[place].fresh) = (tenant.waiting, tenant.fresh)
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

    mutating func wait(_ identity: Identity, isRepeat: Bool) {
        let place = place(key(identity))
        tenants[place].waiting += 1
        waiting += 1
        guard !isRepeat else { return }
        tenants[place].fresh += 1
        fresh += 1
    }

    mutating func waitNoLonger(_ identity: Identity, isRepeat: Bool) {
        let place = place(key(identity))
        tenants[place].waiting -= 1
        waiting -= 1
        guard !isRepeat else { return }
        tenants[place].fresh -= 1
        fresh -= 1
    }

    /// How many wait at most, besides repetitions. To be asked when what an event brought is done.
    func check() -> String? {
        guard fresh > max(rules.queue.maxRequests, excuse.all) else { return nil }
        return "\(fresh) of \(rules.queue.maxRequests) wait"
    }

    func check(_ identity: Identity) -> String? {
        let tenant = places[key(identity)].map { tenants[$0].fresh } ?? 0
        guard !rules.fairness.levels.isEmpty, tenant > max(rules.queue.maxRequestsPerTenant, excuse.tenant) else {
            return nil
        }
        return "\(tenant) of \(rules.queue.maxRequestsPerTenant) wait of one tenant"
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
