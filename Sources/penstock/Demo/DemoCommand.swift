import ArgumentParser
import NIOCore
import Policy

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows Penstock at work between simulated applications and a simulated provider.",
        discussion: """
            Starts both and the proxy on free loopback ports, needs no key and leaves nothing behind. Exits 0 only if
            every call was answered and the provider counted no broken limit.
            """)

    enum Play: String, CaseIterable, ExpressibleByArgument {
        /// Documents of many tenants under limits in flight, half a minute.
        case pages
        /// 1,000 queries under 500 a minute, two true minutes.
        case batch
    }

    @Option(help: "pages: PDFs of many tenants (half a minute); batch: 1,000 queries at 500/min (two minutes).")
    var scenario = Play.pages
    @Option(help: "Decides the workload and what the provider does by chance.")
    var seed: UInt64 = 1
    @Option(help: "Queries of the batch scenario, 25 to 5000.")
    var queries = 1000
    @Flag(help: "Leaves provider and proxy up for curl until Ctrl-C.")
    var stay = false

    func validate() throws {
        guard (25...5000).contains(queries) else { throw ValidationError("--queries is not from 25 to 5000") }
    }

    func run() async throws {
        let signals = Signals.endings()
        let ending = Task { await Self.first(of: signals) }
        let scenario = chosen
        let stage = try await open(scenario)
        let outcome = await play(scenario, on: stage, ending: ending)
        if stay, outcome != .interrupted {
            Screen().show(Invitation(stage).lines)
            let reading = Task { await stage.forgetJournal() }
            _ = await ending.value
            reading.cancel()
        }
        await stage.close()
        switch outcome {
        case .kept: return
        case .broken: throw ExitCode(1)
        case .interrupted: throw ExitCode(await ending.value == .terminate ? 143 : 130)
        }
    }

    private enum Outcome {
        case kept, broken, interrupted
    }

    private var chosen: Scenario {
        switch scenario {
        case .pages: .pages(seed: seed)
        case .batch: .batch(queries: queries, seed: seed)
        }
    }

    private func open(_ scenario: Scenario) async throws -> Stage {
        // Two ends of each caller's connection and two of each call in flight, all in this process.
        let files = 2 * (scenario.workload.calls + scenario.bounds.inFlight) + 256
        guard OpenFiles.suffice(files) else {
            Console.error("error: \(files) open files are needed; raise the limit: ulimit -n \(files)")
            throw ExitCode(ExitStatus.cannotStart)
        }
        do {
            return try await Stage.open(scenario)
        } catch {
            Console.error("error: \(error)")
            throw ExitCode(ExitStatus.cannotStart)
        }
    }

    private func play(
        _ scenario: Scenario, on stage: Stage, ending: Task<Signals.Ending?, Never>
    ) async -> Outcome {
        let performance = Performance(scenario, on: stage)
        let playing = Task { await performance.play() }
        Task { if await ending.value != nil { playing.cancel() } }
        let display = LiveDisplay(performance, scenario, stage)
        let showing = Task { await display.show() }
        await playing.value
        showing.cancel()
        await showing.value
        if playing.isCancelled {
            Screen().show(["", "Interrupted; what was under way has been cut off."])
            return .interrupted
        }
        let summary = Summary(
            tally: performance.currentTally(), provider: stage.simulator.counts,
            books: try? await Books.read(from: stage))
        Screen().show(summary.lines)
        return summary.verdict.isKept ? .kept : .broken
    }

    private static func first(of signals: AsyncStream<Signals.Ending>) async -> Signals.Ending? {
        for await signal in signals { return signal }
        return nil
    }
}
