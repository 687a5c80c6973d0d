import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL

/// What one side of an HTTP/2 connection announces, as far as tests vary it.
struct StreamSettings: Sendable {
    var window = 65_535
    var maxStreams = 1_000

    var connection: NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: maxStreams),
            HTTP2Setting(parameter: .initialWindowSize, value: window),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 64 << 10),
        ]
        configuration.controlFrameRateLimit.maximumCount = 10_000
        // What a test says wrong must go out.
        configuration.contentLengthValidation = .disabled
        return configuration
    }

    var stream: NIOHTTP2Handler.StreamConfiguration {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.targetWindowSize = window
        configuration.streamResetFrameRateLimit.maximumCount = 10_000
        return configuration
    }
}

/// One connection of an application to the proxy.
final class Caller: Sendable {
    struct Root: Sendable {
        /// Whether the proxy takes no new streams.
        var isGoingAway = false
        var isAcknowledged = false
    }

    let channel: any Channel
    /// What has come that concerns the whole connection.
    let root: Watched<Root>
    private let waiting: Watched<[ExchangeEnd]>
    private let streams: NIOHTTP2Handler.StreamMultiplexer?

    private init(
        channel: any Channel, waiting: Watched<[ExchangeEnd]>, root: Watched<Root>,
        streams: NIOHTTP2Handler.StreamMultiplexer?
    ) {
        self.channel = channel
        self.waiting = waiting
        self.root = root
        self.streams = streams
    }

    var isHTTP2: Bool { streams != nil }

    /// - Parameters:
    ///   - tls: offers the protocol by ALPN.
    ///   - receiveBuffer: of the socket, where it must not take much that nobody reads.
    static func connect(
        to address: SocketAddress, isHTTP2: Bool, tls: NIOSSLContext? = nil, settings: StreamSettings = .init(),
        receiveBuffer: Int? = nil
    ) async throws -> Caller {
        let waiting = Watched<[ExchangeEnd]>([])
        let root = Watched(Root())
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
                    }
                    if isHTTP2 {
                        try pipeline.addHandlers(
                            NIOHTTP2Handler(
                                mode: .client, eventLoop: channel.eventLoop,
                                connectionConfiguration: settings.connection, streamConfiguration: settings.stream
                            ) { $0.eventLoop.makeSucceededVoidFuture() }, RootFrames(root))
                    } else {
                        let decoder = HTTPResponseDecoder(
                            leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward)
                        try pipeline.addHandlers(
                            ByteToMessageHandler(decoder), HTTP1CallerHandler(decoder: decoder, ends: waiting))
                    }
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: numericCast(receiveBuffer))
        }
        let channel = try await bootstrap.connect(to: address).get()
        let streams =
            isHTTP2
            ? try await channel.pipeline.handler(type: NIOHTTP2Handler.self).flatMap { $0.multiplexer }.get() : nil
        let caller = Caller(channel: channel, waiting: waiting, root: root, streams: streams)
        if isHTTP2 {
            // A stream of NIO's that begins before what was announced is in force never renews a small window.
            _ = try await root.wait(for: "acknowledged settings") { $0.isAcknowledged ? true : nil }
        }
        return caller
    }

    /// Begins a request.
    func open(
        _ method: HTTPMethod = .GET, _ target: String = "/v1", _ fields: HTTPHeaders = [:], isEnd: Bool = true
    ) async throws -> ExchangeEnd {
        let end = try await prepare()
        try await end.send(.request(method, target, ["Host": "proxy"] + fields, isEnd: isEnd))
        return end
    }

    private func prepare() async throws -> ExchangeEnd {
        guard let streams else {
            let end = ExchangeEnd(channel: channel, isStream: false)
            waiting.change { $0.append(end) }
            return end
        }
        let made = Watched<ExchangeEnd?>(nil)
        _ = try await streams.createStreamChannel { channel in
            let end = ExchangeEnd(channel: channel, isStream: true)
            made.change { $0 = end }
            return channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(HTTP2EndHandler(end: end) { _ in })
            }
        }.get()
        return try await made.wait(for: "stream") { $0 }
    }

    /// Sends a whole request with a text.
    func post(_ target: String = "/v1", _ fields: HTTPHeaders = [:], _ text: String) async throws -> ExchangeEnd {
        let length: HTTPHeaders = ["Content-Length": "\(text.utf8.count)"]
        let end = try await open(.POST, target, fields + length, isEnd: false)
        try await end.send(.body(ByteBuffer(string: text), isEnd: true))
        return end
    }

    func close() async {
        channel.close(promise: nil)
        // It may have been closed by the peer before, which is as good.
        _ = try? await channel.closeFuture.get()
    }

    func isClosed() async throws { try await channel.closeFuture.get() }
}

extension HTTPHeaders {
    static func + (left: HTTPHeaders, right: HTTPHeaders) -> HTTPHeaders {
        var fields = left
        fields.add(contentsOf: right)
        return fields
    }
}

/// Notes frames of the connection itself.
private final class RootFrames: ChannelInboundHandler, Sendable {
    typealias InboundIn = HTTP2Frame

    private let root: Watched<Caller.Root>

    init(_ root: Watched<Caller.Root>) {
        self.root = root
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data).payload {
        case .goAway: root.change { $0.isGoingAway = true }
        case .settings(.ack): root.change { $0.isAcknowledged = true }
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What goes wrong on a stream shows there, on a connection by its end.
    }
}
