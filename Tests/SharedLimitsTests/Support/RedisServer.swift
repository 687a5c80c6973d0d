import Foundation
import SharedLimits
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// A real redis-server of its own: on a socket in a folder that goes with it, without anything on disk.
final class RedisServer {
    let socketPath: String
    private let folder: URL
    private let arguments: [String]
    private var process: Process

    /// Debian's `redis-server`, or `valkey-server`.
    static let program: String? = {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders = path.split(separator: ":").map(String.init) + ["/usr/bin", "/usr/local/bin"]
        return ["redis-server", "valkey-server"].lazy.flatMap { name in folders.map { "\($0)/\(name)" } }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    static let isMissing: Comment = "no redis-server; scripts/install-test-tools.sh installs it"

    init(_ more: [String] = []) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "penstock-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        socketPath = folder.appending(path: "s").path
        arguments = ["--port", "0", "--unixsocket", socketPath, "--save", "", "--dir", folder.path] + more
        process = try Self.launch(arguments)
        try awaitSocket()
    }

    private static func launch(_ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(program))
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    private func awaitSocket() throws {
        for _ in 0..<1000 {
            if let wire = try? RedisWire(path: socketPath), (try? wire.say("PING")) != nil { return }
            usleep(10_000)
        }
        throw Wrong("redis-server does not come up")
    }

    func wire() throws -> RedisWire { try RedisWire(path: socketPath) }

    func signal(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Returns when it has stopped.
    func stop() throws {
        signal(SIGSTOP)
        for _ in 0..<1000 {
            let status = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
            if status.contains(") T ") { return }
            usleep(1000)
        }
    }

    func end() {
        process.terminate()
        process.waitUntilExit()
    }

    /// The same address, another process with nothing in it.
    func restart() throws {
        signal(SIGKILL)
        process.waitUntilExit()
        process = try Self.launch(arguments)
        try awaitSocket()
    }

    deinit {
        signal(SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    struct Wrong: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }
}

/// A blocking connection: one command, one reply.
final class RedisWire {
    private let descriptor: Int32
    private var parser = RESPParser()

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8) + [0]
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else {
            throw RedisServer.Wrong("the socket's path is too long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard status == 0 else {
            close(descriptor)
            throw RedisServer.Wrong("can't connect")
        }
    }

    deinit { close(descriptor) }

    func say(_ words: String...) throws -> RESPValue { try say(words) }

    func say(_ words: [String]) throws -> RESPValue {
        var bytes: [UInt8] = []
        RESPCommand(words).write(to: &bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw RedisServer.Wrong("can't write") }
            sent += count
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if let value = try parser.next() { return value }
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { throw RedisServer.Wrong("the connection ended") }
            parser.append(buffer[..<count])
        }
    }
}
