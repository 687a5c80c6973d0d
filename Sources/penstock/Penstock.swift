import ArgumentParser

@main
struct Penstock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "penstock",
        abstract: "Schedules an application's calls to LLM and other rate-limited APIs.",
        discussion: """
            Runs beside the application, which sends its calls here instead of to the provider. Penstock says who may go
            now, who waits and who is refused, so that the provider's limits are used to the full and never broken.
            """,
        version: Version.text,
        subcommands: [
            RunCommand.self, CheckCommand.self, TopCommand.self, HealthCommand.self, SimulateCommand.self,
            DemoCommand.self, VersionCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints version and build.")

    func run() {
        print("penstock \(Version.text) (\(Version.build))")
    }
}

enum Version {
    static let text = "0.1.0"

    static var build: String {
        #if DEBUG
            "debug"
        #else
            "release"
        #endif
    }
}
