import NIOCore
import NIOPosix
import ProviderSimulator
import Synchronization

/// A TCP connection on which a test writes and reads bytes, with nothing in between that knows HTTP.
final class Wire: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    private init(channel: any Channel, inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    static func connect(to simulator: Simulator) async throws -> Wire {
        let inbox = Inbox()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(inbox) }
            }
            .connect(to: simulator.address)
            .get()
        return Wire(channel: channel, inbox: inbox)
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    /// A POST with a length, as a client with keep-alive sends it.
    func post(_ target: String, _ body: String, headers: String = "") async throws {
        try await send(
            "POST \(target) HTTP/1.1\r\nhost: s\r\n\(headers)content-length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// Waits until what has come since the last call satisfies the condition or the peer is gone, and takes it.
    func take(until isEnough: @escaping @Sendable (String) -> Bool) async -> String {
        await inbox.take(until: isEnough)
    }

    /// One answer with a `content-length` or in chunks.
    func answer() async -> String {
        await take { text in
            guard let end = text.firstRange(of: "\r\n\r\n") else { return false }
            guard let field = text.firstRange(of: "content-length: ") else { return text.hasSuffix("0\r\n\r\n") }
            let length = Int(text[field.upperBound...].prefix { $0.isNumber }) ?? 0
            return text[end.upperBound...].utf8.count >= length
        }
    }

    /// All that comes until the connection ends, and whether a reset ended it.
    func untilClosed() async -> (text: String, wasReset: Bool) {
        let text = await inbox.take { _ in false }
        return (text, inbox.wasReset)
    }

    func close() async {
        channel.close(promise: nil)
        // It may have been closed by the peer before, which is as good.
        _ = try? await channel.closeFuture.get()
    }
}

/// Collects what a connection receives for one reader at a time.
private final class Inbox: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private struct State {
        var text = ""
        var isClosed = false
        var wasReset = false
        var isEnough: (@Sendable (String) -> Bool)?
        var reader: CheckedContinuation<String, Never>?
    }

    private let state = Mutex(State())

    var wasReset: Bool { state.withLock { $0.wasReset } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = String(buffer: unwrapInboundIn(data))
        change { $0.text += text }
    }

    func channelInactive(context: ChannelHandlerContext) {
        change { $0.isClosed = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        change { $0.wasReset = true }
        context.close(promise: nil)
    }

    func take(until isEnough: @escaping @Sendable (String) -> Bool) async -> String {
        await withCheckedContinuation { reader in
            change {
                $0.isEnough = isEnough
                $0.reader = reader
            }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let ready: (CheckedContinuation<String, Never>, String)? = state.withLock { state in
            body(&state)
            guard let reader = state.reader, state.isClosed || state.isEnough?(state.text) == true else { return nil }
            defer {
                state.reader = nil
                state.text = ""
            }
            return (reader, state.text)
        }
        ready.map { $0.resume(returning: $1) }
    }
}

/// Runs a simulator for the length of a test.
func withSimulator<Result>(
    _ limits: [String] = [], configure: (inout SimulatorSettings) -> Void = { _ in },
    body: (Simulator) async throws -> Result
) async throws -> Result {
    var settings = SimulatorSettings()
    settings.limits = try limits.map { try LimitRule($0) }
    configure(&settings)
    let simulator = try await Simulator.start(settings: settings, group: MultiThreadedEventLoopGroup.singleton)
    do {
        let result = try await body(simulator)
        try await simulator.stop()
        return result
    } catch {
        try await simulator.stop()
        throw error
    }
}

/// Waits for what another thread is about to do: gives way until it holds, for a minute at most.
func eventually(_ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
        if ContinuousClock.now > deadline { return false }
        await Task.yield()
    }
    return true
}

let chat = #"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":4}"#
let streamedChat = #"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":4,"stream":true}"#
