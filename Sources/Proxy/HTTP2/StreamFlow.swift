import NIOHTTP2

/// What one HTTP/2 stream may still send and receive, as far as the relay has to know (RFC 9113 §5.2).
///
/// The peer's window is for NIO to keep to: it holds back what has no room. This counts what it holds, so that the
/// other side of the relay is not read on and on, and says when our own window is worth renewing.
struct StreamFlow {
    /// Bytes that a peer may send ahead of a reader that takes nothing.
    static let window = 65_535
    /// With more than this not yet sent, a stream takes no more; with half of it, it does again.
    private static let mostUnsent = 64 << 10
    /// How many bytes go between two of which we ask to be told that they were sent.
    private static let markEvery = 16 << 10

    /// Bytes given to NIO, as far as their sending was not reported.
    private(set) var unsent = 0
    private var unmarked = 0
    private(set) var isWritable = true
    /// How much the peer may still send, as NIO last said.
    private var inboundWindow = window

    /// Takes bytes to be sent; says how many of them and of those before are to be reported as sent, if any.
    mutating func send(_ count: Int) -> Int? {
        unsent += count
        unmarked += count
        if unsent > Self.mostUnsent { isWritable = false }
        guard unmarked >= Self.markEvery else { return nil }
        let marked = unmarked
        unmarked = 0
        return marked
    }

    /// Whether the stream takes more again.
    mutating func sent(_ count: Int) -> Bool {
        unsent -= count
        guard !isWritable, unsent <= Self.mostUnsent / 2 else { return false }
        isWritable = true
        return true
    }

    mutating func windowChanged(to size: Int) {
        inboundWindow = size
    }

    /// By how much to renew the peer's window, where that is worth a frame.
    mutating func renewal() -> Int? {
        guard inboundWindow <= Self.window / 2 else { return nil }
        defer { inboundWindow = Self.window }
        return Self.window - inboundWindow
    }
}

/// The window of a whole connection: its streams have their own bounds, so it is renewed as bytes come.
enum ConnectionFlow {
    static let window = 1 << 20
    /// What both sides begin with (RFC 9113 §6.9.2).
    static let initialWindow = 65_535

    /// By how much to renew it.
    static func renewal(of size: Int) -> Int? {
        size <= window / 2 ? window - size : nil
    }
}
