import Admission
import Configuration
import Logging
import NIOCore
import Policy
import Telemetry

/// Settings of the process, strongest first: flags, `PENSTOCK_*`, the YAML file, defaults.
struct Settings: Sendable {
    var listen: [Listener]
    var admin: Listener
    var workers: Int
    var logLevel: Logger.Level
    var logStyle: LogStyle
    /// How long requests under way may go on after a signal to end.
    var drainTimeout: Interval

    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    /// The flags as a provider: what was not given is not in it.
    static func flags(_ values: [String: String?]) -> InMemoryProvider {
        var given: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, value) in values {
            if let value { given[[key]] = ConfigValue(.string(value), isSecret: false) }
        }
        return InMemoryProvider(name: "flags", values: given)
    }

    /// What the settings say about addresses before the file is read, because the file is checked against them.
    static func addresses(_ reader: ConfigReader) throws -> (listen: [Listener]?, admin: Listener?) {
        let listen = try reader.string(forKey: "listen").map { text in
            try text.split(separator: ",").map { try listener(String($0), "listen") }
        }
        return (listen, try reader.string(forKey: "admin").map { try listener($0, "admin") })
    }

    private static func listener(_ text: String, _ name: String) throws -> Listener {
        guard let address = Listener.Address(text) else {
            throw Invalid(description: "\(name): `\(text)` is no address; write HOST:PORT or unix:/PATH")
        }
        return Listener(address: address)
    }

    static let standardDrainTimeout = Interval.seconds(25)

    init(_ reader: ConfigReader, policy: Policy) throws {
        listen = policy.listen
        admin = policy.admin ?? .standardAdmin
        workers = try Self.workers(reader) ?? policy.workers ?? System.coreCount
        logLevel = try Self.level(reader) ?? policy.log.level.flatMap { Logger.Level(rawValue: $0.rawValue) } ?? .info
        logStyle = Self.style(policy.log.format)
        drainTimeout = try Self.drainTimeout(reader) ?? Self.standardDrainTimeout
    }

    /// A policy that says what holds.
    func applied(to policy: Policy) -> Policy {
        var policy = policy
        (policy.listen, policy.admin, policy.workers) = (listen, admin, workers)
        policy.log.level = LogRules.Level(rawValue: logLevel.rawValue)
        if case .json = logStyle { policy.log.format = .json } else { policy.log.format = .text }
        return policy
    }

    private static func workers(_ reader: ConfigReader) throws -> Int? {
        guard let text = reader.string(forKey: "workers") else { return nil }
        guard let count = Int(text), (1...1024).contains(count) else {
            throw Invalid(description: "workers: `\(text)` is no number from 1 to 1024")
        }
        return count
    }

    private static func level(_ reader: ConfigReader) throws -> Logger.Level? {
        guard let text = reader.string(forKey: "logLevel") else { return nil }
        guard let level = Logger.Level(rawValue: text) else {
            let known = Logger.Level.allCases.map(\.rawValue).joined(separator: " ")
            throw Invalid(description: "log-level: `\(text)` is none of \(known)")
        }
        return level
    }

    private static func drainTimeout(_ reader: ConfigReader) throws -> Interval? {
        guard let text = reader.string(forKey: "drainTimeout") else { return nil }
        guard let length = Units.duration(text) else {
            throw Invalid(description: "drain-timeout: `\(text)` is no duration; write 250ms, 30s or 5m")
        }
        return length
    }

    private static func style(_ format: LogRules.Format?) -> LogStyle {
        switch format {
        case .json: .json
        case .text: .text(colours: false)
        case nil: .suited(to: 2)
        }
    }
}
