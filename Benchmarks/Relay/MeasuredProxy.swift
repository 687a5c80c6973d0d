import Glibc
import Logging
import NIOCore
import NIOPosix
import Policy
import Proxy
import Telemetry

/// The proxy that is measured: as in production, but with one event loop, and nobody reads its access log.
enum MeasuredProxy {
    static func start(_ yaml: String) throws -> ProxyServer {
        let loader = PolicyLoader(
            file: "benchmark.yaml",
            secrets: SecretSource(missing: .refused, environment: { _ in nil }, readFile: { _ in [] }),
            listen: [Listener(address: .tcp(host: "127.0.0.1", port: 0))])
        let log = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        let sink = LogSink(file: open("/dev/null", O_WRONLY), style: .json)
        let setup = ProxyServer.Setup(
            policy: try loader.load(yaml).policy, version: "benchmark", workers: 1,
            registry: PrometheusRegistry(catalogue: .penstock, logger: log), logSink: sink,
            accessLog: AccessLog(sink: sink), log: log)
        return try MultiThreadedEventLoopGroup.singleton.any().makeFutureWithTask {
            try await ProxyServer.start(setup)
        }.wait()
    }
}
