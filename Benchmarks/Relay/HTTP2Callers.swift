import NIOCore
import NIOHTTP2
import NIOPosix
import Synchronization

/// Callers that speak HTTP/2 with prior knowledge (RFC 9113 §3.3), on a thread of their own: four connections with
/// sixteen streams each.
final class HTTP2Callers: Sendable {
    private static let connections = 4
    fileprivate static let streams = 16

    private struct State {
        var unsent: Int
        var unanswered: Int
        var failure: (any Error)?
    }

    private let state: Mutex<State>

    init(requests: Int) {
        state = Mutex(State(unsent: requests, unanswered: requests))
    }

    func start(to address: SocketAddress) {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let multiplexer = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { $0.close() }
                    try channel.pipeline.syncOperations.addHandler(
                        ConnectionHandler(callers: self, multiplexer: multiplexer))
                }
            }
        for _ in 0..<Self.connections { bootstrap.connect(to: address).whenFailure { self.failed($0) } }
    }

    /// Whether every request is answered.
    ///
    /// - Throws: where that can't be any more.
    func areDone() throws -> Bool {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.unanswered == 0
        }
    }

    fileprivate func call(_ multiplexer: NIOHTTP2Handler.StreamMultiplexer) {
        let mayCall = state.withLock { state in
            defer { state.unsent -= 1 }
            return state.unsent > 0
        }
        guard mayCall else { return }
        multiplexer.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(
                    CallHandler { isAnswered in
                        guard isAnswered else { return self.failed(Failure(description: "no 200 on a stream")) }
                        self.state.withLock { $0.unanswered -= 1 }
                        self.call(multiplexer)
                    })
            }
        }.whenFailure { self.failed($0) }
    }

    fileprivate func failed(_ error: any Error) {
        state.withLock { state in
            if state.failure == nil {
                state.failure = Failure(description: "HTTP/2 between callers and the proxy: \(error)")
            }
        }
    }
}

/// One request on a stream of its own.
private final class CallHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private static let head = HTTP2Frame.FramePayload.headers(
        .init(
            headers: .init([
                (":method", "POST"), (":scheme", "http"), (":authority", "127.0.0.1:8080"), (":path", Messages.path),
                ("content-type", "application/json"), ("content-length", String(Messages.question.utf8.count)),
                ("authorization", Messages.credential), ("user-agent", Messages.agent), ("accept", "application/json"),
            ])))
    private static let body = HTTP2Frame.FramePayload.data(
        .init(data: .byteBuffer(ByteBuffer(string: Messages.question)), endStream: true))

    private let whenEnded: (_ isAnswered: Bool) -> Void
    private var isGood = false
    private var hasEnded = false

    init(whenEnded: @escaping (_ isAnswered: Bool) -> Void) {
        self.whenEnded = whenEnded
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(Self.head), promise: nil)
        context.writeAndFlush(wrapOutboundOut(Self.body), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let content):
            isGood = content.headers.first(name: ":status") == "200"
            if content.endStream { end() }
        case .data(let content): if content.endStream { end() }
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGood = isGood && hasEnded
        end()
    }

    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        whenEnded(isGood)
    }
}

/// Begins what a connection does, and tells when it fails.
private final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = Never

    private let callers: HTTP2Callers
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer

    init(callers: HTTP2Callers, multiplexer: NIOHTTP2Handler.StreamMultiplexer) {
        self.callers = callers
        self.multiplexer = multiplexer
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        for _ in 0..<HTTP2Callers.streams { callers.call(multiplexer) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        callers.failed(error)
        context.close(promise: nil)
    }
}
