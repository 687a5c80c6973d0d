import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The callers' side: as many HTTP/1.1 connections to one address as calls are made at once, kept for the next calls.
final class CallClient: Sendable {
    struct Call: Sendable {
        var method = HTTPMethod.POST
        var path: String
        var headers: [(String, String)] = []
        var body = ""
    }

    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var bytes: [UInt8] = []
        var body: String { String(decoding: bytes, as: UTF8.self) }
    }

    private struct Connections {
        var open: [ObjectIdentifier: any Channel] = [:]
        var idle: [any Channel] = []
        var isClosed = false
    }

    private let address: SocketAddress
    private let security: CallSecurity?
    private let group: any EventLoopGroup
    private let connections = Mutex(Connections())

    /// - Parameter security: `nil` without TLS.
    init(to address: SocketAddress, security: CallSecurity? = nil, group: any EventLoopGroup) {
        self.address = address
        self.security = security
        self.group = group
    }

    /// Makes a call and waits for the whole answer. Throws where there is none, whatever the reason.
    func send(_ call: Call) async throws -> Answer {
        let channel: any Channel = if let idle = takeIdle() { idle } else { try await connect() }
        let promise = channel.eventLoop.makePromise(of: Answer.self)
        // Of a connection that has just been closed no handler is left to say so; a second failure changes nothing.
        channel.writeAndFlush(CallHandler.Order(call: call, promise: promise)).cascadeFailure(to: promise)
        let answer = try await promise.futureResult.get()
        connections.withLock { if !$0.isClosed { $0.idle.append(channel) } }
        return answer
    }

    /// Ends all connections and with them every call under way; no call is made after it.
    func close() {
        let open = connections.withLock { connections in
            connections.isClosed = true
            connections.idle = []
            return Array(connections.open.values)
        }
        for channel in open { channel.close(promise: nil) }
    }

    private func takeIdle() -> (any Channel)? {
        connections.withLock { connections in
            while let channel = connections.idle.popLast() {
                if channel.isActive { return channel }
            }
            return nil
        }
    }

    private func connect() async throws -> any Channel {
        let host = "\(address.ipAddress ?? "localhost"):\(address.port ?? 80)"
        let channel = try await ClientBootstrap(group: group)
            .connectTimeout(.seconds(5))
            .channelInitializer { [security] channel in
                channel.eventLoop.makeCompletedFuture {
                    if let security { try channel.pipeline.syncOperations.addHandler(security.handler()) }
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(CallHandler(host: host))
                }
            }
            .connect(to: address)
            .flatMap { [security] channel -> EventLoopFuture<any Channel> in
                guard security != nil else { return channel.eventLoop.makeSucceededFuture(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.handler(type: CallHandler.self).handshake(on: channel.eventLoop)
                }.flatMap { $0 }.map { channel }
            }
            .get()
        let isWanted = connections.withLock { connections in
            if !connections.isClosed { connections.open[ObjectIdentifier(channel)] = channel }
            return !connections.isClosed
        }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.connections.withLock { _ = $0.open.removeValue(forKey: ObjectIdentifier(channel)) }
        }
        if isWanted { return channel }
        channel.close(promise: nil)
        throw ChannelError.alreadyClosed
    }
}
