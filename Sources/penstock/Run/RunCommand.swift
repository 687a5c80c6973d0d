import ArgumentParser
import Configuration

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
        let source = PolicySource(file: ConfigFile(path: try ConfigFile.path(config)), reader: reader)
        let read = source.read()
        switch read.outcome {
        case .success(let configured):
            for warning in configured.warnings { Console.error(warning) }
            try await ProxyProcess(configured: configured, source: source, stamps: read.stamps).run()
        case .failure(let mistakes):
            for line in mistakes.lines { Console.error(line) }
            throw ExitCode(ExitStatus.invalidConfiguration)
        }
    }

    /// Flags, then the environment.
    private var reader: ConfigReader {
        let flags = Settings.flags([
            "listen": listen, "admin": admin, "workers": workers, "logLevel": logLevel, "drainTimeout": drainTimeout,
        ])
        let environment = KeyMappingProvider(upstream: EnvironmentVariablesProvider()) { $0.prepending(["penstock"]) }
        return ConfigReader(providers: [flags, environment])
    }
}
