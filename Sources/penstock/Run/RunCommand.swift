import Admission
import ArgumentParser
import Configuration
import CoreMetrics
import Logging
import Policy
import Proxy
import Telemetry

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the proxy (the default).",
        discussion: """
            Flags win over PENSTOCK_LISTEN, PENSTOCK_ADMIN, PENSTOCK_WORKERS, PENSTOCK_LOG_LEVEL,
            PENSTOCK_DRAIN_TIMEOUT and PENSTOCK_CONFIG, those over the file, the file over the defaults.
            """)

    @Option(name: .shortAndLong, help: "The YAML file.")
    var config: String?
    @Option(help: "Where requests come in: HOST:PORT or unix:/PATH, several with commas between.")
    var listen: String?
    @Option(help: "Where metrics, health and status are served: HOST:PORT or unix:/PATH.")
    var admin: String?
    @Option(help: "Event loops; by default the CPU quota of the cgroup, rounded up.")
    var workers: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?
    @Option(help: "How long requests under way may go on after SIGTERM: 25s, 5m.")
    var drainTimeout: String?

    func run() async throws {
        let path = try ConfigFile.path(config)
        let (policy, settings) = try configured(path)
        let process = ProxyProcess(policy: policy, settings: settings, path: path)
        try await process.run()
    }

    private func configured(_ path: String) throws -> (Policy, Settings) {
        let flags = Settings.flags([
            "listen": listen, "admin": admin, "workers": workers, "logLevel": logLevel, "drainTimeout": drainTimeout,
        ])
        let environment = KeyMappingProvider(upstream: EnvironmentVariablesProvider()) { $0.prepending(["penstock"]) }
        let reader = ConfigReader(providers: [flags, environment])
        do {
            let addresses = try Settings.addresses(reader)
            let loaded = try ConfigFile(path: path)
                .load(missingSecrets: .refused, listen: addresses.listen, admin: addresses.admin)
            for warning in loaded.warnings { Console.error(warning.description) }
            return (loaded.policy, try Settings(reader, policy: loaded.policy))
        } catch let invalid as InvalidPolicy {
            for diagnostic in invalid.diagnostics { Console.error(diagnostic.description) }
            throw ExitCode(ExitStatus.invalidConfiguration)
        } catch let invalid as Settings.Invalid {
            Console.error("error: \(invalid)")
            throw ExitCode(ExitStatus.invalidConfiguration)
        }
    }
}
