import ArgumentParser
import Policy
import Proxy

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validates a configuration and prints the limits that it makes, or explains one request.",
        discussion: """
            Prints every mistake as FILE:LINE:COLUMN: error: … on standard error and exits 1 if there is one. A secret
            that is missing here is a warning: it need not be where the file is checked.

            Warnings are about what can be used and is most likely not meant; with --strict they count as mistakes.

            With --explain it says what would become of a request, without sending it: the upstream, who asks, every
            limit that counts it, its place in the line and its longest wait.

                penstock check -c penstock.yaml --explain 'POST /openai/v1/chat/completions' \\
                    -H 'X-Tenant-Id: acme' --model gpt-4o
            """)

    @Option(name: .shortAndLong, help: "The YAML file.")
    var config: String?
    @Flag(help: "Exits 1 also where there are only warnings.")
    var strict = false
    @OptionGroup(title: "Explaining a request")
    var question: Question

    func run() async throws {
        let path = try ConfigFile.path(config)
        let loaded = try load(path)
        if let request = try question.request() {
            let explanation = try await Explainer.explain(request, under: loaded.policy)
            print(question.json ? String(decoding: explanation.json, as: UTF8.self) : explanation.description)
        } else {
            print(CheckTable(loaded.policy).description)
            print(CheckSummary(loaded))
        }
        if strict, !loaded.warnings.isEmpty { throw ExitCode(ExitStatus.invalidConfiguration) }
    }

    /// Says everything that is found, and ends where the file can't be used.
    private func load(_ path: String) throws -> PolicyLoader.Loaded {
        do {
            let loaded = try ConfigFile(path: path).load(missingSecrets: .tolerated)
            for warning in loaded.warnings { Console.error(warning.description) }
            return loaded
        } catch let invalid as InvalidPolicy {
            for diagnostic in invalid.diagnostics { Console.error(diagnostic.description) }
            throw ExitCode(ExitStatus.invalidConfiguration)
        }
    }
}

extension CheckCommand {
    /// The request that is asked about.
    struct Question: ParsableArguments {
        @Option(help: "METHOD TARGET: a path, a whole URL, or CONNECT HOST:PORT.")
        var explain: String?
        @Option(
            name: [.customShort("H"), .customLong("header")], help: "A field, NAME: VALUE; may be given several times.")
        var headers: [String] = []
        @Option(help: "The model that the body names.")
        var model: String?
        @Option(help: "A file with the whole body.")
        var body: String?
        @Option(help: "The address that it comes in at; by default the first of `listen`.")
        var at: String?
        @Flag(help: "Writes the explanation as JSON.")
        var json = false

        /// Bodies up to this size are read.
        private static let mostBody = 64 << 20

        func validate() throws {
            if explain == nil, !headers.isEmpty || model != nil || body != nil || at != nil || json {
                throw ValidationError("--header, --model, --body, --at and --json go with --explain")
            }
            if model != nil, body != nil { throw ValidationError("--body says the model already") }
        }

        /// `nil` where nothing is asked.
        func request() throws -> Explainer.Request? {
            guard let explain else { return nil }
            let words = explain.split(separator: " ").map(String.init)
            guard words.count == 2 else {
                throw ValidationError("--explain: write METHOD TARGET, such as 'POST /openai/v1/chat/completions'")
            }
            return Explainer.Request(
                method: words[0].uppercased(), target: words[1], fields: try headers.map(Self.field),
                body: try bodyBytes(), listener: try listener())
        }

        private static func field(_ text: String) throws -> (name: String, value: String) {
            guard let colon = text.firstIndex(of: ":"), colon > text.startIndex else {
                throw ValidationError("--header: `\(text)` is no NAME: VALUE")
            }
            let value = text[text.index(after: colon)...].drop { $0 == " " }
            return (String(text[..<colon]), String(value))
        }

        private func bodyBytes() throws -> [UInt8]? {
            if let model {
                let quoted = model.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                return Array(#"{"model": "\#(quoted)"}"#.utf8)
            }
            guard let body else { return nil }
            do {
                return try FileBytes.read(body, atMost: Self.mostBody)
            } catch {
                throw ValidationError("--body: \(body): \(error)")
            }
        }

        private func listener() throws -> Listener.Address? {
            guard let at else { return nil }
            guard let address = Listener.Address(at) else { throw ValidationError("--at: `\(at)` is no address") }
            return address
        }
    }
}

/// One line below the table: how much was looked at, and what is to be looked at again.
struct CheckSummary: CustomStringConvertible {
    private let loaded: PolicyLoader.Loaded

    init(_ loaded: PolicyLoader.Loaded) {
        self.loaded = loaded
    }

    var description: String {
        let limits = loaded.policy.upstreams.flatMap(\.gate.limits)
        let observed = limits.count { $0.mode == .observe }
        let part = observed == 0 ? "" : " (\(observed) only observed)"
        return "\(Self.count(loaded.policy.upstreams.count, "upstream")), \(Self.count(limits.count, "limit"))\(part); "
            + "no mistakes, \(Self.count(loaded.warnings.count, "warning"))"
    }

    private static func count(_ number: Int, _ word: String) -> String {
        "\(number == 0 ? "no" : "\(number)") \(word)\(number == 1 ? "" : "s")"
    }
}

/// The exit codes that the contract names.
enum ExitStatus {
    static let invalidConfiguration: Int32 = 1
    static let cannotStart: Int32 = 2
    static let unhealthy: Int32 = 1
}
