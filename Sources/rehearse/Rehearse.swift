import ArgumentParser

@main
struct Rehearse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rehearse",
        abstract: "Measures the gate in virtual time, against the figures that it has to reach.",
        discussion: "A tool of this repository, no part of the product. Run it with `swift run -c release rehearse`.",
        subcommands: [
            FiguresCommand.self, SeedsCommand.self, TraceCommand.self, GateCommand.self, ClusterCommand.self,
        ],
        defaultSubcommand: FiguresCommand.self)
}
