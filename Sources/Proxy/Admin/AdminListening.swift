import NIOCore
import NIOHTTP1
import NIOPosix
import Policy

/// Binds the admin address.
struct AdminListening {
    let pages: AdminPages
    let group: any EventLoopGroup

    /// - Throws: where its certificate can't be used or its address can't be bound.
    func bind(_ listener: Listener) async throws -> Listening.Bound {
        let security = try ListenerSecurity(listener, protocols: ["http/1.1"])
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [pages] channel in
                channel.eventLoop.makeCompletedFuture {
                    _ = try security.secure(channel)
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(AdminHandler(pages: pages))
                }
            }
        let channel: any Channel
        switch listener.address {
        case .tcp(let host, let port): channel = try await bootstrap.bind(host: host, port: port).get()
        case .unix(let path):
            channel = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        }
        return Listening.Bound(channel, listener.address, owner: nil, security)
    }
}
