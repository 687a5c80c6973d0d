import Admission
import NIOSSL
import Policy
import Telemetry

extension ProxyServer {
    /// What a reload has done.
    package struct Reloaded: Sendable {
        /// In words, one line each; empty where nothing has changed.
        package var changes: [String]
        /// What the policy says that holds after a restart only, in words.
        package var waiting: [String]
    }

    /// Why a policy can't be used: one line for each reason. Nothing has changed then.
    package struct Unusable: Error {
        package var reasons: [String]
    }

    /// The policy in force.
    package var policy: Policy { shared.inForce.withLock { $0.policy } }

    /// Goes by another policy for every request that begins from now on, on every connection. Counts, windows and places
    /// in line carry over by the names of upstreams and limits; requests under way go on as they began.
    ///
    /// To be called by one task at a time.
    ///
    /// - Parameter accessLog: `nil` where nobody reads it any more.
    /// - Throws: where a certificate can't be used.
    package func reload(_ policy: Policy, accessLog: AccessLog?) async throws(Unusable) -> Reloaded {
        let former = shared.inForce.withLock { $0 }
        let wanted = policy
        let policy = started.keeping(in: wanted)
        let (services, contexts) = try made(for: policy, after: former)
        // From here on nothing can fail.
        let inForce = former.followed(by: policy, services, accessLog)
        shared.inForce.withLock { $0 = inForce }
        shared.processGuard.replace(
            maxConnections: policy.proxyGuard.maxConnections, memory: MemoryLimit.bound(policy.proxyGuard.maxMemory))
        for (listener, context) in contexts { listener.security.use(context) }
        // First the loops, then the gates: a rule may go by what a loop must look for in a request.
        for reference in workers {
            // A loop that is shut down serves nobody any more.
            try? await reference.loop.submit { reference.worker.value.go(by: inForce) }.get()
        }
        for service in services { service.gate.replace(service.terms) }
        shared.reloads.noteSuccess()
        return Reloaded(
            changes: PolicyChanges(from: former.policy, to: policy).lines, waiting: started.waiting(in: wanted))
    }

    /// A file could not be used. Nothing changes; `penstock_config_reload_failed` says so.
    package func noteFailedReload() {
        shared.reloads.noteFailure()
    }

    private typealias Certified = (listener: Listening.Bound, context: NIOSSLContext?)

    /// Everything that a policy needs and that may fail.
    private func made(
        for policy: Policy, after former: InForce
    ) throws(Unusable) -> (services: [UpstreamService], contexts: [Certified]) {
        let dimensions = Dimensions(policy.identity)
        var (services, reasons) = ([UpstreamService](), [String]())
        for (index, upstream) in policy.upstreams.enumerated() {
            do {
                services.append(
                    try UpstreamService(
                        index: index, upstream: upstream, dimensions: dimensions, metrics: shared.metrics,
                        listeners: shared.own, lookUp: setup.lookUp, home: loops[index % loops.count],
                        store: try StoreWay(policy.cluster, upstream: upstream.name, log: setup.log), log: setup.log,
                        succeeding: former.service(named: upstream.name)))
            } catch {
                reasons.append("upstream \(upstream.name): TLS can't be set up: \(error)")
            }
        }
        let contexts = contexts(for: policy, &reasons)
        if !reasons.isEmpty { throw Unusable(reasons: reasons) }
        return (services, contexts)
    }

    /// The certificates of all bound addresses, as their files are now.
    private func contexts(for policy: Policy, _ reasons: inout [String]) -> [Certified] {
        let owned = policy.upstreams.flatMap { upstream in upstream.listen.map { ($0, upstream.name as String?) } }
        var wanted: [(bound: Listening.Bound, listener: Listener, key: String)] = []
        for (listener, owner) in policy.listen.map({ ($0, nil) }) + owned {
            let bound = listeners.first { $0.address == listener.address && $0.owner == owner }
            if let bound { wanted.append((bound, listener, "listen")) }
        }
        if let admin, let listener = policy.admin { wanted.append((admin, listener, "admin")) }
        return wanted.compactMap { bound, listener, key in
            do {
                return (bound, try bound.security.context(for: listener))
            } catch {
                reasons.append("\(key) \(listener.address): its certificate can't be used: \(error)")
                return nil
            }
        }
    }
}
