import Admission
import Logging
import NIOCore
import NIOSSL
import Policy
import SharedLimits
import Synchronization

/// One gate's way to the store of limits that all replicas share.
final class StoreWay: Sendable {
    private let settings: StoreSettings
    private let upstream: String
    private let log: Logger
    private let line = Mutex<StoreLine?>(nil)

    /// `nil` without a cluster.
    ///
    /// - Throws: where the certificates to trust can't be read.
    convenience init?(_ cluster: ClusterRules?, upstream: String, log: Logger) throws {
        guard let cluster else { return nil }
        self.init(try StoreSettings(cluster.redis), upstream: upstream, log: log)
    }

    init(_ settings: StoreSettings, upstream: String, log: Logger) {
        (self.settings, self.upstream, self.log) = (settings, upstream, log)
    }

    /// Begins to speak with the store; nothing where it does already.
    func open(on loop: any EventLoop, _ hear: @escaping @Sendable (StoreLine.Event) -> Void) {
        // A name that no other process has, nor this one after a restart.
        let replica = String(UInt64.random(in: .min ... .max), radix: 36)
        let line = line.withLock { line -> StoreLine? in
            guard line == nil else { return nil }
            line = StoreLine(settings, upstream: upstream, replica: replica, loop: loop, hear: hear)
            return line
        }
        line?.start()
    }

    func send(_ turn: SharedTurn) { line.withLock { $0 }?.send(turn) }

    func close() { line.withLock { $0 }?.stop() }

    func note(_ reason: String) {
        log.warning("Shared limits: \(reason)", metadata: ["upstream": "\(upstream)"])
    }

    func noteRecovery() {
        log.notice("Shared limits: the store counts again", metadata: ["upstream": "\(upstream)"])
    }
}

extension StoreSettings {
    /// - Throws: where the certificates to trust can't be read.
    init(_ rules: RedisRules) throws {
        var tls: NIOSSLContext?
        if rules.isTLS {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            if let path = rules.trustedCertificatesPath { configuration.trustRoots = .file(path) }
            tls = try NIOSSLContext(configuration: configuration)
        }
        let seeds = rules.seeds.map { seed in
            switch seed {
            case .host(let host, let port): StoreAddress.host(host, port: port)
            case .unix(let path): StoreAddress.unix(path: path)
            }
        }
        self.init(
            seeds: seeds, user: rules.user, password: rules.password?.value, database: rules.database,
            sentinelName: rules.sentinel, tls: tls)
    }
}
