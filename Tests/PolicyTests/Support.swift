import Policy

/// A world with the few secrets that the tests name.
enum World {
    static let secret = "sk-do-not-print"

    static func environment(_ name: String) -> String? {
        switch name {
        case "ABSENT": nil
        case "EMPTY": ""
        case "LINE": "a\nb"
        case "PROXY", "HTTPS_PROXY": "http://proxy:3128"
        // Two of several keys differ.
        case "KEY_A", "KEY_B", "KEY_C": "\(secret)-\(name)"
        default: secret
        }
    }

    static func readFile(_ path: String) throws -> [UInt8] {
        switch path {
        case "/absent": throw NoSuchFile()
        case "/binary": [0xFF, 0x00]
        default: Array("\(secret)\n".utf8)
        }
    }

    struct NoSuchFile: Error, CustomStringConvertible {
        var description: String { "no such file" }
    }
}

extension PolicyLoader {
    /// A loader over ``World``.
    static func test(file: String = "p.yaml", missing: SecretSource.Missing = .tolerated) -> PolicyLoader {
        PolicyLoader(
            file: file,
            secrets: SecretSource(missing: missing, environment: World.environment, readFile: World.readFile))
    }

    /// Everything that is said about a file, whether it can be used or not, without the file's name.
    func lines(_ bytes: [UInt8]) -> [String] {
        let diagnostics: [Diagnostic]
        do {
            diagnostics = try load(bytes).warnings
        } catch {
            diagnostics = error.diagnostics
        }
        return diagnostics.map { String($0.description.dropFirst(file.count + 1)) }
    }

    func lines(_ text: String) -> [String] { lines(Array(text.utf8)) }
}

/// The policy of a file with one upstream whose further lines are given, indented by four.
func policy(upstream lines: String = "") throws -> Policy {
    try PolicyLoader.test().load("upstreams:\n  openai:\n    url: https://api.openai.com\n\(lines)").policy
}

/// The only upstream of such a file.
func upstream(_ lines: String = "") throws -> Upstream {
    try policy(upstream: lines).upstreams[0]
}
