import Testing

@testable import Policy

@Suite("What a reload changes, in words")
struct PolicyChangesTests {
    private static func policy(_ text: String, key: String = "a", knownNames: [String] = []) throws -> Policy {
        var loader = PolicyLoader(
            file: "p.yaml",
            secrets: SecretSource(missing: .refused, environment: { _ in key }, readFile: { _ in Array(key.utf8) }))
        loader.knownNames = knownNames
        return try loader.load(text).policy
    }

    private static func upstreams(_ lines: String) -> String {
        "upstreams:\n  a:\n    url: https://a.example\n    \(lines.replacing("\n", with: "\n    "))\n"
    }

    @Test(
        "names each value that differs",
        arguments: [
            (
                upstreams("limits: [{name: x, in_flight: 16}]"), upstreams("limits: [{name: x, in_flight: 32}]"),
                ["upstream a, limit x: in_flight 16 → 32"]
            ),
            (
                upstreams("limits: [{name: x, requests: 5/s}]"),
                upstreams("limits: [{name: x, requests: [5/s, 60/min]}]"),
                ["upstream a, limit x: requests 5/s → [5/s, 60/min]"]
            ),
            (
                upstreams("limits: [{name: x, in_flight: 1}]"), upstreams("limits: [{name: y, in_flight: 1}]"),
                ["upstream a, limit x removed", "upstream a, limit y added"]
            ),
            (
                upstreams("limits: [{name: x, in_flight: 1}, {name: y, requests: 1/s}]"),
                upstreams("limits: [{name: y, requests: 1/s}, {name: x, in_flight: 1}]"),
                ["upstream a: limits in another order"]
            ),
            (
                upstreams("retry: {backoff: {base: 1s}}"), upstreams("breaker: off"),
                [
                    "upstream a: retry.backoff.base 1s → 500ms",
                    "upstream a: breaker {failures: 5, ratio: 50%, of_at_least: 20, within: 30s, open_for: 30s} → off",
                ]
            ),
            (
                upstreams("default: true"), upstreams("default: true\nadaptive: {min: 1, max: 2}\ntls: {ca: /ca.pem}"),
                ["upstream a: adaptive added: {min: 1, max: 2}", "upstream a: tls added: {ca: /ca.pem}"]
            ),
            (
                upstreams("default: true") + "  b: {url: \"http://b\"}\n",
                upstreams("default: true") + "  c: {url: \"http://c\"}\n",
                ["upstream b removed", "upstream c added"]
            ),
            (
                upstreams("default: true"),
                upstreams("default: true") + "guard: {max_memory: 64MiB}\nlog: {level: debug}",
                ["log.level added: debug", "guard.max_memory 80% → 64MiB"]
            ),
            (upstreams("default: true"), upstreams("default: true"), []),
        ])
    func words(old: String, new: String, lines: [String]) throws {
        #expect(try PolicyChanges(from: Self.policy(old), to: Self.policy(new)).lines == lines)
    }

    @Test("tells of another secret, and does not tell it")
    func secrets() throws {
        let text = Self.upstreams("credential: {env: KEY}\nproxy: {env: KEY}")
        let other = text.replacing("credential: {env: KEY}", with: "credential: {file: /key}")
        let (old, new) = ("http://u:hunter2@proxy:1", "http://u:hunter3@proxy:1")
        #expect(
            try PolicyChanges(from: Self.policy(text, key: old), to: Self.policy(text, key: new)).lines
                == ["upstream a: credential has a new value", "upstream a: proxy has a new value"])
        #expect(
            try PolicyChanges(from: Self.policy(text, key: old), to: Self.policy(other, key: old)).lines
                == ["upstream a: credential comes from the file /key"])
    }

    // MARK: What stays

    private static let bound = """
        listen: [127.0.0.1:1, {address: 127.0.0.1:2, tls: {cert: /c, key: /k}}]
        admin: {address: 127.0.0.1:3, allow_changes: false}
        workers: 2
        log: {format: json}
        upstreams: {a: {url: "https://a.example", listen: 127.0.0.1:4}}
        """

    @Test(
        "keeps addresses, workers and the log's format until a restart, and says which wait for it",
        arguments: [
            (
                "127.0.0.1:1,", "127.0.0.1:9,",
                ["listen 127.0.0.1:9 is not bound yet", "listen 127.0.0.1:1 stays bound"]
            ),
            ("address: 127.0.0.1:3", "address: 127.0.0.1:8", ["admin 127.0.0.1:3 → 127.0.0.1:8"]),
            ("workers: 2", "workers: 4", ["workers 2 → 4"]), ("json", "text", ["log.format json → text"]),
            (
                "listen: 127.0.0.1:4", "listen: 127.0.0.1:5",
                ["listen 127.0.0.1:5 of upstream a is not bound yet", "listen 127.0.0.1:4 of upstream a stays bound"]
            ),
            (
                "{a: {", "{b: {",
                ["listen 127.0.0.1:4 of upstream b is not bound yet", "listen 127.0.0.1:4 of upstream a stays bound"]
            ),
            ("cert: /c", "cert: /d", []), ("allow_changes: false", "allow_changes: true", []),
        ])
    func restart(part: String, other: String, waiting: [String]) throws {
        let old = try Self.policy(Self.bound)
        let new = try Self.policy(Self.bound.replacing(part, with: other))
        let started = StartedWith(old)
        #expect(started.waiting(in: new) == waiting)
        let changes = PolicyChanges(from: old, to: started.keeping(in: new)).lines
        #expect(changes.isEmpty == (waiting.count > 0 && part != "{a: {"), "\(changes)")
    }

    @Test("A name of an identity keeps its dimension while requests may know it")
    func dimensions() throws {
        func names(_ text: String, _ known: [String]) throws -> [String] {
            let text = "identity: {\(text)}\n" + Self.upstreams("limits: [{per: team, in_flight: 1}]")
            let policy = try Self.policy(text, knownNames: known)
            let dimension = try #require(policy.upstreams[0].gate.limits[0].per.first)
            #expect(policy.identity.others[dimension.rawValue - 5].name == "team")
            return policy.identity.others.map(\.name)
        }
        #expect(try names("team: [{header: X-T}], region: [{header: X-R}]", []) == ["team", "region"])
        #expect(try names("region: [{header: X-R}], team: [{header: X-T}]", ["team", "region"]) == ["team", "region"])
        #expect(try names("area: [{header: X-A}], team: [{header: X-T}]", ["region", "team"]) == ["", "team", "area"])
        // What is gone can't be meant.
        #expect(throws: InvalidPolicy.self) {
            try Self.policy(Self.upstreams("limits: [{per: team, in_flight: 1}]"), knownNames: ["team"])
        }
    }
}
