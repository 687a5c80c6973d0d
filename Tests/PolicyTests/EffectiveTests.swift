import Foundation
import Testing

@testable import Policy

@Suite("The effective configuration")
struct EffectiveTests {
    private static let config = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../config")

    private static func policy(_ file: String) throws -> Policy {
        try PolicyLoader.test().load([UInt8](Data(contentsOf: config.appending(path: file)))).policy
    }

    @Test(
        "reads back as what it shows",
        arguments: ["smallest.yaml", "pdf-pages.yaml", "batch-500-rpm.yaml", "several-upstreams.yaml"])
    func readsBack(file: String) throws {
        var policy = try Self.policy(file)
        for place in policy.upstreams.indices { policy.upstreams[place].credential = nil }
        let again = try PolicyLoader.test().load(policy.yaml)
        #expect(again.policy == policy)
        #expect(again.policy.yaml == policy.yaml)
    }

    @Test("shows every key that there is, and no secret")
    func complete() throws {
        let yaml = try Self.policy("complete.yaml").yaml
        #expect(!yaml.contains(World.secret) && !yaml.contains("proxy:3128"))
        #expect(yaml.contains("    credential: \"***\"  # from the environment, OPENAI_API_KEY\n"))
        let file = try String(contentsOf: Self.config.appending(path: "complete.yaml"), encoding: .utf8)
        let lines = file.split(separator: "\n").map { $0.prefix { $0 != "#" } }
        let keys = Set(lines.flatMap { $0.matches(of: /([a-z_0-9]+):( |$)/).map { String($0.1) } })
        // Sources of secrets stand in comments.
        for key in keys.subtracting(["env"]) { #expect(yaml.contains("\(key):"), "no \(key)") }
    }

    @Test("fills in what the file leaves out")
    func defaults() throws {
        let yaml = try PolicyTests.policy().yaml
        for line in [
            "listen: [127.0.0.1:8080]\n", "    prefix: /openai\n", "    default: true\n",
            "    timeouts: {connect: 5s, first_byte: 5m, idle: 2m, total: 10m}\n", "      max_requests: 1000\n",
            "guard: {max_connections: 10000, max_memory: 80%, max_header_bytes: 64KiB}\n",
            "    breaker: {failures: 5, ratio: 50%, of_at_least: 20, within: 30s, open_for: 30s}\n",
        ] {
            #expect(yaml.contains(line), "\(line) in \(yaml)")
        }
    }

    @Test(
        "writes texts so that they read back as they were",
        arguments: [
            "", "a", "a b", "*", "#x", "true", "null", "no", "a: b", "a:", "-", "\"", "\\", "é", "a\nb", "\u{1}", "{x}",
            "1", "'", "%", "http://a:1/x",
        ])
    func quoting(text: String) throws {
        let text = "x: [\(Setting.quoted(text))]"
        let findings = Findings(file: "t")
        let document = try #require(Document(Array(text.utf8), findings: findings))
        #expect(!findings.hasMistakes)
        let item = try #require(document.root.mapping?.first?.value.sequence?.first)
        #expect("x: [\(Setting.quoted(item.string ?? "?"))]" == text)
    }
}
