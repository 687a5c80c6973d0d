import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL

/// An API that a test plays: HTTP/1.1 or HTTP/2, with TLS or without, answered exchange by exchange.
final class Origin: Sendable {
    let port: Int
    private let listener: any Channel
    private let connections: Watched<[any Channel]>
    private let begun: Watched<[ExchangeEnd]>

    private init(listener: any Channel, connections: Watched<[any Channel]>, begun: Watched<[ExchangeEnd]>) {
        self.listener = listener
        self.connections = connections
        self.begun = begun
        port = listener.localAddress?.port ?? 0
    }

    static func start(
        isHTTP2: Bool, tls: NIOSSLContext? = nil, settings: StreamSettings = .init()
    ) async throws -> Origin {
        let connections = Watched<[any Channel]>([])
        let begun = Watched<[ExchangeEnd]>([])
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in
                connections.change { $0.append(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    let take: @Sendable (ExchangeEnd) -> Void = { end in begun.change { $0.append(end) } }
                    guard isHTTP2 else {
                        return try pipeline.addHandlers(
                            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)),
                            HTTP1OriginHandler(begun: take))
                    }
                    try pipeline.addHandler(
                        NIOHTTP2Handler(
                            mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: settings.connection,
                            streamConfiguration: settings.stream
                        ) { stream in
                            stream.eventLoop.makeCompletedFuture {
                                try stream.pipeline.syncOperations.addHandler(
                                    HTTP2EndHandler(end: ExchangeEnd(channel: stream, isStream: true), begun: take))
                            }
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Origin(listener: listener, connections: connections, begun: begun)
    }

    /// Connections so far.
    var count: Int { connections.read(\.count) }
    /// Requests that have begun and were not taken yet.
    var pending: Int { begun.read(\.count) }

    /// The next request that has begun.
    func request() async throws -> ExchangeEnd {
        try await begun.wait(for: "request") { $0.isEmpty ? nil : $0.removeFirst() }
    }

    /// Answers all that comes until the task is cancelled.
    func serve(_ answer: @escaping @Sendable (ExchangeEnd) async throws -> Void) -> Task<Void, Never> {
        Task {
            await withTaskGroup(of: Void.self) { group in
                while !Task.isCancelled, let end = try? await request() {
                    group.addTask { try? await answer(end) }
                }
            }
        }
    }

    func stop() async {
        try? await listener.close().get()
        for channel in connections.read({ $0 }) { try? await channel.close().get() }
    }
}
