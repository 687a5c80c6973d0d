import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One end of a TCP connection on which a test writes and reads bytes, with nothing in between that knows HTTP.
final class Wire: Sendable {
    struct Inbox: Sendable {
        var bytes: [UInt8] = []
        var received = 0
        var isClosed = false
        var wasReset = false
        /// Whether what comes is counted only.
        var isCountedOnly = false
    }

    let channel: any Channel
    let inbox: Watched<Inbox>

    fileprivate init(channel: any Channel, inbox: Watched<Inbox>) {
        self.channel = channel
        self.inbox = inbox
    }

    static func connect(
        to address: SocketAddress, receiveBuffer: Int? = nil, tls: NIOSSLContext? = nil
    ) async throws -> Wire {
        let inbox = Watched(Inbox())
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
                    }
                    try channel.pipeline.syncOperations.addHandler(Collector(inbox: inbox))
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: numericCast(receiveBuffer))
        }
        return Wire(channel: try await bootstrap.connect(to: address).get(), inbox: inbox)
    }

    // MARK: Sending

    func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// Hands bytes to the channel without waiting until the other side has taken them.
    func offer(_ bytes: [UInt8]) -> EventLoopFuture<Void> {
        channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    func close() async {
        channel.close(promise: nil)
        // It may have been closed by the peer before, which is as good.
        _ = try? await channel.closeFuture.get()
    }

    /// Ends the connection with a reset.
    func reset() async {
        if let socket = channel as? any SocketOptionProvider {
            // Where it is closed already there is nothing to reset.
            try? await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        await close()
    }

    // MARK: Reading

    func pauseReading() async throws { try await channel.setOption(.autoRead, value: false).get() }
    func resumeReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// Takes the next whole message.
    func message(toHead isHeadOnly: Bool = false) async throws -> Message {
        try await inbox.wait(for: "message") { inbox in
            if let (message, length) = try Message.parse(
                inbox.bytes, isHeadOnly: isHeadOnly, isEnded: inbox.isClosed && !inbox.wasReset)
            {
                inbox.bytes.removeFirst(length)
                return message
            }
            if inbox.isClosed {
                throw TooLate(description: "closed after \(String(decoding: inbox.bytes, as: UTF8.self))")
            }
            return nil
        }
    }

    /// Waits until the text is somewhere in what has come, and takes all up to its end.
    func text(through mark: String) async throws -> String {
        try await inbox.wait(for: mark) { inbox in
            let text = String(decoding: inbox.bytes, as: UTF8.self)
            if let end = text.firstRange(of: mark)?.upperBound {
                let taken = String(text[..<end])
                inbox.bytes.removeFirst(taken.utf8.count)
                return taken
            }
            if inbox.isClosed { throw TooLate(description: "closed without \(mark), after \(text)") }
            return nil
        }
    }

    /// All that comes until the connection ends, and whether a reset ended it.
    func untilClosed() async throws -> (text: String, wasReset: Bool) {
        try await inbox.wait(for: "end of the connection") { inbox in
            inbox.isClosed ? (String(decoding: inbox.bytes, as: UTF8.self), inbox.wasReset) : nil
        }
    }

    func hasReceived(atLeast count: Int) async throws {
        _ = try await inbox.wait(for: "\(count) bytes") { $0.received >= count ? true : nil }
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let inbox: Watched<Inbox>

        init(inbox: Watched<Inbox>) {
            self.inbox = inbox
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            inbox.change { inbox in
                inbox.received += bytes.readableBytes
                if !inbox.isCountedOnly { inbox.bytes += bytes.readableBytesView }
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            inbox.change { $0.isClosed = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            inbox.change { $0.wasReset = true }
            context.close(promise: nil)
        }
    }

    /// A listening socket whose connections a test answers byte by byte.
    final class Server: Sendable {
        let address: SocketAddress
        private let channel: any Channel
        private let accepted: Watched<Accepted>

        private struct Accepted: Sendable {
            var fresh: [Wire] = []
            var all: [Wire] = []
        }

        private init(channel: any Channel, accepted: Watched<Accepted>, address: SocketAddress) {
            self.channel = channel
            self.accepted = accepted
            self.address = address
        }

        static func start(tls: NIOSSLContext? = nil) async throws -> Server {
            let accepted = Watched(Accepted())
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.backlog, value: 1024)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let inbox = Watched(Inbox())
                        if let tls {
                            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                        }
                        try channel.pipeline.syncOperations.addHandler(Collector(inbox: inbox))
                        let wire = Wire(channel: channel, inbox: inbox)
                        accepted.change { accepted in
                            accepted.fresh.append(wire)
                            accepted.all.append(wire)
                        }
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            guard let address = channel.localAddress else { throw TooLate(description: "no address") }
            return Server(channel: channel, accepted: accepted, address: address)
        }

        var port: Int { address.port ?? 0 }
        /// Connections so far.
        var count: Int { accepted.read { $0.all.count } }
        var open: Int { accepted.read { $0.all.count { !$0.inbox.read(\.isClosed) } } }

        func accept() async throws -> Wire {
            try await accepted.wait(for: "connection") { $0.fresh.isEmpty ? nil : $0.fresh.removeFirst() }
        }

        func stop() async {
            try? await channel.close().get()
            for wire in accepted.read(\.all) { await wire.close() }
        }
    }
}
