import NIOHTTP2

/// Knows whether NIO has given a connection up: then an error that it reports concerned all of it, else only one stream,
/// which it has reset.
final class GoAwayWatch: NIOHTTP2FrameDelegate {
    private var hasGivenUp = false

    func wroteFrame(_ frame: HTTP2Frame) {
        if case .goAway(_, let reason, _) = frame.payload, reason != .noError { hasGivenUp = true }
    }

    /// Whether the connection can go on after an error.
    func concernsConnection(_ error: any Error) -> Bool {
        hasGivenUp || !(error is any NIOHTTP2Error)
    }
}
