import ArgumentParser
import NIOCore
import NIOPosix
import Policy
import ProviderSimulator

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs a simulated provider that holds limits of its own and counts who breaks them.",
        discussion: """
            For load tests and CI, without keys, in the shape of openai, azure-openai, anthropic, gemini, bedrock, mistral,
            cohere, groq or dashscope: the path says which, by the provider's own paths or with its name before them, as
            in /mistral/v1/chat/completions. Its /metrics counts simulator_violations_total; POST /_simulator/faults
            changes faults while it runs.

            Limits: in_flight=16  requests=500/60s:sliding  requests=10/1s:fixed  requests=500/60s:bucket
                    tokens=20000/60s:sliding  input_tokens=…  output_tokens=…  per_key.requests=60/60s
                    requests=60/60s:counter@model=gpt-4o
            Faults: status=503@p=0.1  status=429;retry-after=2@for=10s  reset-before-head@next=5  stall  slow-body
                    in the provider's words: rate-limited  overloaded  quota-exhausted  day-quota-exhausted
                    context-too-long  bad-credential
            """)

    @Option(help: "HOST:PORT; port 0 takes a free one. (default: 127.0.0.1:9999)")
    var listen: String?
    @Option(name: .shortAndLong, help: "A YAML file with the same settings: limits, faults, latency and so on.")
    var config: String?
    @Option(name: .customLong("limit"), help: "A limit that it enforces; may be given several times.")
    var limits: [String] = []
    @Option(help: "Whether refused requests count: nowhere, where_they_fit or everywhere (as at OpenAI).")
    var refused: RefusedRequests?
    @Option(help: "Time to the first byte: 200ms, or a range 100ms..2s.")
    var latency: String?
    @Option(help: "How fast an answer is written.")
    var tokensPerSecond: Double?
    @Option(help: "Tokens of an answer.")
    var outputTokens: Int?
    @Option(name: .customLong("fault"), help: "A fault from the start; may be given several times.")
    var faults: [String] = []
    @Option(help: "PEM file of the certificate; with it HTTPS with h2 and http/1.1.")
    var tlsCert: String?
    @Option(help: "PEM file of the certificate's key.")
    var tlsKey: String?
    @Option(help: "What chance is drawn from.")
    var seed: UInt64?
    @Option(help: "Event loops.")
    var workers = 1

    func run() async throws {
        let signals = Signals.endings()
        let settings = try settings()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, workers))
        let simulator: Simulator
        do {
            simulator = try await Simulator.start(settings: settings, group: group)
        } catch {
            Console.error("error: can't start on \(settings.host):\(settings.port): \(error)")
            throw ExitCode(ExitStatus.cannotStart)
        }
        Console.error("simulated provider on \(simulator.address.ipAddress ?? settings.host):\(simulator.port)")
        for await _ in signals { break }
        let counts = simulator.counts
        Console.error(
            "\(counts.totalRequests) requests, at most \(counts.peak) at one time, "
                + "\(counts.totalViolations) violations, \(counts.cancelled) cancelled")
        try await simulator.stop()
        try await group.shutdownGracefully()
    }

    private func settings() throws -> SimulatorSettings {
        var settings = SimulatorSettings()
        var address = listen
        if let config { try file(config, &settings, &address) }
        let text = listen ?? address ?? "127.0.0.1:9999"
        guard case .tcp(let host, let port)? = Listener.Address(text) else {
            throw ValidationError("--listen: `\(text)` is no HOST:PORT")
        }
        (settings.host, settings.port) = (host, port)
        if !limits.isEmpty { settings.limits = try limits.map { try parsed("--limit", $0) { try LimitRule($0) } } }
        if !faults.isEmpty { settings.faults = try faults.map { try parsed("--fault", $0) { try FaultRule($0) } } }
        if let latency { settings.latency = try parsed("--latency", latency) { try Latency($0) } }
        if let refused { settings.refusedRequests = refused }
        if let tokensPerSecond { settings.tokensPerSecond = tokensPerSecond }
        if let outputTokens { settings.outputTokens = outputTokens }
        if let seed { settings.seed = seed }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together")
        }
        if let tlsCert, let tlsKey { settings.tls = SimulatorSettings.TLS(certificate: tlsCert, key: tlsKey) }
        return settings
    }

    private func file(_ path: String, _ settings: inout SimulatorSettings, _ listen: inout String?) throws {
        do {
            try SimulatorFile(path: path).apply(to: &settings, listen: &listen)
        } catch let mistake as SimulatorFile.Mistake {
            Console.error("\(mistake)")
            throw ExitCode(ExitStatus.invalidConfiguration)
        } catch {
            Console.error("\(path): error: \(error)")
            throw ExitCode(ExitStatus.invalidConfiguration)
        }
    }

    private func parsed<Value>(_ option: String, _ text: String, _ parse: (String) throws -> Value) throws -> Value {
        do {
            return try parse(text)
        } catch {
            throw ValidationError("\(option): \(error)")
        }
    }
}

extension RefusedRequests: ExpressibleByArgument {}
