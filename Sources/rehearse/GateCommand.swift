import ArgumentParser
import Rehearsal

/// What one decision costs; for a profiler and for counting instructions also a bare run of so many.
struct GateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate", abstract: "Measures what one decision of the gate costs.")

    @Option(
        help: "One of: \(GateBenchmark.Situation.allCases.map(\.rawValue).joined(separator: ", ")). All by default.")
    var situation: GateBenchmark.Situation?

    @Option(help: "Make so many decisions and measure nothing, for a profiler.")
    var decisions: Int?

    @Option(help: "Cancel so many and measure nothing, for a profiler.")
    var cancels: Int?

    func validate() throws {
        if decisions ?? cancels != nil, situation == nil {
            throw ValidationError("--decisions and --cancels need a --situation.")
        }
        if let count = decisions ?? cancels, count < 0 { throw ValidationError("A count is 0 or more.") }
    }

    func run() throws {
        if let situation, decisions ?? cancels != nil { return perform(in: situation) }
        let situations = situation.map { [$0] } ?? GateBenchmark.Situation.allCases
        for costs in GateFigures.measure(situations, FigureSettings()) {
            var line = "\(costs.situation): \(FigureTable.value(costs.decision, "ns")) for submit and settle"
            if let cancel = costs.cancel { line += ", \(FigureTable.value(cancel, "ns")) for a cancel" }
            if let memory = costs.memory { line += ", \(FigureTable.value(memory, "bytes")) per waiting request" }
            print(line)
        }
    }

    private func perform(in situation: GateBenchmark.Situation) {
        var benchmark = GateBenchmark(situation)
        benchmark.fill()
        // Whatever grows with use has grown before what is counted.
        benchmark.decide(1000)
        if let decisions { benchmark.decide(decisions) }
        if let cancels {
            var random = SplitMix64(seed: 1)
            // As many are let in whatever is cancelled, so that only the cancels differ between two runs.
            benchmark.prepareCancels(max(20_000, cancels), random: &random)
            benchmark.cancel(cancels)
        }
        let standing = benchmark.standing
        print("\(standing.waiting) waiting, \(standing.inFlight) in flight")
    }
}

extension GateBenchmark.Situation: ExpressibleByArgument {}
