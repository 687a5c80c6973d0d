import Admission
import Logging
import NIOCore
import NIOPosix
import Policy
import ProviderSimulator
import Proxy
import Telemetry

/// A simulated provider and the proxy before it, on free ports of the loopback address, in this process.
struct Stage: Sendable {
    let simulator: Simulator
    let policyText: String
    let proxy: SocketAddress
    let admin: SocketAddress
    /// For the callers. Provider and proxy have loops of their own, as in earnest: a thousand callers who connect at once
    /// must not make the provider see late what was sent in time.
    let group: MultiThreadedEventLoopGroup
    private let providerGroup: MultiThreadedEventLoopGroup
    private let server: ProxyServer

    static func open(_ scenario: Scenario) async throws -> Stage {
        let providerGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let simulator = try await Simulator.start(settings: scenario.provider, group: providerGroup)
            return try await Stage(scenario, simulator, providerGroup)
        } catch {
            try? await providerGroup.shutdownGracefully()
            throw error
        }
    }

    private init(
        _ scenario: Scenario, _ simulator: Simulator, _ providerGroup: MultiThreadedEventLoopGroup
    ) async throws {
        policyText = scenario.policyText(address: "http://127.0.0.1:\(simulator.port)")
        let server = try await ProxyServer.start(try Self.setup(policyText))
        guard let proxy = server.addresses.first, let admin = server.adminAddress else {
            await server.stop()
            throw ChannelError.unknownLocalAddress
        }
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        (self.simulator, self.providerGroup, self.server) = (simulator, providerGroup, server)
        (self.proxy, self.admin) = (proxy, admin)
    }

    /// The same way from text to proxy as that of `penstock run`, but for the addresses.
    private static func setup(_ text: String) throws -> ProxyServer.Setup {
        let secrets = SecretSource(missing: .refused, environment: { _ in nil }, readFile: { _ in [] })
        var policy = try PolicyLoader(file: "demo.yaml", secrets: secrets).load(text).policy
        let anywhere = Listener(address: .tcp(host: "127.0.0.1", port: 0))
        policy.listen = [anywhere]
        policy.admin = anywhere
        let sink = LogSink(file: 2, style: .suited(to: 2))
        let log = Logger(label: "penstock") { LineLogHandler(label: $0, sink: sink, logLevel: .error) }
        return ProxyServer.Setup(
            policy: policy, version: Version.text, workers: System.coreCount,
            registry: PrometheusRegistry(catalogue: .penstock, logger: log), logSink: sink, accessLog: nil, log: log)
    }

    /// Keeps the journal from growing where nobody reads it any more, until the task is cancelled.
    func forgetJournal() async {
        while !Task.isCancelled {
            _ = simulator.takeJournal()
            try? await Task.sleep(for: .seconds(5))
        }
    }

    /// Stops both, whatever is under way.
    func close() async {
        await server.stop()
        // Nothing can be done about a socket that does not close, and the process ends next.
        try? await simulator.stop()
        try? await providerGroup.shutdownGracefully()
        try? await group.shutdownGracefully()
    }
}
