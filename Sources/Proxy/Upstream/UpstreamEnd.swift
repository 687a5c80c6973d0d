import NIOCore
import NIOHTTP1

/// The upstream's end of an attempt: an HTTP/1.1 connection while it is lent, a stream of an HTTP/2 one, or a tunnel.
class UpstreamEnd {
    /// Who hears of what comes; `nil` between two attempts and after the attempt was given up.
    final var exchange: Exchange?

    /// Whether the attempt goes over HTTP/2, which says of each stream what became of it.
    var isHTTP2: Bool { false }
    /// Whether a request can be sent.
    var isOpen: Bool { true }
    /// Whether the upstream takes more of the request.
    var isWritable: Bool { preconditionFailure("each kind knows") }

    /// - Parameters:
    ///   - isChunked: whether the length of its body is not known in advance.
    ///   - endsHere: whether it has no body.
    func send(_ head: HTTPRequestHead, isChunked: Bool, endsHere: Bool) {
        preconditionFailure("each kind does it in its way")
    }

    /// Whether the peer takes an extended CONNECT; `nil` before it has said so.
    var takesExtendedConnect: Bool? { false }

    /// Asks for a tunnel over HTTP/2 (RFC 8441 §4).
    func sendExtendedConnect(_ head: HTTPRequestHead, protocolName: String) {
        preconditionFailure("HTTP/1.1 has upgrades for that")
    }

    func write(_ bytes: ByteBuffer) { preconditionFailure("each kind does it in its way") }

    func end(_ trailers: HTTPHeaders?) { preconditionFailure("each kind does it in its way") }

    func flush() { preconditionFailure("each kind does it in its way") }

    /// Goes on reading after the downstream has room again.
    func resumeReading() { preconditionFailure("each kind does it in its way") }

    /// Gives the attempt up in the middle: the upstream sees a reset.
    func abandon() { preconditionFailure("each kind does it in its way") }

    /// From here on bytes are bytes, both ways.
    func becomeTunnel() { preconditionFailure("each kind does it in its way") }
}
