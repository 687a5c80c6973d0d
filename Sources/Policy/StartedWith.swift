/// What a process takes hold of when it starts and keeps until it ends, whatever its policy says later.
package struct StartedWith: Sendable {
    /// Every address that is bound, with the upstream whose own it is.
    private let listeners: [(owner: String?, listener: Listener)]
    private let admin: Listener?
    private let workers: Int?
    private let format: LogRules.Format?
    private let cluster: ClusterRules?

    package init(_ policy: Policy) {
        listeners = Self.listeners(of: policy)
        admin = policy.admin
        workers = policy.workers
        format = policy.log.format
        cluster = policy.cluster
    }

    private static func listeners(of policy: Policy) -> [(owner: String?, listener: Listener)] {
        policy.listen.map { (nil, $0) }
            + policy.upstreams.flatMap { upstream in upstream.listen.map { (upstream.name, $0) } }
    }

    /// A later policy as it is in force: with these addresses, whose certificates may change.
    package func keeping(in policy: Policy) -> Policy {
        var policy = policy
        let wanted = Self.listeners(of: policy)
        let bound = listeners.map { owner, listener in
            (owner, wanted.first { $0.owner == owner && $0.listener.address == listener.address }?.listener ?? listener)
        }
        policy.listen = bound.filter { $0.0 == nil }.map(\.1)
        for index in policy.upstreams.indices {
            policy.upstreams[index].listen = bound.filter { $0.0 == policy.upstreams[index].name }.map(\.1)
        }
        if policy.admin?.address != admin?.address { policy.admin = admin }
        policy.workers = workers
        policy.log.format = format
        policy.cluster = cluster
        policy.upstreams = policy.upstreams.map { $0.sharing(cluster) }
        return policy
    }

    /// What a later policy says that will hold after a restart only, one line each.
    package func waiting(in policy: Policy) -> [String] {
        var lines: [String] = []
        let wanted = Self.listeners(of: policy)
        for (owner, listener) in wanted where !isIn(listeners, owner, listener) {
            lines.append("listen \(listener.address)\(Self.of(owner)) is not bound yet")
        }
        for (owner, listener) in listeners where !isIn(wanted, owner, listener) {
            lines.append("listen \(listener.address)\(Self.of(owner)) stays bound")
        }
        if let old = admin, let new = policy.admin, old.address != new.address {
            lines.append("admin \(old.address) → \(new.address)")
        }
        if let old = workers, let new = policy.workers, old != new { lines.append("workers \(old) → \(new)") }
        if let old = format, let new = policy.log.format, old != new {
            lines.append("log.format \(old.rawValue) → \(new.rawValue)")
        }
        if cluster != policy.cluster { lines.append("cluster has changed") }
        return lines
    }

    private func isIn(
        _ listeners: [(owner: String?, listener: Listener)], _ owner: String?, _ listener: Listener
    ) -> Bool {
        listeners.contains { $0.owner == owner && $0.listener.address == listener.address }
    }

    private static func of(_ owner: String?) -> String {
        owner.map { " of upstream \($0)" } ?? ""
    }
}
