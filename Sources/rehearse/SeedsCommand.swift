import Admission
import ArgumentParser
import Dispatch
import Rehearsal
import Synchronization

/// Random worlds, one per seed, on all cores; exit code 1 where a promise was broken in one of them.
struct SeedsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seeds", abstract: "Lets random worlds run and looks for broken promises.")

    @Option(help: "How many worlds.")
    var count: Int = 100

    @Option(help: "Virtual hours of each world.")
    var hours: Int = 1

    @Option(help: "The first seed; the others follow it.")
    var from: UInt64 = 1

    func validate() throws {
        guard count >= 1, hours >= 1 else { throw ValidationError("--count and --hours are 1 or more.") }
        guard !from.addingReportingOverflow(UInt64(count)).overflow else {
            throw ValidationError("--from and --count go beyond the last seed.")
        }
    }

    /// What is known so far.
    private struct Progress {
        var ended = 0
        var events = 0
        var requests = 0
        var failed: [UInt64] = []
    }

    func run() throws {
        let began = ContinuousClock.now
        let progress = Mutex(Progress())
        let (count, hours, from) = (count, hours, from)
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let seed = from + UInt64(index)
            let findings = Rehearsal.run(seed: seed, for: .hours(hours))
            progress.withLock { Self.note(findings, of: seed, in: &$0, count: count, hours: hours) }
        }
        let (all, seconds) = (progress.withLock { $0 }, (ContinuousClock.now - began).components.seconds)
        print("\(count) worlds of \(hours) h: \(all.requests) requests, \(all.events) events, \(seconds) s")
        guard all.failed.isEmpty else {
            print("Promises were broken with seeds \(all.failed.sorted().map(String.init).joined(separator: ", ")).")
            throw ExitCode(1)
        }
        print("Every promise held.")
    }

    private static func note(
        _ findings: Findings, of seed: UInt64, in progress: inout Progress, count: Int, hours: Int
    ) {
        progress.ended += 1
        progress.events += findings.events
        progress.requests += findings.submitted
        if !findings.complaints.isEmpty {
            progress.failed.append(seed)
            for complaint in findings.complaints { print("seed \(seed): \(complaint)") }
            print("  again: swift run -c release rehearse seeds --from \(seed) --count 1 --hours \(hours)")
        }
        if progress.ended % max(1, count / 20) == 0 { print("\(progress.ended) of \(count)") }
    }
}
