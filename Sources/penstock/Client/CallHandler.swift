import NIOCore
import NIOHTTP1
import NIOTLS

/// One HTTP/1.1 connection of a caller: a call goes in, its answer comes out of the call's promise.
final class CallHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Order
    typealias OutboundOut = HTTPClientRequestPart

    /// A call and who is told about its answer.
    struct Order: Sendable {
        let call: CallClient.Call
        let promise: EventLoopPromise<CallClient.Answer>
    }

    private let host: String
    /// Told when the TLS handshake is over, or why there was none.
    private var secured: EventLoopPromise<Void>?
    private var promise: EventLoopPromise<CallClient.Answer>?
    private var answer: CallClient.Answer?
    private var isLast = false

    init(host: String) {
        self.host = host
    }

    /// The end of the TLS handshake, to be asked for as soon as the connection stands.
    func handshake(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        secured = promise
        return promise.futureResult
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            secured?.succeed()
            secured = nil
        }
        context.fireUserInboundEventTriggered(event)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let order = unwrapOutboundIn(data)
        precondition(self.promise == nil, "a connection carries one call at a time")
        self.promise = order.promise
        var headers = HTTPHeaders(order.call.headers)
        headers.add(name: "Host", value: host)
        if !order.call.body.isEmpty { headers.add(name: "Content-Length", value: "\(order.call.body.utf8.count)") }
        let head = HTTPRequestHead(
            version: .http1_1, method: order.call.method, uri: order.call.path, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !order.call.body.isEmpty {
            let body = context.channel.allocator.buffer(string: order.call.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            answer = CallClient.Answer(status: Int(head.status.code), headers: head.headers)
            isLast = !head.isKeepAlive
        case .body(let bytes):
            answer?.bytes += bytes.readableBytesView
        case .end:
            guard let answer, let promise else { return }
            (self.answer, self.promise) = (nil, nil)
            if isLast { context.close(promise: nil) }
            promise.succeed(answer)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error)
        context.close(promise: nil)
    }

    private func fail(_ error: any Error) {
        secured?.fail(error)
        promise?.fail(error)
        (secured, promise, answer) = (nil, nil, nil)
    }
}
