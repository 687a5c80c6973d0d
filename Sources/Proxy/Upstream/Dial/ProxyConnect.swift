import Admission
import NIOCore
import NIOHTTP1

/// Has an HTTP proxy open a tunnel over a connection to it (CONNECT, RFC 9110 §9.3.6).
struct ProxyConnect {
    let host: String
    let port: Int
    /// `user:password`.
    let credentials: String?
    /// For the proxy's answer.
    let timeout: Interval

    private var head: HTTPRequestHead {
        let target = "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        var headers = HTTPHeaders([("Host", target)])
        if let credentials { headers.add(name: "Proxy-Authorization", value: BasicAuthorization.field(credentials)) }
        return HTTPRequestHead(version: .http1_1, method: .CONNECT, uri: target, headers: headers)
    }

    /// The same channel once it leads to the other end. Fails with ``UpstreamFailure/proxy(_:)`` and closes it.
    func open(on channel: any Channel) -> EventLoopFuture<any Channel> {
        let loop = channel.eventLoop
        let opened = loop.makePromise(of: Void.self)
        let late = loop.scheduleTask(in: TimeAmount(timeout)) { opened.fail(UpstreamFailure.proxy(.silent)) }
        opened.futureResult.whenComplete { result in
            late.cancel()
            if case .failure = result { channel.close(promise: nil) }
        }
        let handlers = Handlers(opened: opened)
        do {
            try handlers.add(to: channel.pipeline.syncOperations)
        } catch {
            // The connection has broken in between.
            opened.fail(UpstreamFailure.proxy(.closed))
        }
        handlers.answer.send(head)
        return opened.futureResult.assumeIsolated()
            .flatMap { handlers.remove(from: channel.pipeline.syncOperations) }
            .map { channel }
            .nonisolated()
    }

    /// What stands in the pipeline until the proxy has answered.
    private struct Handlers {
        let end: AnswerEndHandler
        let encoder: HTTPRequestEncoder
        let decoder = ByteToMessageHandler(HTTPResponseDecoder())
        let answer: ProxyAnswerHandler

        init(opened: EventLoopPromise<Void>) {
            var configuration = HTTPRequestEncoder.Configuration()
            configuration.automaticallySetFramingHeaders = false
            encoder = HTTPRequestEncoder(configuration: configuration)
            answer = ProxyAnswerHandler(opened: opened)
            end = AnswerEndHandler(of: answer)
        }

        func add(to pipeline: ChannelPipeline.SynchronousOperations) throws {
            try pipeline.addHandlers([end, encoder, decoder, answer])
        }

        func remove(from pipeline: ChannelPipeline.SynchronousOperations) -> EventLoopFuture<Void> {
            let end = NIOLoopBound(end, eventLoop: pipeline.eventLoop)
            return pipeline.removeHandler(answer)
                .and(pipeline.removeHandler(decoder))
                .and(pipeline.removeHandler(encoder))
                .map { _ in end.value.leaveWhenEmpty() }
        }
    }
}

/// Sends the request and reads the answer to it, and nothing beyond.
private final class ProxyAnswerHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let opened: EventLoopPromise<Void>
    private var context: ChannelHandlerContext?
    /// Whether there is a tunnel.
    private(set) var isOpen = false

    init(opened: EventLoopPromise<Void>) {
        self.opened = opened
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        opened.fail(UpstreamFailure.proxy(.closed))
    }

    func send(_ head: HTTPRequestHead) {
        guard let context else { return }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head) where (200..<300).contains(head.status.code):
            isOpen = true
            opened.succeed()
        case .head(let head): opened.fail(UpstreamFailure.proxy(.refused(head.status)))
        case .body, .end: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isOpen { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        opened.fail(UpstreamFailure.proxy(.closed))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        opened.fail(UpstreamFailure(error).fromProxy)
        context.close(promise: nil)
    }
}

/// Hands on the proxy's answer up to the end of its head, and keeps what the other end of the tunnel has sent together
/// with it until somebody reads. NIO's parser would take that for the next answer.
private final class AnswerEndHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answer: ProxyAnswerHandler
    private var context: ChannelHandlerContext?
    private var rest = ByteBuffer()
    private var isLineEmpty = true

    init(of answer: ProxyAnswerHandler) {
        self.answer = answer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        rest.writeBuffer(&bytes)
        // An interim answer (1xx) has a head and an end as well.
        while !answer.isOpen, rest.readableBytes > 0, let part = rest.readSlice(length: lengthToEmptyLine()) {
            context.fireChannelRead(wrapInboundOut(part))
        }
    }

    /// The bytes up to and with the next empty line, or all.
    private func lengthToEmptyLine() -> Int {
        for (index, byte) in rest.readableBytesView.enumerated() {
            if byte == UInt8(ascii: "\n"), isLineEmpty { return index + 1 }
            isLineEmpty = byte == UInt8(ascii: "\n") || isLineEmpty && byte == UInt8(ascii: "\r")
        }
        return rest.readableBytes
    }

    func leaveWhenEmpty() {
        guard let context, rest.readableBytes == 0 else { return }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        guard answer.isOpen, rest.readableBytes > 0 else { return context.read() }
        context.fireChannelRead(wrapInboundOut(rest))
        rest.clear()
        context.fireChannelReadComplete()
        leaveWhenEmpty()
    }
}
