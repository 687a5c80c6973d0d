import Admission
import Logging
import NIOCore
import NIOHTTP1
import Policy
import Providers
import Synchronization
import Telemetry

/// What one event loop has: its connections, its upstream pools, its tick.
final class Worker {
    let loop: any EventLoop
    private(set) var router: Router
    private(set) var identity: IdentityReader
    private(set) var maxHeaderBytes: Int
    /// `nil` where nobody reads it.
    private var accessLog: AccessLog?
    /// `nil` where the policy wants no spans.
    private(set) var spanLog: SpanLog?
    let scratch = Scratch()
    let loopMark: LoopMark
    let guards: WorkerGuard
    private let shared: Shared
    private var pools: [UpstreamPool]
    private let number: Int
    private let count: Int
    private var watched: [Watched] = []
    private var tick: RepeatedTask?
    private var nextMeasurement = Instant(nanoseconds: .min)
    private(set) var isDraining = false
    private var fingerprints = Fingerprints()
    private var requests: UInt64 = 0
    /// What the ids of all requests of this worker begin with.
    private let requestPrefix: String

    /// What all workers have together.
    final class Shared: Sendable {
        let own: OwnListeners
        let metrics: ProxyMetrics
        /// Where spans go, if the policy wants them.
        let spanLog: SpanLog?
        let log: Logger
        let version: String
        let processGuard: ProcessGuard
        let connections = Atomic(0)
        let isListening = Atomic(false)
        let isDraining = Atomic(false)
        let reloads = ReloadRecord()
        /// What new requests go by. A reload puts another in its place as a whole.
        let inForce: Mutex<InForce>
        /// By worker, then upstream; each worker says a few times a second what its pools hold.
        private let pools = Mutex<[Int: [String: UpstreamPool.Counts]]>([:])
        /// Tells the requests of this process from those of another one in a common log.
        let instance = String(UInt32.random(in: .min ... .max), radix: 36)

        init(
            policy: Policy, services: [UpstreamService], own: OwnListeners, metrics: ProxyMetrics,
            accessLog: AccessLog?, spanLog: SpanLog? = nil, log: Logger, version: String,
            processGuard: ProcessGuard
        ) {
            inForce = Mutex(InForce(policy: policy, services: services, accessLog: accessLog))
            self.own = own
            self.metrics = metrics
            self.spanLog = spanLog
            self.log = log
            self.version = version
            self.processGuard = processGuard
        }

        var isReady: Bool {
            isListening.load(ordering: .acquiring) && !isDraining.load(ordering: .acquiring)
                && inForce.withLock { $0.services }.allSatisfy(\.gate.canServeShared)
        }

        func publish(_ counts: [String: UpstreamPool.Counts], of worker: Int) {
            pools.withLock { $0[worker] = counts }
        }

        /// What the proxy looks like now; safe on any thread.
        func snapshot(_ breadth: StatusSnapshot.Breadth = .status) -> StatusSnapshot {
            let pools = pools.withLock { Array($0.values) }
            let services = inForce.withLock { $0.services }
            return StatusSnapshot(
                version: version, isReady: isReady, isDraining: isDraining.load(ordering: .acquiring),
                connections: connections.load(ordering: .relaxed), guardStatus: processGuard.status,
                isStoreConnected: services.compactMap(\.gate.isStoreConnected).reduce(nil) { ($0 ?? true) && $1 },
                upstreams: services.map { service in
                    let (report, terms) = service.gate.report(
                        cells: breadth.cells, tenants: breadth.tenants, explains: breadth.explains)
                    var upstream = service.upstream
                    upstream.gate = terms.rules
                    return StatusSnapshot.UpstreamStatus(
                        upstream: upstream, dimensions: terms.dimensions, report: report,
                        pool: pools.compactMap { $0[upstream.name] }.reduce(UpstreamPool.Counts(), +),
                        recent: service.recent)
                }, at: Clock.now())
        }

        /// Keeps what the last minutes were like; one worker does it for all.
        func noteSecond(now: Instant) {
            for service in inForce.withLock({ $0.services }) { service.recent.note(service.gate.level, now: now) }
        }
    }

    /// How often deadlines are looked at. None of them is shorter than a second, and looking is cheaper than setting
    /// and cancelling a timer for each request.
    private static let tickLength = Interval.milliseconds(250)

    init(number: Int, of count: Int, loop: any EventLoop, shared: Shared) {
        (self.number, self.count) = (number, count)
        loopMark = LoopMark(instance: shared.instance)
        self.loop = loop
        self.shared = shared
        guards = WorkerGuard(process: shared.processGuard, number: number)
        requestPrefix = "\(shared.instance)-\(number)-"
        let inForce = shared.inForce.withLock { $0 }
        router = Router(services: [], own: shared.own, isForwardProxy: false)
        identity = IdentityReader(rules: inForce.policy.identity)
        maxHeaderBytes = 0
        pools = []
        go(by: inForce)
    }

    /// Goes by this for every request that begins from now on.
    func go(by inForce: InForce) {
        // It takes nothing new any more.
        if isDraining { return }
        router = Router(services: inForce.services, own: shared.own, isForwardProxy: inForce.policy.forwardProxy)
        identity = IdentityReader(rules: inForce.policy.identity)
        maxHeaderBytes = inForce.policy.proxyGuard.maxHeaderBytes
        accessLog = inForce.accessLog
        spanLog = inForce.policy.tracing.spans == .log ? shared.spanLog : nil
        guards.boundsChanged()
        let earlier = pools
        pools = inForce.services.map { pool(for: $0, among: earlier) }
        for pool in earlier where !pools.contains(where: { $0 === pool }) { pool.shutDown() }
    }

    /// The one that has what the upstream needs, or a new one.
    private func pool(for service: UpstreamService, among earlier: [UpstreamPool]) -> UpstreamPool {
        // Each worker's part of the connections; the first ones take what does not divide. None can do without one.
        let all = service.upstream.connections.max
        let part = max(1, all / count + (number < all % count ? 1 : 0))
        guard let pool = earlier.first(where: { service.sharesConnections(with: $0.service) }) else {
            return UpstreamPool(service: service, loop: loop, maxConnections: part, scratch: scratch)
        }
        pool.go(by: service, maxConnections: part)
        return pool
    }

    func start() {
        let worker = NIOLoopBound(self, eventLoop: loop)
        let length = TimeAmount(Self.tickLength)
        tick = loop.scheduleRepeatedTask(initialDelay: length, delay: length) { _ in
            worker.value.look()
        }
    }

    func pool(of service: UpstreamService) -> UpstreamPool { pools[service.index] }

    static var wallTime: Providers.WallTime {
        Providers.WallTime(unixMilliseconds: Telemetry.WallTime.now.nanoseconds / 1_000_000)
    }

    // MARK: Identity

    /// Who sends a request that goes to this upstream.
    func identity(of fields: RequestFields, _ target: String, _ route: Router.Route) -> Identity {
        let service = route.service
        let request = service.profile.request
        let model = request.modelField.flatMap(fields.first) ?? request.model(inTarget: route.target) ?? ""
        return identity.identity(
            of: fields, model: model,
            needsCredential: service.needsCredential
        ) {
            fingerprints.fingerprint(in: fields, target: target, service.profile.credential)
        }
    }

    // MARK: Connections

    func opened(_ connection: Watched) {
        watch(connection)
        shared.connections.add(1, ordering: .relaxed)
    }

    func closed(_ connection: Watched) {
        guard unwatch(connection) else { return }
        shared.connections.subtract(1, ordering: .relaxed)
    }

    /// Looks at something from now on.
    func watch(_ one: Watched) {
        one.watchPlace = watched.count
        watched.append(one)
    }

    /// Says whether it was looked at.
    @discardableResult
    func unwatch(_ one: Watched) -> Bool {
        let place = one.watchPlace
        guard place >= 0 else { return false }
        one.watchPlace = -1
        let last = watched.removeLast()
        if last !== one {
            watched[place] = last
            last.watchPlace = place
        }
        return true
    }

    private func look() {
        let now = Clock.now()
        guards.look(now: now, next: Self.tickLength)
        if guards.isSaving {
            for one in watched { one.saveMemory() }
        }
        let isShedding = guards.isShedding
        if isShedding {
            for one in watched { one.hurry(now: now) }
        }
        for one in watched where one.deadline <= now { one.deadlinePassed(now: now) }
        let patience = isShedding ? Watched.tightTimeout : Watched.stallTimeout
        for one in watched where one.isStalled(now: now, for: patience) { one.closeNow() }
        for pool in pools { pool.sweep(now: now) }
        if now >= nextMeasurement {
            nextMeasurement = now + WayJitter.period
            for pool in pools { pool.measureWay(now: now) }
        }
        let counts = pools.map { ($0.service.upstream.name, $0.counts) }
        shared.publish(Dictionary(uniqueKeysWithValues: counts), of: number)
        if number == 0 { shared.noteSecond(now: now) }
    }

    /// Whether a connection that has just been opened is one too many.
    var hasTooMany: Bool { guards.isSurplus(connections: shared.connections.load(ordering: .relaxed)) }

    /// Why a request can't be taken at all, to protect the process.
    ///
    /// - Parameter isSurplus: whether there were too many connections already when the request's own was opened.
    func overload(_ priority: Priority, isSurplus: Bool) -> Refusal? {
        if isDraining { return .draining }
        let open = shared.connections.load(ordering: .relaxed)
        return guards.refusal(for: priority, isSurplus: isSurplus, connections: open)
    }

    // MARK: Drain

    func drain() {
        isDraining = true
        for one in Array(watched) { one.drain() }
        for pool in pools { pool.shutDown() }
    }

    func stop() {
        tick?.cancel()
        for one in Array(watched) { one.closeNow() }
    }

    // MARK: Reports

    func newRequestID() -> String {
        requests &+= 1
        return requestPrefix + String(requests)
    }

    /// One exchange is over: metrics and one log line.
    func report(_ exchange: Exchange, requestID: String) {
        let now = Clock.now()
        let record = exchange.record
        let outcome = record.outcome ?? .failed
        let metrics = exchange.metrics
        exchange.endSpan(isWhole: outcome != .failed && outcome != .cancelled, at: now)
        metrics.queueWait.recordNanoseconds(record.queued.nanoseconds)
        metrics.requestTime.recordNanoseconds((now - record.begunAt).nanoseconds)
        metrics.requests(
            tenant: exchange.tenant, outcome: outcome, status: StatusClass(record.status), now: now.nanoseconds
        ).increment()
        if let tokens = record.tokens {
            let model = exchange.model
            metrics.tokens(model: model, kind: .input, now: now.nanoseconds).increment(by: Int64(tokens.input))
            metrics.tokens(model: model, kind: .output, now: now.nanoseconds).increment(by: Int64(tokens.output))
        }
        guard let log = accessLog else { return }
        log.write(
            AccessLogEntry(
                time: .now, requestID: requestID, upstream: exchange.upstreamName, tenant: exchange.tenant,
                job: exchange.job.nonEmpty, model: exchange.model.nonEmpty,
                method: exchange.method.rawValue, path: exchange.target,
                status: record.status, outcome: outcome, attempts: record.attempts,
                queueTime: record.queued.nanoseconds,
                firstByteTime: record.firstByteAt.map { ($0 - record.begunAt).nanoseconds },
                totalTime: (now - record.begunAt).nanoseconds, bytesIn: record.bytesIn, bytesOut: record.bytesOut,
                tokensIn: record.tokens?.input, tokensOut: record.tokens?.output, limit: record.limit,
                credential: record.credential, observed: record.observed, traceID: exchange.trace?.trace))
    }

    /// A request that never had an upstream.
    func refused(_ refusal: Refusal, head: HTTPRequestHead?, requestID: String, tookSince: Instant) {
        let now = Clock.now()
        shared.metrics.upstream(Self.noUpstream).requests(
            tenant: "none", outcome: .failed, status: StatusClass(refusal.status), now: now.nanoseconds
        ).increment()
        guard let log = accessLog else { return }
        log.write(
            AccessLogEntry(
                time: .now, requestID: requestID, upstream: Self.noUpstream, tenant: "none",
                method: head?.method.rawValue ?? "-", path: head?.uri ?? "-", status: refusal.status,
                outcome: .failed, attempts: 0, queueTime: 0, firstByteTime: nil,
                totalTime: (now - tookSince).nanoseconds, bytesIn: 0, bytesOut: 0))
    }

    /// The upstream label of requests that were refused before they had one.
    private static let noUpstream = "none"
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
