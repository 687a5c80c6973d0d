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

    /// - Parameter hasExpired: whether it was good for one day, years ago.
    init(for name: String, hasExpired: Bool = false) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "penstock-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        path = directory.appending(path: "certificate.pem").path()
        keyPath = directory.appending(path: "key.pem").path()
        let request = [
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=\(name)",
            "-addext", "subjectAltName=DNS:\(name)", "-keyout", keyPath,
        ]
        if !hasExpired {
            try Self.openssl(request + ["-x509", "-days", "1", "-out", path])
            return
        }
        // Only the command of an authority takes dates in the past.
        let (asked, rules) = (directory.path() + "/request.pem", directory.path() + "/authority.cnf")
        try Self.openssl(request + ["-new", "-out", asked])
        try """
        [ca]
        default_ca = own
        [own]
        database = \(directory.path())/index
        new_certs_dir = \(directory.path())
        rand_serial = yes
        default_md = sha256
        policy = any
        copy_extensions = copy
        [any]
        commonName = supplied
        """.write(toFile: rules, atomically: true, encoding: .utf8)
        try "".write(toFile: directory.path() + "/index", atomically: true, encoding: .utf8)
        try Self.openssl([
            "ca", "-batch", "-selfsign", "-notext", "-config", rules, "-keyfile", keyPath, "-in", asked, "-out", path,
            "-startdate", "20200101000000Z", "-enddate", "20200102000000Z",
        ])
    }

    private static func openssl(_ arguments: [String]) throws {
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments = ["openssl"] + arguments
        (openssl.standardOutput, openssl.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
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
