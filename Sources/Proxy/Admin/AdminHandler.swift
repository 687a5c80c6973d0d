import NIOCore
import NIOHTTP1

/// The admin address: one answer per request, from bytes made at that moment.
final class AdminHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let pages: AdminPages
    private var head: HTTPRequestHead?

    init(pages: AdminPages) {
        self.pages = pages
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            if watches(head, context) { return }
            // The requests of one connection are answered one after the other, however long one takes.
            let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
            pages.page(for: head, on: context.eventLoop).whenSuccess { page in
                let (handler, context) = bound.value
                if context.channel.isActive { handler.write(page, to: head, context) }
            }
        }
    }

    /// Begins an answer that goes on until one side ends it; says whether the request was one for that and there was a
    /// place for it.
    private func watches(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Bool {
        guard head.method == .GET, AdminPages.path(of: head) == "/events" else { return false }
        return pages.watchers.enter(context.channel) {
            let headers = Self.fields(EventText.contentType, policy: AdminPage.strictest)
            let response = HTTPResponseHead(version: head.version, status: .ok, headers: headers)
            context.write(wrapOutboundOut(.head(response)), promise: nil)
            let start = ByteBuffer(bytes: EventText.start)
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(start))), promise: nil)
        }
    }

    private static func fields(_ contentType: String, policy: String) -> HTTPHeaders {
        HTTPHeaders([
            ("Content-Type", contentType), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", policy), ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ])
    }

    private func write(_ page: AdminPage, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var headers = Self.fields(page.contentType, policy: page.policy)
        headers.add(name: "Content-Length", value: String(page.body.count))
        if let allow = page.allow { headers.add(name: "Allow", value: allow) }
        if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
        let response = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: page.status), headers: headers)
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: page.body)))), promise: nil)
        }
        let written = context.eventLoop.makePromise(of: Void.self)
        if !head.isKeepAlive {
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            written.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

struct AdminPage: Sendable {
    var status = 200
    var contentType = "text/plain; charset=utf-8"
    var allow: String?
    /// What the browser may do with it: nothing, where it is not made for one.
    var policy = strictest
    var body: [UInt8]

    static let strictest = "default-src 'none'; frame-ancestors 'none'"

    init(status: Int = 200, contentType: String = "text/plain; charset=utf-8", allow: String? = nil, _ text: String) {
        self.init(status: status, contentType: contentType, allow: allow, body: Array(text.utf8))
    }

    init(status: Int = 200, contentType: String, allow: String? = nil, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.allow = allow
        self.body = body
    }
}
