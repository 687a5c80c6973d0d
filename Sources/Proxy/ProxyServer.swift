import Admission
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Policy
import Synchronization
import Telemetry

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The running proxy: binds, serves, drains. The control plane; what moves bytes is below it.
package final class ProxyServer: Sendable {
    package struct Setup: Sendable {
        package var policy: Policy
        package var version: String
        package var workers: Int
        package var registry: PrometheusRegistry
        package var logSink: LogSink?
        package var accessLog: AccessLog?
        package var log: Logger
        /// Whether somebody takes the requests for a reload, because there is a file to read again.
        package var takesReloads = false
        /// Where spans go, if the policy wants them.
        package var spanLog: SpanLog?
        /// Where names lead; another in tests.
        var lookUp: NameLookup = SystemResolver.addresses

        package init(
            policy: Policy, version: String, workers: Int, registry: PrometheusRegistry, logSink: LogSink?,
            accessLog: AccessLog?, log: Logger
        ) {
            self.policy = policy
            self.version = version
            self.workers = workers
            self.registry = registry
            self.logSink = logSink
            self.accessLog = accessLog
            self.log = log
        }
    }

    /// Why the proxy could not start: one line for a person.
    package struct StartFailure: Error, CustomStringConvertible {
        package let description: String
    }

    private let group: MultiThreadedEventLoopGroup
    let setup: Setup
    let loops: [any EventLoop]
    let shared: Worker.Shared
    let workers: [Worker.Reference]
    let listeners: [Listening.Bound]
    let started: StartedWith
    let admin: Listening.Bound?
    private let watchers: Watchers
    /// One element when somebody asks for a drain at the admin address.
    package let drainRequests: AsyncStream<Void>
    /// One element for each `POST /reload`, where ``Setup/takesReloads``: only who runs the server knows where its policy
    /// comes from.
    package let reloadRequests: AsyncStream<ReloadRequest>

    /// Binds every address of the policy and begins to serve.
    ///
    /// - Throws: ``StartFailure`` where a certificate can't be read or an address can't be bound; nothing is left open.
    package static func start(_ setup: Setup) async throws -> ProxyServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: setup.workers)
        do {
            return try await ProxyServer(setup, group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private init(_ setup: Setup, _ group: MultiThreadedEventLoopGroup) async throws {
        self.group = group
        self.setup = setup
        started = StartedWith(setup.policy)
        loops = Array(group.makeIterator())
        let metrics = ProxyMetrics(factory: setup.registry)
        let own = OwnListeners()
        let services = try Self.services(setup, metrics: metrics, own: own, loops: loops)
        let resident = ResidentSize()
        let shared = Worker.Shared(
            policy: setup.policy, services: services, own: own, metrics: metrics, accessLog: setup.accessLog,
            spanLog: setup.spanLog, log: setup.log, version: setup.version,
            processGuard: ProcessGuard(
                maxConnections: setup.policy.proxyGuard.maxConnections, workers: setup.workers,
                descriptors: Descriptors.raiseLimit(),
                memory: MemoryLimit.bound(setup.policy.proxyGuard.maxMemory), resident: { resident.bytes },
                metrics: metrics.shed, log: setup.log))
        self.shared = shared
        workers = try await Self.workers(on: loops, shared: shared)
        listeners = try await Self.bind(setup.policy, own: own, group: group, workers: workers)
        // No longer than the server lives: what is read knows the registry, which would keep it and its files for good.
        metrics.report(to: setup.registry, log: setup.logSink) { [weak shared] in shared?.levels }
        let (drains, drain) = AsyncStream.makeStream(of: Void.self)
        let (reloads, reload) = AsyncStream.makeStream(of: ReloadRequest.self)
        (drainRequests, reloadRequests) = (drains, reloads)
        let takeReload: @Sendable (ReloadRequest) -> Void = { request in reload.yield(request) }
        watchers = Watchers(home: loops[0]) { shared.snapshot(.page).json }
        let pages = AdminPages(
            registry: setup.registry, shared: shared, watchers: watchers, drain: { drain.yield() },
            reload: setup.takesReloads ? takeReload : nil)
        admin = try await Self.bindAdmin(setup.policy.admin, pages: pages, group: group)
        for listener in listeners { try await shared.processGuard.callers.hold(at: listener.channel) }
        if let admin { try await shared.processGuard.admins.hold(at: admin.channel) }
        if let admin { setup.log.info("Admin", metadata: ["address": "\(Self.text(admin.channel.localAddress))"]) }
        shared.isListening.store(true, ordering: .releasing)
        for listener in listeners {
            setup.log.info("Listening", metadata: ["address": "\(Self.text(listener.channel.localAddress))"])
        }
    }

    // MARK: Starting

    static func services(
        _ setup: Setup, metrics: ProxyMetrics, own: OwnListeners, loops: [any EventLoop]
    ) throws -> [UpstreamService] {
        let dimensions = Dimensions(setup.policy.identity)
        return try setup.policy.upstreams.enumerated().map { index, upstream in
            do {
                return try UpstreamService(
                    index: index, upstream: upstream, dimensions: dimensions, metrics: metrics, listeners: own,
                    lookUp: setup.lookUp, home: loops[index % loops.count],
                    store: try StoreWay(setup.policy.cluster, upstream: upstream.name, log: setup.log), log: setup.log)
            } catch {
                throw StartFailure(description: "upstream \(upstream.name): TLS can't be set up: \(error)")
            }
        }
    }

    private static func workers(
        on loops: [any EventLoop], shared: Worker.Shared
    ) async throws -> [Worker.Reference] {
        var workers: [Worker.Reference] = []
        for (number, loop) in loops.enumerated() {
            let worker = try await loop.submit {
                let worker = Worker(number: number, of: loops.count, loop: loop, shared: shared)
                worker.start()
                return NIOLoopBound(worker, eventLoop: loop)
            }.get()
            workers.append(Worker.Reference(loop: loop, worker: worker))
        }
        return workers
    }

    private static func bind(
        _ policy: Policy, own: OwnListeners, group: MultiThreadedEventLoopGroup, workers: [Worker.Reference]
    ) async throws -> [Listening.Bound] {
        let listening = Listening(workers: workers, group: group)
        let all =
            policy.listen.map { ($0, nil as String?) }
            + policy.upstreams.flatMap { upstream in upstream.listen.map { ($0, upstream.name) } }
        var bound: [Listening.Bound] = []
        for (listener, owner) in all {
            do {
                let one = try await listening.bind(listener, owner: owner)
                bound.append(one)
                if let address = one.channel.localAddress { own.add(address) }
            } catch {
                for one in bound { try? await one.channel.close() }
                throw StartFailure(description: "can't listen on \(listener.address): \(reason(error))")
            }
        }
        return bound
    }

    private static func bindAdmin(
        _ listener: Listener?, pages: AdminPages, group: MultiThreadedEventLoopGroup
    ) async throws -> Listening.Bound? {
        guard let listener else { return nil }
        do {
            return try await AdminListening(pages: pages, group: group).bind(listener)
        } catch {
            throw StartFailure(description: "can't listen on \(listener.address) (admin): \(reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else { return String(describing: error) }
        return switch error.errnoCode {
        case EADDRINUSE: "the address is in use"
        case EACCES: "permission denied"
        case EADDRNOTAVAIL: "this machine has no such address"
        default: String(describing: error)
        }
    }

    private static func text(_ address: SocketAddress?) -> String {
        guard let address else { return "?" }
        guard let port = address.port else { return "unix:\(address.pathname ?? "?")" }
        let host = address.ipAddress ?? "?"
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    // MARK: Running

    /// The addresses in use, in the order of the policy; a port of 0 has become a real one.
    package var addresses: [SocketAddress] { listeners.compactMap(\.channel.localAddress) }
    package var adminAddress: SocketAddress? { admin?.channel.localAddress }

    /// What `/status` shows.
    package func statusJSON() -> [UInt8] { shared.snapshot().json }

    /// Ends in good order: no new connections, waiting requests refused, requests under way run on for at most
    /// `timeout` or until the task is cancelled. Says whether all of them ended by themselves.
    package func drain(timeout: Interval) async -> Bool {
        shared.isDraining.store(true, ordering: .releasing)
        for listener in listeners { try? await listener.channel.close() }
        for service in shared.inForce.withLock({ $0.services + $0.removed }) { service.gate.drain() }
        watchers.end()
        for reference in workers { try? await reference.loop.submit { reference.worker.value.drain() }.get() }
        let deadline = Clock.now() + timeout
        while shared.connections.load(ordering: .acquiring) > 0, Clock.now() < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(20))
        }
        return shared.connections.load(ordering: .acquiring) == 0
    }

    /// Ends at once.
    package func stop() async {
        shared.isDraining.store(true, ordering: .releasing)
        for listener in listeners { try? await listener.channel.close() }
        try? await admin?.channel.close()
        for reference in workers { try? await reference.loop.submit { reference.worker.value.stop() }.get() }
        for service in shared.inForce.withLock({ $0.services }) { service.gate.leave() }
        try? await group.shutdownGracefully()
    }
}
