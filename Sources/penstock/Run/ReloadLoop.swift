import Dispatch
import Logging
import Policy
import Proxy
import Telemetry

/// Reads the configuration again while the proxy runs: when it is told to, and when one of its files has changed.
struct ReloadLoop {
    let source: PolicySource
    let server: ProxyServer
    let threshold: LogThreshold
    let sink: LogSink
    let log: Logger
    private var watch: FileWatch
    /// Of the files that the policy in force was made from.
    private var inForce: [String: FileStamp]

    private enum Cause {
        case signal
        case request(ReloadRequest)
        /// Time to look at the files.
        case tick
    }

    /// A file that hangs, on a network perhaps, must hold up nothing but reloads.
    private static let queue = DispatchQueue(label: "configuration")

    /// How often the files are looked at. Their changes hold after one or two of these.
    private static let period = Duration.seconds(1)

    /// - Parameter stamps: of the files that the policy in force was read from.
    init(
        source: PolicySource, stamps: [String: FileStamp], server: ProxyServer, threshold: LogThreshold, sink: LogSink,
        log: Logger
    ) {
        (self.source, self.server, self.threshold) = (source, server, threshold)
        (self.sink, self.log) = (sink, log)
        watch = FileWatch(read: stamps)
        inForce = stamps
    }

    /// Runs until the task is cancelled.
    mutating func run(_ hangups: AsyncStream<Void>) async {
        for await cause in causes(hangups) {
            switch cause {
            case .signal: _ = await reload(["cause": "SIGHUP"])
            case .request(let request): request.answer(await reload(["cause": "POST /reload"]))
            case .tick:
                let files = await look()
                if !files.isEmpty {
                    _ = await reload(["cause": "changed files", "files": .array(files.map { "\($0)" })])
                }
            }
        }
    }

    private func causes(_ hangups: AsyncStream<Void>) -> AsyncStream<Cause> {
        let (causes, continuation) = AsyncStream.makeStream(of: Cause.self)
        let requests = server.reloadRequests
        let tasks = [
            Task { for await _ in hangups { continuation.yield(.signal) } },
            Task { for await request in requests { continuation.yield(.request(request)) } },
            Task { while (try? await Task.sleep(for: Self.period)) != nil { continuation.yield(.tick) } },
        ]
        continuation.onTermination = { _ in for task in tasks { task.cancel() } }
        return causes
    }

    private mutating func look() async -> [String] {
        let paths = watch.read.keys
        return watch.look(await Self.onQueue { FileStamp.stamps(of: paths) })
    }

    private mutating func reload(_ cause: Logger.Metadata) async -> ReloadRequest.Answer {
        let source = source
        let names = server.policy.identity.others.map(\.name)
        let read = await Self.onQueue { source.read(knownNames: names) }
        defer { ResidentMemory.releaseStartup() }
        do {
            let configured = try read.outcome.get()
            watch.wasRead(read.stamps)
            var reloaded = try await use(configured)
            let certificates = configured.policy.certificatePaths.filter { inForce[$0] != read.stamps[$0] }
            reloaded.changes += certificates.map { "\($0) read again" }
            inForce = read.stamps
            tell(reloaded, configured, cause)
            return .done(reloaded)
        } catch {
            let lines =
                (error as? PolicySource.Mistakes)?.lines ?? (error as? ProxyServer.Unusable)?.reasons.map(inFile)
            // What was looked at before may hold the remedy, too.
            watch.wasRead(watch.read.merging(read.stamps) { $1 })
            return refuse(lines ?? ["\(error)"], cause)
        }
    }

    private func use(_ configured: PolicySource.Configured) async throws -> ProxyServer.Reloaded {
        let level = configured.settings.logLevel
        let reloaded = try await server.reload(
            configured.policy, accessLog: level <= .info ? AccessLog(sink: sink) : nil)
        threshold.level = level
        return reloaded
    }

    private func inFile(_ reason: String) -> String { "\(source.file.path): error: \(reason)" }

    // MARK: Telling

    private func tell(
        _ reloaded: ProxyServer.Reloaded, _ configured: PolicySource.Configured, _ cause: Logger.Metadata
    ) {
        for warning in configured.warnings { log.warning("Configuration", metadata: ["warning": "\(warning)"]) }
        log.info("Reloaded the configuration", metadata: cause)
        for change in reloaded.changes { log.info("Configuration changed", metadata: ["change": "\(change)"]) }
        for change in reloaded.waiting { log.warning("Needs a restart", metadata: ["change": "\(change)"]) }
    }

    private func refuse(_ lines: [String], _ cause: Logger.Metadata) -> ReloadRequest.Answer {
        server.noteFailedReload()
        log.error("Configuration not reloaded: nothing changes", metadata: cause)
        for line in lines { log.error("Mistake in the configuration", metadata: ["mistake": "\(line)"]) }
        return .invalid(lines)
    }

    private static func onQueue<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: body()) } }
    }
}
