import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL

/// What a test writes at its end of an exchange, whichever HTTP carries it.
enum Part: Sendable {
    case request(HTTPMethod, String, HTTPHeaders, isEnd: Bool)
    case status(Int, HTTPHeaders, isEnd: Bool)
    case body(ByteBuffer, isEnd: Bool)
    case end(HTTPHeaders)
    /// Of a stream.
    case reset(HTTP2ErrorCode)
}

/// One end of one exchange, played by a test: the caller's or the origin's, over HTTP/1.1 or as a stream of HTTP/2.
final class ExchangeEnd: Sendable {
    struct Head: Sendable {
        var method = HTTPMethod.GET
        var target = ""
        var status = 0
        var fields = HTTPHeaders()
    }

    struct Inbox: Sendable {
        var informational: [Head] = []
        var head: Head?
        /// Bytes of the body so far.
        var count = 0
        /// The beginning of the body.
        var text: [UInt8] = []
        /// Whether the body is ``Pattern`` so far.
        var isPattern = true
        var trailers = HTTPHeaders()
        /// Whether the message is whole.
        var isEnded = false
        /// Whether nothing more can come: the stream or the connection is over.
        var isGone = false
        var resetCode: HTTP2ErrorCode?
    }

    let channel: any Channel
    /// Whether the channel is a stream of a connection and not the connection itself.
    let isStream: Bool
    let inbox = Watched(Inbox())

    init(channel: any Channel, isStream: Bool) {
        self.channel = channel
        self.isStream = isStream
    }

    var connection: any Channel { isStream ? channel.parent ?? channel : channel }

    // MARK: What comes

    func take(_ head: Head) {
        inbox.change { inbox in
            if head.status > 0, head.status < 200 { inbox.informational.append(head) } else { inbox.head = head }
        }
    }

    func take(_ bytes: ByteBuffer) {
        inbox.change { inbox in
            if inbox.text.count < 1024 { inbox.text += bytes.readableBytesView.prefix(1024) }
            if inbox.isPattern { inbox.isPattern = Pattern.stands(bytes, at: inbox.count) }
            inbox.count += bytes.readableBytes
        }
    }

    func takeEnd(_ trailers: HTTPHeaders?) {
        inbox.change { inbox in
            inbox.trailers = trailers ?? [:]
            inbox.isEnded = true
        }
    }

    func gone() { inbox.change { $0.isGone = true } }

    /// The head of the message; of an answer the one that counts.
    @discardableResult
    func head() async throws -> Head {
        try await inbox.wait(for: "head") { inbox in
            if let head = inbox.head { return head }
            if inbox.isGone { throw TooLate(description: "gone without a head") }
            return nil
        }
    }

    /// The whole message, however long it takes as long as something of it comes.
    @discardableResult
    func whole() async throws -> Inbox {
        while true {
            let before = inbox.read(\.count)
            do {
                return try await end()
            } catch is TooLate where inbox.read(\.count) > before {
                continue
            }
        }
    }

    private func end() async throws -> Inbox {
        try await inbox.wait(for: "end of the message") { inbox in
            if inbox.isEnded { return inbox }
            if inbox.isGone {
                throw TooLate(description: "gone after \(inbox.count) bytes, \(inbox.head?.status ?? 0)")
            }
            return nil
        }
    }

    func received(_ count: Int) async throws {
        _ = try await inbox.wait(for: "\(count) bytes") { inbox in
            if inbox.count >= count { return true }
            if inbox.isGone { throw TooLate(description: "gone after \(inbox.count) bytes") }
            return nil
        }
    }

    /// The end of the stream or connection, and what had come by then.
    @discardableResult
    func over() async throws -> Inbox {
        try await inbox.wait(for: "end of the stream") { $0.isGone ? $0 : nil }
    }

    // MARK: What goes

    func send(_ part: Part) async throws { try await channel.writeAndFlush(part).get() }

    func answer(_ status: Int = 200, _ fields: HTTPHeaders = [:], _ text: String = "") async throws {
        try await send(.status(status, fields, isEnd: text.isEmpty))
        if !text.isEmpty { try await send(.body(ByteBuffer(string: text), isEnd: true)) }
    }

    /// Sends a whole body of the pattern, a part when the one before it has gone out.
    func sendPattern(_ count: Int, part size: Int = 64 << 10) async throws {
        var sent = 0
        repeat {
            let part = Pattern.bytes(at: sent, min(size, count - sent))
            sent += part.readableBytes
            try await send(.body(part, isEnd: sent == count))
        } while sent < count
    }

    /// Breaks the exchange off in its protocol's way: RST_STREAM, or a TCP reset.
    func reset(_ code: HTTP2ErrorCode = .cancel) async {
        guard isStream else { return await Self.reset(channel) }
        // It may be over already, which is as good.
        try? await send(.reset(code))
    }

    /// Ends a connection with a TCP reset, below TLS.
    static func reset(_ channel: any Channel) async {
        if let socket = channel as? any SocketOptionProvider, channel.localAddress?.port != nil {
            try? await socket.setSoLinger(NIOLinger(l_onoff: 1, l_linger: 0)).get()
        }
        channel.eventLoop.execute {
            let pipeline = channel.pipeline.syncOperations
            let tls =
                (try? pipeline.context(handlerType: NIOSSLServerHandler.self))
                ?? (try? pipeline.context(handlerType: NIOSSLClientHandler.self))
            if let tls { tls.close(promise: nil) } else { channel.close(promise: nil) }
        }
        _ = try? await channel.closeFuture.get()
    }

    func read(_ isOn: Bool) async throws {
        try await channel.setOption(.autoRead, value: isOn).get()
        // A stream's channel does not do so by itself.
        if isOn { channel.read() }
    }
}
