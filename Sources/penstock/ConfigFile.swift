import ArgumentParser
import Policy

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The YAML file and what it refers to.
struct ConfigFile: Sendable {
    /// A larger file is none that a person wrote.
    private static let maxBytes = 1 << 20
    /// Of a secret or of a bundle of certificates.
    private static let maxReferredBytes = 16 << 20

    let path: String

    /// The path of the flag, else that of `PENSTOCK_CONFIG`.
    static func path(_ flag: String?) throws -> String {
        if let path = flag ?? Environment.value("PENSTOCK_CONFIG") { return path }
        Console.error("error: which configuration? Say --config FILE or set PENSTOCK_CONFIG.")
        throw ExitCode(ExitStatus.invalidConfiguration)
    }

    /// - Throws: ``InvalidPolicy``, also for a file that can't be read.
    func load(
        missingSecrets: SecretSource.Missing, listen: [Listener]? = nil, admin: Listener? = nil
    ) throws -> PolicyLoader.Loaded {
        try read(missingSecrets: missingSecrets, listen: listen, admin: admin).outcome.get()
    }

    /// What the file says, and every file that a later reading may depend on, each as it stood before it was read.
    struct Reading: Sendable {
        var outcome: Result<PolicyLoader.Loaded, InvalidPolicy>
        var stamps: [String: FileStamp]
    }

    /// - Parameter knownNames: see `PolicyLoader/knownNames`.
    func read(
        missingSecrets: SecretSource.Missing, listen: [Listener]? = nil, admin: Listener? = nil,
        knownNames: [String] = []
    ) -> Reading {
        var stamps = FileStamp.stamps(of: [path])
        let secrets = SecretSource(
            missing: missingSecrets, environment: Environment.value,
            readFile: { path in
                stamps[path] = FileStamp(path: path)
                return try FileBytes.read(path, atMost: Self.maxReferredBytes)
            })
        var loader = PolicyLoader(file: path, secrets: secrets, listen: listen, admin: admin)
        loader.knownNames = knownNames
        do {
            let bytes = try FileBytes.read(path, atMost: Self.maxBytes)
            let loaded = try loader.load(bytes)
            stamps.merge(FileStamp.stamps(of: loaded.policy.certificatePaths)) { first, _ in first }
            return Reading(outcome: .success(loaded), stamps: stamps)
        } catch let invalid as InvalidPolicy {
            return Reading(outcome: .failure(invalid), stamps: stamps)
        } catch {
            return Reading(outcome: .failure(.unreadable(path, why: "\(error)")), stamps: stamps)
        }
    }
}

/// Reads whole small files. Foundation could; it would be in the memory of every pod for this alone.
enum FileBytes {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Throws: ``Failure`` in the system's words, or where there is more than `bound` bytes.
    static func read(_ path: String, atMost bound: Int) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Failure(description: systemReason) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(description: systemReason)
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > bound { throw Failure(description: "larger than \(bound) bytes") }
        }
    }

    private static var systemReason: String { String(cString: strerror(errno)) }
}

enum Environment {
    static func value(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}

enum Console {
    /// One line on standard error.
    static func error(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
