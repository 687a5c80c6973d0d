import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL

/// A listening socket that speaks HTTP/2 frame by frame.
final class FrameServer: Sendable {
    let port: Int
    private let channel: any Channel
    private let accepted: Watched<Accepted>

    private struct Accepted: Sendable {
        var fresh: [FrameWire] = []
        var all: [FrameWire] = []
    }

    private init(channel: any Channel, accepted: Watched<Accepted>) {
        self.channel = channel
        self.accepted = accepted
        port = channel.localAddress?.port ?? 0
    }

    static func start(tls: NIOSSLContext? = nil, maxStreams: Int = 100) async throws -> FrameServer {
        let accepted = Watched(Accepted())
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let wire = FrameWire(channel: channel)
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.addHandlers([
                        NIOHTTP2Handler(
                            mode: .server,
                            initialSettings: [HTTP2Setting(parameter: .maxConcurrentStreams, value: maxStreams)]),
                        FrameWire.Reader(events: wire.events),
                    ])
                    accepted.change { accepted in
                        accepted.fresh.append(wire)
                        accepted.all.append(wire)
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return FrameServer(channel: channel, accepted: accepted)
    }

    var count: Int { accepted.read { $0.all.count } }

    func accept() async throws -> FrameWire {
        try await accepted.wait(for: "connection") { $0.fresh.isEmpty ? nil : $0.fresh.removeFirst() }
    }

    func stop() async {
        try? await channel.close().get()
        for wire in accepted.read(\.all) { try? await wire.channel.close().get() }
    }

    static func run(
        tls: NIOSSLContext? = nil, maxStreams: Int = 100, _ body: (FrameServer) async throws -> Void
    ) async throws {
        let server = try await start(tls: tls, maxStreams: maxStreams)
        do {
            try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }
}

/// One HTTP/2 connection of a client, as its server sees it.
final class FrameWire: Sendable {
    enum Event: Sendable, Equatable {
        case request(HTTP2StreamID, path: String)
        case ended(HTTP2StreamID)
        case reset(HTTP2StreamID, HTTP2ErrorCode)
        case closed
    }

    let channel: any Channel
    let events = Watched<[Event]>([])

    init(channel: any Channel) {
        self.channel = channel
    }

    /// The next request that begins.
    func request() async throws -> (stream: HTTP2StreamID, path: String) {
        try await events.wait(for: "request") { events in
            for (place, event) in events.enumerated() {
                if case .request(let stream, let path) = event {
                    events.remove(at: place)
                    return (stream, path)
                }
            }
            if events.contains(.closed) { throw TooLate(description: "closed without a request") }
            return nil
        }
    }

    func sees(_ event: Event) async throws {
        _ = try await events.wait(for: "\(event)") { $0.contains(event) ? true : nil }
    }

    func send(_ stream: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) async throws {
        try await channel.writeAndFlush(HTTP2Frame(streamID: stream, payload: payload)).get()
    }

    func head(_ stream: HTTP2StreamID, status: Int, isEnd: Bool = false) async throws {
        try await send(stream, .headers(.init(headers: .init([(":status", String(status))]), endStream: isEnd)))
    }

    func data(_ stream: HTTP2StreamID, _ text: String, isEnd: Bool = false) async throws {
        try await send(stream, .data(.init(data: .byteBuffer(ByteBuffer(string: text)), endStream: isEnd)))
    }

    func answer(_ stream: HTTP2StreamID, _ text: String = "ok") async throws {
        try await head(stream, status: 200)
        try await data(stream, text, isEnd: true)
    }

    func reset(_ stream: HTTP2StreamID, _ code: HTTP2ErrorCode) async throws {
        try await send(stream, .rstStream(code))
    }

    func sayGoodbye(after last: HTTP2StreamID) async throws {
        try await send(.rootStream, .goAway(lastStreamID: last, errorCode: .noError, opaqueData: nil))
    }

    final class Reader: ChannelInboundHandler, Sendable {
        typealias InboundIn = HTTP2Frame

        private let events: Watched<[Event]>

        init(events: Watched<[Event]>) {
            self.events = events
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = unwrapInboundIn(data)
            var seen: [Event] = []
            switch frame.payload {
            case .headers(let content):
                if let path = content.headers.first(name: ":path") { seen.append(.request(frame.streamID, path: path)) }
                if content.endStream { seen.append(.ended(frame.streamID)) }
            case .data(let content): if content.endStream { seen.append(.ended(frame.streamID)) }
            case .rstStream(let code): seen.append(.reset(frame.streamID, code))
            default: break
            }
            let all = seen
            events.change { $0 += all }
        }

        func channelInactive(context: ChannelHandlerContext) {
            events.change { $0.append(.closed) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // What the peer does wrong shows in the events that follow or fail to.
        }
    }
}
