import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization

/// A simulated LLM provider that listens on one address until it is stopped.
///
/// It speaks HTTP/1.1 and HTTP/2 with prior knowledge on a plain port, or both by ALPN over TLS. Its limits are held
/// exactly over all event loops: a request that arrives when one does not allow it is refused and counted as a
/// violation. ``start(settings:group:)`` throws where the address can't be bound, the certificate can't be read or a
/// setting is out of its range.
package final class Simulator: Sendable {
    private let ledger: SharedLedger
    private let listener: any Channel
    private let connections: OpenConnections
    /// Where it listens, with the port that was taken.
    package let address: SocketAddress

    private init(ledger: SharedLedger, listener: any Channel, connections: OpenConnections, address: SocketAddress) {
        self.ledger = ledger
        self.listener = listener
        self.connections = connections
        self.address = address
    }

    /// The group stays the caller's: it outlives the simulator and is shut down by whoever made it.
    package static func start(settings: SimulatorSettings, group: any EventLoopGroup) async throws -> Simulator {
        try settings.check()
        let ledger = SharedLedger(settings: settings)
        let pipeline = ConnectionPipeline(ledger: ledger, tls: try settings.tls.map(context))
        let connections = OpenConnections()
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4_096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                ledger.connect()
                connections.insert(channel)
                channel.closeFuture.whenComplete { _ in
                    connections.remove(channel)
                    ledger.disconnect()
                }
                return pipeline.configure(channel)
            }
            .bind(host: settings.host, port: settings.port)
            .get()
        guard let address = listener.localAddress else { throw ChannelError.unknownLocalAddress }
        return Simulator(ledger: ledger, listener: listener, connections: connections, address: address)
    }

    package var port: Int { address.port ?? 0 }

    /// What has been counted since the start or the last reset.
    package var counts: SimulatorCounts { ledger.counts }

    /// Nanoseconds since the start, on the clock of the journal.
    package var now: Int64 { ledger.now }

    /// What has been written down since the last call, in order; with `keepsJournal`.
    package func takeJournal() -> [Sighting] { ledger.takeJournal() }

    /// The fault rules in force, with what is left of them.
    package var faults: [FaultRule] { ledger.faults }

    /// Takes the place of the fault rules so far; times run from now.
    package func setFaults(_ rules: [FaultRule]) {
        ledger.setFaults(rules)
    }

    package func resetCounts() {
        ledger.resetCounts()
    }

    /// Stops listening and closes all connections, whatever is under way on them.
    package func stop() async throws {
        try await listener.close()
        // Again until none is left: one that was accepted last may come in meanwhile.
        while let channel = connections.any {
            channel.close(promise: nil)
            // A connection that failed is closed too, which is all that is asked.
            _ = try? await channel.closeFuture.get()
            connections.remove(channel)
        }
    }

    private static func context(_ tls: SimulatorSettings.TLS) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(tls.certificate).map(NIOSSLCertificateSource.certificate)
        let key = try NIOSSLPrivateKey(file: tls.key, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(key))
        configuration.applicationProtocols = NIOHTTP2SupportedALPNProtocols
        return try NIOSSLContext(configuration: configuration)
    }
}

/// The accepted connections, so that stopping can end them.
private final class OpenConnections: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    var any: (any Channel)? { channels.withLock { $0.values.first } }

    func insert(_ channel: any Channel) {
        channels.withLock { $0[ObjectIdentifier(channel)] = channel }
    }

    func remove(_ channel: any Channel) {
        channels.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) }
    }
}
