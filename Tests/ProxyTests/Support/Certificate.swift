import Foundation
import NIOSSL
import Testing

/// A certificate that signs itself, made by the `openssl` command for one test.
struct Certificate {
    let path: String
    let keyPath: String
    private let directory: URL

    static var canBeMade: Bool {
        ["/usr/bin/openssl", "/usr/local/bin/openssl", "/bin/openssl"].contains {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    }

    init(for name: String) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "penstock-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        path = directory.appending(path: "certificate.pem").path()
        keyPath = directory.appending(path: "key.pem").path()
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "1", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", keyPath, "-out", path,
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        try #require(openssl.terminationStatus == 0, "the openssl command makes the certificate")
    }

    func context(_ protocols: String...) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(path).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: keyPath, format: .pem)))
        configuration.applicationProtocols = protocols
        return try NIOSSLContext(configuration: configuration)
    }

    func remove() {
        // What is left in the temporary directory does no harm.
        try? FileManager.default.removeItem(at: directory)
    }
}
