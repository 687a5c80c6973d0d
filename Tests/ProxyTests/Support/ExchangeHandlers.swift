import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// HTTP/1.1 messages as a test says them: nothing is added but the framing, and nothing is checked.
struct HTTP1Script {
    private var isChunked = false

    /// - Parameter isHead: whether the message answers HEAD.
    mutating func text(of part: Part, isHead: Bool = false) -> ByteBuffer {
        var text = ByteBuffer()
        switch part {
        case .request(let method, let target, let fields, let isEnd):
            text.writeString("\(method.rawValue) \(target) HTTP/1.1\r\n")
            writeFields(fields, mayChunk: !isEnd, to: &text)
        case .status(let status, let fields, let isEnd):
            text.writeString("HTTP/1.1 \(status) X\r\n")
            writeFields(fields, mayChunk: status >= 200 && status != 204 && status != 304 && !isHead, to: &text)
            if isEnd { writeEnd([:], to: &text) }
        case .body(let bytes, let isEnd):
            if isChunked, bytes.readableBytes > 0 {
                text.writeString("\(String(bytes.readableBytes, radix: 16))\r\n")
            }
            text.writeImmutableBuffer(bytes)
            if isChunked, bytes.readableBytes > 0 { text.writeString("\r\n") }
            if isEnd { writeEnd([:], to: &text) }
        case .end(let trailers): writeEnd(trailers, to: &text)
        case .reset: preconditionFailure("a connection is reset below its text")
        }
        return text
    }

    private mutating func writeFields(_ fields: HTTPHeaders, mayChunk: Bool, to text: inout ByteBuffer) {
        for (name, value) in fields { text.writeString("\(name): \(value)\r\n") }
        isChunked = mayChunk && !fields.contains(name: "content-length") && !fields.contains(name: "transfer-encoding")
        text.writeString(isChunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n")
    }

    private func writeEnd(_ trailers: HTTPHeaders, to text: inout ByteBuffer) {
        guard isChunked else { return }
        text.writeString("0\r\n")
        for (name, value) in trailers { text.writeString("\(name): \(value)\r\n") }
        text.writeString("\r\n")
    }
}

/// A caller's HTTP/1.1 connection; what it has asked for is answered in that order.
final class HTTP1CallerHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Part
    typealias OutboundOut = ByteBuffer

    private let decoder: HTTPResponseDecoder
    private let ends: Watched<[ExchangeEnd]>
    private var script = HTTP1Script()
    /// Below the decoder, which is told of heads only.
    private var outlet: ChannelHandlerContext?

    /// - Parameter ends: those that were opened and not yet answered.
    init(decoder: HTTPResponseDecoder, ends: Watched<[ExchangeEnd]>) {
        self.decoder = decoder
        self.ends = ends
    }

    func handlerAdded(context: ChannelHandlerContext) {
        outlet = try? context.pipeline.syncOperations.context(
            handlerType: ByteToMessageHandler<HTTPResponseDecoder>.self)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        if case .request(let method, let target, _, _) = part {
            decoder.write(data: .head(HTTPRequestHead(version: .http1_1, method: method, uri: target)))
        }
        outlet?.write(wrapOutboundOut(script.text(of: part)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let end = ends.read(\.first) else { return }
        switch unwrapInboundIn(data) {
        case .head(let head): end.take(ExchangeEnd.Head(status: Int(head.status.code), fields: head.headers))
        case .body(let bytes): end.take(bytes)
        case .end(let trailers):
            ends.change { _ = $0.removeFirst() }
            end.takeEnd(trailers)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        for end in ends.change({ ends in
            defer { ends = [] }; return ends
        }) { end.gone() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// An origin's HTTP/1.1 connection.
final class HTTP1OriginHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Part
    typealias OutboundOut = ByteBuffer

    private let begun: @Sendable (ExchangeEnd) -> Void
    private var end: ExchangeEnd?
    private var isHead = false
    private var script = HTTP1Script()

    init(begun: @escaping @Sendable (ExchangeEnd) -> Void) {
        self.begun = begun
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(wrapOutboundOut(script.text(of: unwrapOutboundIn(data), isHead: isHead)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let end = ExchangeEnd(channel: context.channel, isStream: false)
            self.end = end
            isHead = head.method == .HEAD
            end.take(ExchangeEnd.Head(method: head.method, target: head.uri, fields: head.headers))
            begun(end)
        case .body(let bytes): end?.take(bytes)
        case .end(let trailers): end?.takeEnd(trailers)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { end?.gone() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// A stream of HTTP/2, at either end.
final class HTTP2EndHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundIn = Part
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let end: ExchangeEnd
    private let begun: @Sendable (ExchangeEnd) -> Void
    private var hasHead = false

    /// - Parameter begun: called with the end when its head has come.
    init(end: ExchangeEnd, begun: @escaping @Sendable (ExchangeEnd) -> Void) {
        self.end = end
        self.begun = begun
    }

    // MARK: Outbound

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(wrapOutboundOut(Self.payload(of: unwrapOutboundIn(data))), promise: promise)
    }

    private static func payload(of part: Part) -> HTTP2Frame.FramePayload {
        switch part {
        case .request(let method, let target, let fields, let isEnd):
            let start = [(":method", method.rawValue), (":scheme", "http"), (":path", target), (":authority", "proxy")]
            return .headers(.init(headers: block(start, fields), endStream: isEnd))
        case .status(let status, let fields, let isEnd):
            return .headers(.init(headers: block([(":status", "\(status)")], fields), endStream: isEnd))
        case .body(let bytes, let isEnd): return .data(.init(data: .byteBuffer(bytes), endStream: isEnd))
        case .end(let trailers):
            if trailers.isEmpty { return .data(.init(data: .byteBuffer(ByteBuffer()), endStream: true)) }
            return .headers(.init(headers: block([], trailers), endStream: true))
        case .reset(let code): return .rstStream(code)
        }
    }

    private static func block(_ start: [(String, String)], _ fields: HTTPHeaders) -> HPACKHeaders {
        HPACKHeaders(
            start
                + fields.compactMap { name, value in
                    name.lowercased() == "host" ? nil : (name.lowercased(), value)
                })
    }

    // MARK: Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let headers):
            take(headers.headers)
            if headers.endStream { takeEnd(headers.headers) }
        case .data(let data):
            if case .byteBuffer(let bytes) = data.data, bytes.readableBytes > 0 { end.take(bytes) }
            if data.endStream { end.takeEnd(nil) }
        default: break
        }
    }

    private func take(_ block: HPACKHeaders) {
        guard !hasHead else { return }
        let head = ExchangeEnd.Head(
            method: HTTPMethod(rawValue: block.first(name: ":method") ?? ""), target: block.first(name: ":path") ?? "",
            status: Int(block.first(name: ":status") ?? "") ?? 0,
            fields: HTTPHeaders(block.filter { !$0.name.hasPrefix(":") }.map { ($0.name, $0.value) }))
        hasHead = head.status == 0 || head.status >= 200
        end.take(head)
        if hasHead { begun(end) }
    }

    private func takeEnd(_ block: HPACKHeaders) {
        let isHead = block.contains(name: ":status") || block.contains(name: ":method")
        end.takeEnd(isHead ? nil : HTTPHeaders(block.map { ($0.name, $0.value) }))
    }

    func channelInactive(context: ChannelHandlerContext) { end.gone() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? NIOHTTP2Errors.StreamClosed {
            end.inbox.change { $0.resetCode = error.errorCode }
        } else {
            context.close(promise: nil)
        }
    }
}
