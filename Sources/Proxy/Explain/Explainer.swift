import Admission
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Policy
import Providers
import Telemetry

/// Says what would become of a request under a policy.
///
/// It runs the proxy's own reception, body reading and gate on an event loop of its own; the gate is a fresh one in which
/// nothing else is under way. Nothing is bound, dialled or sent.
package enum Explainer {
    package struct Request: Sendable {
        package var method: String
        package var target: String
        package var fields: [(name: String, value: String)]
        package var body: [UInt8]?
        /// Where it comes in; `nil` for the proxy's first address.
        package var listener: Listener.Address?

        package init(
            method: String, target: String, fields: [(name: String, value: String)] = [], body: [UInt8]? = nil,
            listener: Listener.Address? = nil
        ) {
            self.method = method
            self.target = target
            self.fields = fields
            self.body = body
            self.listener = listener
        }
    }

    /// - Throws: where TLS can't be set up on this machine.
    package static func explain(_ request: Request, under policy: Policy) async throws -> Explanation {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { group.shutdownGracefully { _ in } }
        let loop = group.next()
        let shared = try shared(policy, loop)
        return try await loop.submit {
            explain(request, on: Worker(number: 0, of: 1, loop: loop, shared: shared), policy)
        }.get()
    }

    /// What a proxy has in common, as far as it does not touch the machine.
    private static func shared(_ policy: Policy, _ loop: any EventLoop) throws -> Worker.Shared {
        var policy = policy
        // Nothing is dialled, so the files of certificates need not be here.
        for index in policy.upstreams.indices { policy.upstreams[index].trustedCertificatesPath = nil }
        // Nor is the store asked.
        policy.cluster = nil
        policy.upstreams = policy.upstreams.map { $0.sharing(nil) }
        let log = Logger(label: "penstock") { _ in SwiftLogNoOpLogHandler() }
        let registry = PrometheusRegistry(catalogue: .penstock, logger: log)
        let metrics = ProxyMetrics(factory: registry)
        let own = OwnListeners()
        for listener in policy.listen + policy.upstreams.flatMap(\.listen) {
            guard case .tcp(let host, let port) = listener.address,
                let address = try? SocketAddress(ipAddress: host == "localhost" ? "127.0.0.1" : host, port: port)
            else { continue }
            own.add(address)
        }
        let setup = ProxyServer.Setup(
            policy: policy, version: "", workers: 1, registry: registry, logSink: nil, accessLog: nil, log: log)
        return Worker.Shared(
            policy: policy,
            services: try ProxyServer.services(setup, metrics: metrics, own: own, loops: [loop]), own: own,
            metrics: metrics, accessLog: nil, log: log, version: "",
            processGuard: ProcessGuard(
                maxConnections: policy.proxyGuard.maxConnections, workers: 1, descriptors: nil, memory: nil,
                resident: { nil }, metrics: metrics.shed, log: log))
    }

    // MARK: On the loop

    private static func explain(_ request: Request, on worker: Worker, _ policy: Policy) -> Explanation {
        let text = "\(request.method) \(request.target)"
        let address = request.listener ?? policy.listen.first?.address
        let owner = policy.upstreams.first { $0.listen.contains { $0.address == address } }?.name
        let head = head(of: request, at: address)
        let fields = RequestFields(head.headers, identity: worker.identity)
        let caller = Downstream(worker: worker, owner: owner)
        switch caller.reception(of: head, fields, refusal: RequestCheck.refusal(of: head, fields: fields)) {
        case .refused(let refusal): return Explanation(request: text, verdict: .refused(refusal))
        case .answeredHere: return Explanation(request: text, verdict: .answeredHere)
        case .route(let route):
            let exchange = Exchange(
                head: head, fields: fields, isLengthUnknown: false,
                tunnel: TunnelKind(head, fields, protocolName: nil), route: route, connection: caller, worker: worker,
                now: Clock.now())
            return AskedExchange(exchange, fields, route, body: request.body, under: policy).explanation(of: text)
        }
    }

    /// The head as a usual client would send it, with the address in `Host` where the request has none.
    private static func head(of request: Request, at address: Listener.Address?) -> HTTPRequestHead {
        var headers = HTTPHeaders(request.fields.map { ($0.name, $0.value) })
        if !headers.contains(name: "host") {
            let host =
                switch address {
                case .tcp: address?.description ?? "localhost"
                case .unix, nil: "localhost"
                }
            headers.add(name: "Host", value: request.method == "CONNECT" ? request.target : host)
        }
        if let body = request.body {
            headers.replaceOrAdd(name: "Content-Length", value: String(body.count))
            if !headers.contains(name: "content-type") {
                headers.add(name: "Content-Type", value: "application/json")
            }
        }
        return HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.target, headers: headers)
    }
}
