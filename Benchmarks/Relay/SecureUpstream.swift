import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL

/// An upstream that speaks HTTP/2 over TLS and gives every request the same answer, on a thread of its own.
enum SecureUpstream {
    /// Runs to the end of the process; says at which port.
    static func start(certificate: String, key: String) throws -> Int {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        configuration.applicationProtocols = ["h2"]
        let tls = try NIOSSLContext(configuration: configuration)
        let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                        mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(AnswerHandler())
                        }
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        guard let port = channel.localAddress?.port else { throw Failure(description: "the upstream has no port") }
        return port
    }
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private static let head = HTTP2Frame.FramePayload.headers(
        .init(
            headers: .init(
                [
                    (":status", "200"), ("content-type", "application/json"),
                    ("content-length", String(Messages.completion.utf8.count)),
                ] + Messages.answerFields)))
    private static let body = HTTP2Frame.FramePayload.data(
        .init(data: .byteBuffer(ByteBuffer(string: Messages.completion)), endStream: true))

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .data(let part) = unwrapInboundIn(data), part.endStream else { return }
        context.write(wrapOutboundOut(Self.head), promise: nil)
        context.writeAndFlush(wrapOutboundOut(Self.body), promise: nil)
    }
}
