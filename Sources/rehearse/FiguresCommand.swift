import ArgumentParser
import Rehearsal

/// Every figure with its target; exit code 1 where one is missed.
struct FiguresCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "figures", abstract: "Measures every figure and says which targets are reached.")

    @Option(help: "Decides all that is left to chance.")
    var seed: UInt64 = 1

    @Option(help: "Only groups whose name contains this.")
    var only: String?

    @Option(help: "A file of recorded traffic whose sizes the requests with tokens have.")
    var trace: [String] = []

    @Option(help: "Divides the lengths of what is rehearsed, for a quick look.")
    var haste: Int = 1

    /// The place of a group to be measured in this process; the exit code is then how many targets are missed.
    @Option(help: .hidden)
    var group: Int?

    func validate() throws {
        guard (1...100).contains(haste) else { throw ValidationError("--haste is from 1 to 100.") }
        if let group, !FigureGroup.all.indices.contains(group) { throw ValidationError("There is no such group.") }
    }

    func run() throws {
        let settings = FigureSettings(seed: seed, haste: haste, sizes: try trace.flatMap(TraceFile.sizes))
        if let group { throw ExitCode(Int32(measure(FigureGroup.all[group], settings))) }
        let places = FigureGroup.all.indices.filter { only.map(FigureGroup.all[$0].name.contains) ?? true }
        guard !places.isEmpty else { throw ValidationError("No group's name contains that.") }
        var missed = 0
        for place in places {
            if FigureGroup.all[place].isAlone {
                missed += try OwnProcess.run(
                    ["figures", "--group", "\(place)", "--seed", "\(seed)", "--haste", "\(haste)"])
            } else {
                missed += measure(FigureGroup.all[place], settings)
            }
        }
        print(missed == 0 ? "All targets are reached." : "\(missed) of the targets are not reached.")
        if missed > 0 { throw ExitCode(1) }
    }

    /// Prints a group's figures and says how many targets are missed.
    private func measure(_ group: FigureGroup, _ settings: FigureSettings) -> Int {
        let figures = group.measure(settings)
        print(FigureTable.text(figures, of: group.name, method: group.method))
        return figures.count { !$0.isReached }
    }
}
