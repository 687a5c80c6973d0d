import NIOCore
import NIOSSL
import Policy

/// How a caller knows whom it talks to over TLS.
struct CallSecurity: Sendable {
    private let context: NIOSSLContext
    /// `nil` where the certificate is to name the address that was dialled, or nothing.
    private let hostname: String?
    private let pinned: NIOSSLCertificate?

    /// - Parameter authorities: a PEM file; `nil` for the system's.
    /// - Throws: where the file can't be read.
    init(for address: Listener.Address, authorities: String?) throws {
        var configuration = Self.configuration
        if let authorities { configuration.trustRoots = .file(authorities) }
        context = try NIOSSLContext(configuration: configuration)
        // An IP address is held against the certificate's addresses without being named.
        if case .tcp(let host, let port) = address, (try? SocketAddress(ipAddress: host, port: port)) == nil {
            hostname = host
        } else {
            hostname = nil
        }
        pinned = nil
    }

    /// - Parameter certificate: a PEM file, of which the first certificate is the one that must be shown.
    /// - Throws: where the file can't be read.
    init(pinned certificate: String) throws {
        guard let first = try NIOSSLCertificate.fromPEMFile(certificate).first else {
            throw NIOSSLError.failedToLoadCertificate
        }
        var configuration = Self.configuration
        configuration.certificateVerification = .noHostnameVerification
        context = try NIOSSLContext(configuration: configuration)
        (hostname, pinned) = (nil, first)
    }

    func handler() throws -> NIOSSLClientHandler {
        guard let pinned else { return try NIOSSLClientHandler(context: context, serverHostname: hostname) }
        return try NIOSSLClientHandler(context: context, serverHostname: nil) { shown, verdict in
            verdict.succeed(shown.first == pinned ? .certificateVerified : .failed)
        }
    }

    /// Why a handshake failed, for a person; `nil` where the error is of something else.
    static func reason(_ error: any Error) -> String? {
        guard error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError else { return nil }
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return "its certificate is not trusted here; see --ca" }
        if text.contains("WRONG_VERSION_NUMBER") { return "it speaks no TLS" }
        return "no TLS with it: \(text)"
    }

    private static var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }
}
