import Admission
import ArgumentParser
import Rehearsal

/// Recorded traffic through one gate: what waits, what is used, what the provider counts.
struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Sends recorded traffic through the gate in virtual time.",
        discussion: """
            A trace has lines of a time, the tokens of a request and those of its answer, as in \
            `2023-11-16 18:17:03.9799600,4808,10`. Several files are several tenants at the same time.
            """)

    @Argument(help: "Files of recorded traffic.")
    var files: [String]

    @Option(help: "Requests a minute that the provider allows; none means no limit.")
    var requests: Int?

    @Option(help: "Tokens a minute that the provider allows, as it counts them when a request arrives.")
    var tokens: Int?

    @Option(help: "Attempts under way at one time.")
    var inFlight: Int?

    @Option(help: "Seconds after which those that wait are refused.")
    var timeout: Int = 60

    @Option(help: "Decides all that is left to chance.")
    var seed: UInt64 = 1

    func validate() throws {
        for (name, value) in [
            ("requests", requests), ("tokens", tokens), ("in-flight", inFlight), ("timeout", timeout),
        ] {
            guard value ?? 1 >= 1 else { throw ValidationError("--\(name) is 1 or more.") }
        }
        if files.isEmpty { throw ValidationError("A trace is a file.") }
    }

    func run() throws {
        let replay = Replay(
            traces: try files.map(TraceFile.trace), requests: requests, tokens: tokens, inFlight: inFlight,
            timeout: .seconds(timeout))
        let figures = replay.figures(seed: seed)
        print(
            FigureTable.text(
                figures, of: files.joined(separator: ", "), method: "waits are from the ask to the first attempt"))
        if figures.contains(where: { !$0.isReached }) { throw ExitCode(1) }
    }
}
