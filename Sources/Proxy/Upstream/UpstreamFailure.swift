import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL

/// What went wrong on the upstream's side, as far as it decides what happens next.
enum UpstreamFailure: Error {
    case nameNotFound
    case nameTimeout
    case connectTimeout
    case connectRefused
    /// There is no way to its address.
    case unroutable
    /// In words that follow "Penstock could not reach …:", as with the two others of TLS.
    case tlsCertificate(String)
    case tlsProtocol(String)
    case tlsAlert(String)
    /// The HTTP proxy on the way to it made no tunnel.
    case proxy(ProxyFailure)
    /// It speaks no HTTP version that was asked for.
    case versionNotAgreed
    /// The name resolved to an address that it must not.
    case addressForbidden(String)
    /// The address is one of Penstock's own listeners.
    case loop
    /// No connection became free in time.
    case poolExhausted
    /// Closed or reset before the end of the answer.
    case closed
    /// The upstream says that it has not worked on the request (HTTP/2 REFUSED_STREAM, or above GOAWAY's last stream:
    /// RFC 9113 §8.7).
    case notProcessed
    /// What it sent is no HTTP.
    case malformed(String)
    case firstByteTimeout
    case idleTimeout
    case totalTimeout

    init(_ error: any Error) {
        switch error {
        case let failure as UpstreamFailure: self = failure
        case is HTTPParserError: self = Self.parser(error)
        case let error as NIOHTTP2Errors.StreamClosed:
            self = error.errorCode == .refusedStream ? .notProcessed : .closed
        case ChannelError.connectTimeout: self = .connectTimeout
        case let error as NIOConnectionError: self = Self.connect(error)
        // What happens in the handshake is told apart there (``HandshakeFault``).
        case let error as NIOSSLError where error == .uncleanShutdown: self = .closed
        case is NIOSSLError, is BoringSSLError: self = .tlsProtocol("its TLS could not be read")
        case let error as IOError: self = Self.system(error)
        default: self = .closed
        }
    }

    private static func system(_ error: IOError) -> UpstreamFailure {
        switch error.errnoCode {
        case ECONNREFUSED: .connectRefused
        case ETIMEDOUT: .connectTimeout
        case EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL: .unroutable
        default: .closed
        }
    }

    private static func parser(_ error: any Error) -> UpstreamFailure {
        (error as? HTTPParserError) == .invalidEOFState ? .closed : .malformed(String(describing: error))
    }

    private static func connect(_ error: NIOConnectionError) -> UpstreamFailure {
        guard let last = error.connectionErrors.last?.error else { return .nameNotFound }
        return UpstreamFailure(last)
    }

    /// Whether the upstream can't have seen the request.
    var provesUnsent: Bool {
        switch self {
        case .nameNotFound, .nameTimeout, .connectTimeout, .connectRefused, .unroutable, .tlsCertificate,
            .tlsProtocol, .tlsAlert, .proxy, .versionNotAgreed, .addressForbidden, .loop, .poolExhausted,
            .notProcessed:
            true
        case .closed, .malformed, .firstByteTimeout, .idleTimeout, .totalTimeout: false
        }
    }

    /// Whether trying again can help.
    var mayPass: Bool {
        switch self {
        case .tlsCertificate, .versionNotAgreed, .addressForbidden, .loop, .poolExhausted, .malformed: false
        case .proxy(let failure): failure.mayPass
        default: true
        }
    }
}
