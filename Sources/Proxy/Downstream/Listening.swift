import Logging
import NIOCore
import NIOPosix
import Policy

/// Binds listeners and sets up what comes in.
struct Listening {
    let workers: [Worker.Reference]
    let group: any EventLoopGroup

    /// NIO keeps each connection's last buffer for its next read. Most connections wait for slow answers, so the first
    /// one is small; it grows with what comes.
    private static let receiveBuffers = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 65_536)

    /// A bound address. A reload may give it another certificate.
    final class Bound: Sendable {
        let channel: any Channel
        let address: Listener.Address
        /// The upstream to which it belongs, where it does.
        let owner: String?
        let security: ListenerSecurity

        init(_ channel: any Channel, _ address: Listener.Address, owner: String?, _ security: ListenerSecurity) {
            (self.channel, self.address, self.owner) = (channel, address, owner)
            self.security = security
        }
    }

    /// Binds one listener, for an upstream of its own or for all.
    func bind(_ listener: Listener, owner: String?) async throws -> Bound {
        let security = try ListenerSecurity(listener, protocols: ["h2", "http/1.1"])
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: Self.receiveBuffers)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel, owner: owner, security) }
            }
        let channel: any Channel
        switch listener.address {
        case .tcp(let host, let port):
            channel = try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: host, port: port).get()
        case .unix(let path):
            channel = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        }
        return Bound(channel, listener.address, owner: owner, security)
    }

    private func prepare(_ channel: any Channel, owner: String?, _ security: ListenerSecurity) throws {
        guard let worker = workers.first(where: { $0.loop === channel.eventLoop })?.worker else {
            preconditionFailure("every loop of the group has a worker")
        }
        let isSecure = try security.secure(channel)
        try channel.pipeline.syncOperations.addHandler(
            VersionDetector(worker: worker.value, owner: owner, isSecure: isSecure))
    }
}

extension Worker {
    /// A worker as other threads hold it.
    struct Reference: Sendable {
        let loop: any EventLoop
        let worker: NIOLoopBound<Worker>
    }
}
