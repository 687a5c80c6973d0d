import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Policy

/// Binds listeners and sets up what comes in.
struct Listening {
    let workers: [Worker.Reference]
    let group: any EventLoopGroup

    /// NIO keeps each connection's last buffer for its next read. Most connections wait for slow answers, so the first
    /// one is small; it grows with what comes.
    private static let receiveBuffers = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 65_536)

    /// Binds one listener, for an upstream of its own or for all.
    func bind(_ listener: Listener, owner: Int?) async throws -> any Channel {
        let tls = try listener.tls.map(context)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: Self.receiveBuffers)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel, owner: owner, tls: tls) }
            }
        switch listener.address {
        case .tcp(let host, let port):
            return try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: host, port: port).get()
        case .unix(let path):
            return try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        }
    }

    private func context(_ certificate: Listener.Certificate) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate.certificatePath)
        let key = try NIOSSLPrivateKey(file: certificate.keyPath, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2", "http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    private func prepare(_ channel: any Channel, owner: Int?, tls: NIOSSLContext?) throws {
        guard let worker = workers.first(where: { $0.loop === channel.eventLoop })?.worker else {
            preconditionFailure("every loop of the group has a worker")
        }
        if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
        try channel.pipeline.syncOperations.addHandler(
            VersionDetector(worker: worker.value, owner: owner, isSecure: tls != nil))
    }
}

extension Worker {
    /// A worker as other threads hold it.
    struct Reference: Sendable {
        let loop: any EventLoop
        let worker: NIOLoopBound<Worker>
    }
}
