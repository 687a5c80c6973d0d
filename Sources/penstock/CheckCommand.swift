import ArgumentParser
import Policy

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validates a configuration and prints the limits that it makes.",
        discussion: """
            Prints every mistake as FILE:LINE:COLUMN: error: … on standard error and exits 1 if there is one. A secret
            that is missing here is a warning: it need not be where the file is checked.
            """)

    @Option(name: .shortAndLong, help: "The YAML file.")
    var config: String?

    func run() throws {
        let path = try ConfigFile.path(config)
        do {
            let loaded = try ConfigFile(path: path).load(missingSecrets: .tolerated)
            for warning in loaded.warnings { Console.error(warning.description) }
            print(CheckTable(loaded.policy).description)
        } catch let invalid as InvalidPolicy {
            for diagnostic in invalid.diagnostics { Console.error(diagnostic.description) }
            throw ExitCode(ExitStatus.invalidConfiguration)
        }
    }
}

/// The exit codes that the contract names.
enum ExitStatus {
    static let invalidConfiguration: Int32 = 1
    static let cannotStart: Int32 = 2
}
