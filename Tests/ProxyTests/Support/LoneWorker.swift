import Logging
import NIOCore
import Policy
import Telemetry

@testable import Proxy

extension Worker {
    /// One without a server, whose routes lead nowhere: every request is refused with 404.
    static func alone(on loop: any EventLoop) throws -> Worker {
        let loader = PolicyLoader(
            file: "test.yaml",
            secrets: SecretSource(missing: .refused, environment: { _ in nil }, readFile: { _ in [] }))
        let policy = try loader.load(
            "upstreams: {up: {url: \"http://127.0.0.1:1\", default: false, limits: [{in_flight: 1}]}}"
        ).policy
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let metrics = ProxyMetrics(factory: PrometheusRegistry(catalogue: .penstock, logger: quiet))
        let shared = Worker.Shared(
            policy: policy, services: [], own: OwnListeners(), metrics: metrics, accessLog: nil, log: quiet,
            version: "test",
            processGuard: ProcessGuard(
                maxConnections: policy.proxyGuard.maxConnections, workers: 1, descriptors: nil, memory: nil,
                resident: { nil }, metrics: metrics.shed, log: quiet))
        return Worker(number: 0, of: 1, loop: loop, shared: shared)
    }
}
