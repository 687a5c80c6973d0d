import Admission
import ArgumentParser
import CoreMetrics
import Logging
import Policy
import Proxy
import Telemetry

/// The proxy as a process: logs, metrics, signals, an orderly end.
struct ProxyProcess {
    let configured: PolicySource.Configured
    let source: PolicySource
    /// Of the files that it was read from.
    let stamps: [String: FileStamp]

    private var settings: Settings { configured.settings }

    func run() async throws {
        let signals = Signals.endings()
        let hangups = Signals.hangups()
        let sink = LogSink(file: 2, style: settings.logStyle)
        let threshold = LogThreshold(settings.logLevel)
        let log = Logger(label: "penstock") { LineLogHandler(label: $0, sink: sink, threshold: threshold) }
        let registry = PrometheusRegistry(catalogue: .penstock, logger: log)
        MetricsSystem.bootstrap(registry)
        let server = try await start(sink, log, registry)
        log.info("Started", metadata: ["config": "\(source.file.path)", "workers": "\(settings.workers)"])
        ResidentMemory.releaseStartup()
        let reloading = Task {
            var loop = ReloadLoop(
                source: source, stamps: stamps, server: server, threshold: threshold, sink: sink, log: log)
            await loop.run(hangups)
        }
        await end(server, signals, log) { reloading.cancel() }
        _ = sink.flush()
    }

    private func start(_ sink: LogSink, _ log: Logger, _ registry: PrometheusRegistry) async throws -> ProxyServer {
        let accessLog = settings.logLevel <= .info ? AccessLog(sink: sink) : nil
        var setup = ProxyServer.Setup(
            policy: configured.policy, version: Version.text, workers: settings.workers, registry: registry,
            logSink: sink,
            accessLog: accessLog, log: log)
        setup.takesReloads = true
        setup.spanLog = SpanLog(sink: sink, version: Version.text)
        do {
            return try await ProxyServer.start(setup)
        } catch {
            _ = sink.flush()
            Console.error("error: \(error)")
            throw ExitCode(ExitStatus.cannotStart)
        }
    }

    /// Waits for a reason to end, drains, and ends at once when a second one comes.
    private func end(
        _ server: ProxyServer, _ signals: AsyncStream<Signals.Ending>, _ log: Logger, beginning: () -> Void
    ) async {
        let reasons = merged(signals, server.drainRequests)
        var reasonIterator = reasons.makeAsyncIterator()
        let first = await reasonIterator.next()
        beginning()
        log.info(
            "Draining",
            metadata: ["reason": "\(first ?? "end")", "timeout_s": "\(settings.drainTimeout.secondsRoundedUp)"])
        let timeout = settings.drainTimeout
        let isClean = await withTaskGroup(of: Bool?.self) { tasks in
            tasks.addTask { await server.drain(timeout: timeout) }
            tasks.addTask { await Self.next(of: reasons) == nil ? nil : false }
            defer { tasks.cancelAll() }
            return await tasks.next() ?? nil
        }
        await server.stop()
        if isClean == true {
            log.info("Ended")
        } else {
            log.warning("Ended with requests cut off")
        }
    }

    private static func next(of reasons: AsyncStream<String>) async -> String? {
        for await reason in reasons { return reason }
        return nil
    }

    private func merged(_ signals: AsyncStream<Signals.Ending>, _ requests: AsyncStream<Void>) -> AsyncStream<String> {
        let (merged, continuation) = AsyncStream.makeStream(of: String.self)
        Task { for await signal in signals { continuation.yield(signal.rawValue) } }
        Task { for await _ in requests { continuation.yield("POST /drain") } }
        return merged
    }
}
