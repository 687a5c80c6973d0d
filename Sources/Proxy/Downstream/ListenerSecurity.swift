import NIOCore
import NIOSSL
import Policy
import Synchronization

/// How the connections of a bound address are secured: by a certificate, which a reload may replace, or not at all.
final class ListenerSecurity: Sendable {
    /// What is offered by ALPN (RFC 7301), the most wanted first.
    private let protocols: [String]
    private let context: Mutex<NIOSSLContext?>

    /// - Throws: where the listener's certificate can't be used.
    init(_ listener: Listener, protocols: [String]) throws {
        self.protocols = protocols
        context = Mutex(try Self.context(listener.tls, protocols))
    }

    /// What a listener's certificate makes, as its files are now; `nil` where it has none.
    func context(for listener: Listener) throws -> NIOSSLContext? {
        try Self.context(listener.tls, protocols)
    }

    /// For connections that come from now on.
    func use(_ context: NIOSSLContext?) {
        self.context.withLock { $0 = context }
    }

    /// Begins a connection's pipeline; says whether a TLS handshake comes first.
    func secure(_ channel: any Channel) throws -> Bool {
        guard let context = context.withLock({ $0 }) else { return false }
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
        return true
    }

    private static func context(_ certificate: Listener.Certificate?, _ protocols: [String]) throws -> NIOSSLContext? {
        guard let certificate else { return nil }
        let chain = try NIOSSLCertificate.fromPEMFile(certificate.certificatePath)
        let key = try NIOSSLPrivateKey(file: certificate.keyPath, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = protocols
        return try NIOSSLContext(configuration: configuration)
    }
}
