import Admission
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL

/// One connection to an upstream: HTTP/1.1, for one attempt at a time, or HTTP/2, for many.
final class UpstreamConnection {
    let number: Int
    /// Kept while the connection lasts: a reload may have put another in its place.
    let pool: UpstreamPool
    let channel: any Channel
    private(set) var isClosed = false
    /// Whether it has served an exchange before: then it may have died while it was idle.
    private var hasServed = false
    /// Whether it takes nothing new.
    private(set) var isRetired = false
    private var kind = Kind.negotiating

    private enum Kind {
        case negotiating
        case h1(HTTP1UpstreamEnd)
        case h2(HTTP2Upstream)
    }

    init(number: Int, pool: UpstreamPool, channel: any Channel) {
        self.number = number
        self.pool = pool
        self.channel = channel
    }

    var isHTTP2: Bool {
        if case .h2 = kind { true } else { false }
    }

    // MARK: Setting up

    func becomeHTTP1() throws {
        let end = HTTP1UpstreamEnd(connection: self, scratch: pool.scratch)
        try end.addHandlers(to: channel.pipeline.syncOperations)
        kind = .h1(end)
    }

    func becomeHTTP2() throws {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 0),
            HTTP2Setting(parameter: .initialWindowSize, value: StreamFlow.window),
            HTTP2Setting(parameter: .maxHeaderListSize, value: pool.decoderLimits.maxHeaderListSize),
        ]
        // ``FieldBlock`` looks at what comes, and what goes is made here.
        configuration.headerBlockValidation = .disabled
        var streams = NIOHTTP2Handler.StreamConfiguration()
        // The peer is the provider that the user chose; cancelled callers must not cost the connection.
        streams.streamResetFrameRateLimit.maximumCount = 2_000
        streams.streamErrorRateLimit.maximumCount = 2_000
        let goAways = GoAwayWatch()
        let http2 = NIOHTTP2Handler(
            mode: .client, frameDelegate: goAways, connectionConfiguration: configuration,
            streamConfiguration: streams)
        let frames = HTTP2Upstream(connection: self, goAways: goAways)
        try channel.pipeline.syncOperations.addHandlers([http2, frames])
        kind = .h2(frames)
    }

    // MARK: Leasing

    /// Lends the connection to an exchange.
    func serve(_ exchange: Exchange) {
        let isReused = hasServed
        hasServed = true
        switch kind {
        case .negotiating: preconditionFailure("a connection is lent once it is set up")
        case .h1(let end):
            end.begin(exchange)
            exchange.leased(end, isReused: isReused)
        case .h2(let frames): exchange.leased(HTTP2UpstreamEnd(frames, exchange: exchange), isReused: isReused)
        }
    }

    // MARK: Ends

    /// An answer has ended, on HTTP/1.1.
    func finished(_ end: HTTP1UpstreamEnd, isReusable: Bool) {
        if isReusable, !isClosed {
            pool.released(self)
        } else {
            channel.close(promise: nil)
        }
    }

    /// Ends the connection with a TCP reset, below TLS: an exchange gave up before the end of its answer. An orderly end
    /// of TLS waits for the peer's part in it, and a peer that does not read while it answers would go on for seconds
    /// with what nobody counts any more.
    func discard() {
        let channel = self.channel
        let tls = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self)
        guard let socket = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        // Where the option fails the close still comes, as FIN.
        socket.setSoLinger(NIOLinger(l_onoff: 1, l_linger: 0)).assumeIsolated().whenComplete { _ in
            if let tls { tls.close(promise: nil) } else { channel.close(promise: nil) }
        }
    }

    func maxStreams(_ count: Int) {
        pool.maxStreams(count, on: self)
    }

    /// Nothing new begins on it; what is under way may end.
    func retire() {
        guard !isRetired else { return }
        isRetired = true
        pool.retire(self)
    }

    func closed() {
        guard !isClosed else { return }
        isClosed = true
        pool.closed(self)
    }
}
