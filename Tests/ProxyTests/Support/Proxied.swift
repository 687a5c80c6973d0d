import Foundation
import Logging
import NIOCore
import NIOPosix
import Policy
import Telemetry
import Testing

@testable import Proxy

/// A running proxy and how a test looks at it.
struct Proxied: Sendable {
    let server: ProxyServer
    let registry: PrometheusRegistry
    private let sink: LogSink
    private let logPath: String

    var address: SocketAddress {
        get throws { try #require(server.addresses.first) }
    }

    func connect(receiveBuffer: Int? = nil) async throws -> Wire {
        try await Wire.connect(to: address, receiveBuffer: receiveBuffer)
    }

    /// `/status` of one upstream.
    func status(_ upstream: String = "up") throws -> [String: Any] {
        let json = try JSONSerialization.jsonObject(with: Data(server.statusJSON()))
        let upstreams = try #require((json as? [String: Any])?["upstreams"] as? [String: Any])
        return try #require(upstreams[upstream] as? [String: Any])
    }

    func inFlight(_ upstream: String = "up") throws -> Int { try #require(status(upstream)["in_flight"] as? Int) }
    func queued(_ upstream: String = "up") throws -> Int { try #require(status(upstream)["queued"] as? Int) }

    func reaches(inFlight: Int, queued: Int) async throws {
        try await eventually("\(inFlight) in flight and \(queued) queued") {
            try self.inFlight() == inFlight && self.queued() == queued
        }
    }

    /// A metric's value, summed over all series whose labels have all of `labels` in them.
    func metric(_ name: String, _ labels: String...) -> Double {
        let text = String(decoding: registry.render(.text), as: UTF8.self)
        return text.split(separator: "\n").filter { line in
            (line.hasPrefix(name + "{") || line.hasPrefix(name + " ")) && labels.allSatisfy { line.contains($0) }
        }
        .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }

    /// The access log so far.
    func logLines() throws -> [String] {
        #expect(sink.flush())
        return try String(contentsOfFile: logPath, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    /// Every permit that was granted is settled and nobody waits.
    fileprivate func isSettled() async throws {
        try await eventually("an empty ledger") {
            let all = try JSONSerialization.jsonObject(with: Data(self.server.statusJSON())) as? [String: Any]
            let memory = (all?["guard"] as? [String: Any])?["memory"] as? [String: Any]
            return memory?["buffered"] as? Int == 0
        }
        let names = try JSONSerialization.jsonObject(with: Data(server.statusJSON())) as? [String: Any]
        for name in (names?["upstreams"] as? [String: Any] ?? [:]).keys {
            try await eventually("all permits of \(name) settled") {
                try self.inFlight(name) == 0 && self.queued(name) == 0
            }
        }
    }

    private static func policy(
        _ yaml: String, admin: Bool, secrets: [String: String], knownNames: [String] = []
    ) throws -> Policy {
        let any = Listener(address: .tcp(host: "127.0.0.1", port: 0))
        var loader = PolicyLoader(
            file: "test.yaml",
            secrets: SecretSource(missing: .refused, environment: { secrets[$0] }, readFile: { _ in [] }),
            listen: [any], admin: admin ? any : nil)
        loader.knownNames = knownNames
        return try loader.load(yaml).policy
    }

    /// Goes by another policy from now on.
    @discardableResult
    func reload(_ yaml: String, secrets: [String: String] = [:]) async throws -> ProxyServer.Reloaded {
        let names = server.policy.identity.others.map(\.name)
        let policy = try Self.policy(
            yaml, admin: server.adminAddress != nil, secrets: secrets, knownNames: names)
        return try await server.reload(policy, accessLog: AccessLog(sink: sink))
    }

    /// Runs a proxy for the length of a test; at the end all permits must be settled.
    ///
    /// - Parameters:
    ///   - yaml: the policy without `listen`.
    ///   - lookUp: where the upstreams' names lead.
    ///   - adjust: makes it what no file may say.
    static func run(
        _ yaml: String, workers: Int = 1, admin: Bool = false, secrets: [String: String] = [:],
        lookUp: @escaping NameLookup = SystemResolver.addresses, adjust: (inout Policy) -> Void = { _ in },
        _ body: (Proxied) async throws -> Void
    ) async throws {
        var policy = try policy(yaml, admin: admin, secrets: secrets)
        adjust(&policy)
        let path = NSTemporaryDirectory() + "penstock-test-\(UUID().uuidString).log"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let file = try #require(FileHandle(forWritingAtPath: path))
        defer {
            try? file.close()
            try? FileManager.default.removeItem(atPath: path)
        }
        let sink = LogSink(file: file.fileDescriptor, style: .json)
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let registry = PrometheusRegistry(catalogue: .penstock, logger: quiet)
        var setup = ProxyServer.Setup(
            policy: policy, version: "test", workers: workers, registry: registry, logSink: nil,
            accessLog: AccessLog(sink: sink), log: quiet)
        setup.lookUp = lookUp
        setup.takesReloads = true
        setup.spanLog = SpanLog(sink: sink, version: "test")
        let server = try await ProxyServer.start(setup)
        let proxied = Proxied(server: server, registry: registry, sink: sink, logPath: path)
        do {
            try await body(proxied)
            try await proxied.isSettled()
        } catch {
            await server.stop()
            _ = sink.flush()
            throw error
        }
        await server.stop()
        _ = sink.flush()
    }

    /// The same with one upstream `up` that a test answers byte by byte.
    static func withUpstream(
        _ upstream: String = "", limits: String = "[{in_flight: 100}]", rest: String = "", admin: Bool = false,
        secrets: [String: String] = [:], _ body: (Proxied, Wire.Server) async throws -> Void
    ) async throws {
        let server = try await Wire.Server.start()
        do {
            try await run(
                """
                \(rest)
                upstreams:
                  up:
                    url: http://127.0.0.1:\(server.port)
                    limits: \(limits)
                    \(upstream.replacing("\n", with: "\n    "))
                """, admin: admin, secrets: secrets
            ) { proxied in
                try await body(proxied, server)
            }
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }
}

extension Wire {
    /// A request of the usual kind.
    func request(_ method: String = "GET", _ target: String = "/v1", _ fields: String = "", body: String? = nil)
        async throws
    {
        let length = body.map { "Content-Length: \($0.utf8.count)\r\n" } ?? ""
        let extra = fields.isEmpty ? "" : fields + "\r\n"
        try await send("\(method) \(target) HTTP/1.1\r\nHost: proxy\r\n\(extra)\(length)\r\n\(body ?? "")")
    }

    /// An answer of the usual kind.
    func answer(_ status: Int = 200, _ fields: String = "", body: String = "ok") async throws {
        let extra = fields.isEmpty ? "" : fields + "\r\n"
        try await send("HTTP/1.1 \(status) X\r\n\(extra)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}
