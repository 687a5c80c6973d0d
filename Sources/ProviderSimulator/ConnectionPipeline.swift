import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL

/// Lays out the handlers of an accepted connection: TLS and what ALPN chose, or a look at the first bytes.
struct ConnectionPipeline: Sendable {
    let ledger: SharedLedger
    let tls: NIOSSLContext?

    func configure(_ channel: any Channel) -> EventLoopFuture<Void> {
        do {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(SocketResetHandler())
            guard let tls else {
                try pipeline.addHandler(ProtocolSniffer(connection: self))
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            try pipeline.addHandler(NIOSSLServerHandler(context: tls))
            return channel.configureHTTP2SecureUpgrade(
                h2ChannelConfigurator: { channel in
                    channel.eventLoop.makeCompletedFuture { try speakHTTP2(channel) }
                },
                http1ChannelConfigurator: { channel in
                    channel.eventLoop.makeCompletedFuture { try speakHTTP1(channel) }
                })
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    func speakHTTP1(_ channel: any Channel) throws {
        // Pipelined requests are seen one after the other: the next arrives when the one before it has been answered.
        try channel.pipeline.syncOperations.configureHTTPServerPipeline()
        try channel.pipeline.syncOperations.addHandler(ExchangeHandler(ledger: ledger, isStream: false))
    }

    func speakHTTP2(_ channel: any Channel) throws {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        // Callers that cancel much are what the simulator is for, so the guards against them are wide.
        connection.maximumRecentlyResetStreams = 10_000
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 1_000),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 64 << 10),
        ]
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.streamResetFrameRateLimit.maximumCount = 100_000
        stream.streamErrorRateLimit.maximumCount = 100_000
        let ledger = self.ledger
        _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: connection, streamConfiguration: stream
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                let pipeline = stream.pipeline.syncOperations
                try pipeline.addHandler(StreamResetHandler())
                try pipeline.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
                try pipeline.addHandler(ExchangeHandler(ledger: ledger, isStream: true))
            }
        }
    }
}

/// Waits for the first bytes of a plain connection: HTTP/2 with prior knowledge begins with a fixed preface
/// (RFC 9113 §3.4), anything else is HTTP/1.1.
final class ProtocolSniffer: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private let connection: ConnectionPipeline
    private var seen = ByteBuffer()

    init(connection: ConnectionPipeline) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        seen.writeBuffer(&bytes)
        let isPreface = seen.readableBytesView.starts(with: Self.preface)
        guard isPreface || !Self.preface.starts(with: seen.readableBytesView) else { return }
        do {
            try isPreface ? connection.speakHTTP2(context.channel) : connection.speakHTTP1(context.channel)
            context.fireChannelRead(wrapInboundOut(seen))
            context.fireChannelReadComplete()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }
}
