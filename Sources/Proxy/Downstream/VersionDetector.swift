import Admission
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import NIOTLS

/// Finds out by a connection's first bytes which HTTP it speaks, sets up what speaks it, and goes away.
///
/// HTTP/2 begins with a preface that is no HTTP/1.1 request (RFC 9113 §3.4), so that one port serves both; under TLS
/// the bytes say what ALPN has agreed on. A connection that is open and silent costs no parser.
final class VersionDetector: Watched, ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Enough of the preface to know it by.
    private static let mark: StaticString = "PRI "
    /// Most fields of a request.
    private static let mostFields = 128

    private let worker: Worker
    private let owner: String?
    private let isSecure: Bool
    private var isShakingHands: Bool
    /// What ALPN has agreed on; nobody may speak something else then (RFC 7301 §3.2).
    private var agreed: String?
    private var received = ByteBuffer()
    private var context: ChannelHandlerContext?

    /// - Parameter isSecure: whether a TLS handshake comes first.
    init(worker: Worker, owner: String?, isSecure: Bool) {
        self.worker = worker
        self.owner = owner
        self.isSecure = isSecure
        isShakingHands = isSecure
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { opened() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        worker.closed(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        opened()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        worker.closed(self)
        context.fireChannelInactive()
    }

    private func opened() {
        guard watchPlace < 0 else { return }
        worker.opened(self)
        deadline = Clock.now() + (isSecure ? Downstream.headTimeout : Downstream.idleTimeout)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let agreed)? = event as? TLSUserEvent {
            self.agreed = agreed
            isShakingHands = false
            deadline = Clock.now() + Downstream.idleTimeout
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if received.readableBytes == 0 { swap(&received, &bytes) } else { received.writeBuffer(&bytes) }
        guard let isHTTP2 = Self.isHTTP2(received) else {
            deadline = Clock.now() + Downstream.headTimeout
            return
        }
        if let agreed, isHTTP2 != (agreed == "h2") { return context.close(promise: nil) }
        // From here on the connection counts as what it has turned out to be.
        worker.closed(self)
        do {
            try isHTTP2 ? becomeHTTP2(context) : becomeHTTP1(context)
        } catch {
            return context.close(promise: nil)
        }
        let first = received
        received = ByteBuffer()
        context.fireChannelRead(wrapInboundOut(first))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    /// `nil` while the bytes could be the beginning of either.
    static func isHTTP2(_ bytes: ByteBuffer) -> Bool? {
        let view = bytes.readableBytesView
        return mark.withUTF8Buffer { mark in
            guard view.elementsEqual(mark.prefix(view.count)) || view.starts(with: mark) else { return false }
            return view.count < mark.count ? nil : true
        }
    }

    private func becomeHTTP1(_ context: ChannelHandlerContext) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = worker.maxHeaderBytes
        limits.maxHeaderFieldSize = worker.maxHeaderBytes
        limits.maxHeaderFieldCount = Self.mostFields
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
        try context.pipeline.syncOperations.addHandlers([
            ByteToMessageHandler(decoder), HTTP1Downstream(worker: worker, owner: owner),
        ])
    }

    private func becomeHTTP2(_ context: ChannelHandlerContext) throws {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: HTTP2Downstream.mostStreams),
            HTTP2Setting(parameter: .initialWindowSize, value: StreamFlow.window),
            HTTP2Setting(parameter: .maxHeaderListSize, value: worker.maxHeaderBytes),
            HTTP2Setting(parameter: .enableConnectProtocol, value: 1),
        ]
        // ``FieldBlock`` looks at what comes, and what goes is made here.
        connection.headerBlockValidation = .disabled
        // Some libraries send an empty frame now and then; a flood of them stops here.
        connection.maximumSequentialEmptyDataFrames = 16
        // gRPC measures the way with pings.
        connection.controlFrameRateLimit.maximumCount = 1_000
        var stream = NIOHTTP2Handler.StreamConfiguration()
        // What a caller may cancel at once is counted where it is known what it had asked for.
        stream.streamResetFrameRateLimit.maximumCount = 2 * HTTP2Downstream.mostResets
        let goAways = GoAwayWatch()
        let http2 = NIOHTTP2Handler(
            mode: .server, frameDelegate: goAways, connectionConfiguration: connection, streamConfiguration: stream)
        let bytes = FrameBoundaryWatch()
        try context.pipeline.syncOperations.addHandlers([
            bytes, http2, HTTP2Downstream(worker: worker, owner: owner, goAways: goAways, bytes: bytes),
        ])
    }

    /// A handshake takes most of the memory of a connection that has said nothing.
    override var isOwed: Bool { isShakingHands }

    override func deadlinePassed(now: Instant) {
        deadline = .never
        closeNow()
    }

    override func closeNow() {
        context?.close(promise: nil)
    }

    override func drain() {
        closeNow()
    }
}
