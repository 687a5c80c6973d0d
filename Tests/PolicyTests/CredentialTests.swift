import Admission
import Testing

@testable import Policy

@Suite("Several keys in the file")
struct CredentialTests {
    private static let keys =
        "    credentials:\n      - {name: a, key: {env: KEY_A}}\n      - {name: b, key: {env: KEY_B}}\n"

    @Test("Each has its name, its secret and limits of its own, which count together what goes out with it")
    func list() throws {
        let upstream = try upstream(
            """
                credentials:
                  - name: a
                    key: {env: KEY_A}
                    limits:
                      - in_flight: 16
                        requests: 500/min
                      - {name: large, match: {model: "gpt-5*"}, tokens: 30000/min}
                  - key: {file: /run/secrets/second}
                limits:
                  - in_flight: 24

            """)
        #expect(upstream.credential == nil)
        #expect(upstream.credentials.map(\.name) == ["a", "second"])
        #expect(upstream.credentials.map(\.key.value) == ["\(World.secret)-KEY_A", World.secret])
        #expect(upstream.gate.keys == ["a", "second"])
        #expect(upstream.gate.limits.map(\.name) == ["in-flight", "a/in-flight-requests", "a/large"])
        #expect(upstream.gate.limits.map(\.keys) == [[], [0], [0]])
        #expect(upstream.gate.limits[1].terms == Limit.Terms(inFlight: 16, rates: [Limit.Rate(500, per: .minutes(1))]))
        #expect(upstream.gate.limits[2].match == [Limit.Match(.model, [Glob("gpt-5*")])])
    }

    @Test("A limit per credential is one for each key, and one that matches keys is for those together")
    func perCredential() throws {
        let limits = try upstream(
            Self.keys + """
                    limits:
                      - per: credential
                        requests: 500/min
                        overrides: {b: {requests: 60/min}}
                      - name: organisation
                        match: {credential: ["a", "b*"], model: "gpt*"}
                        in_flight: 8

                """
        ).gate.limits
        #expect(limits.map(\.name) == ["a/per-credential", "b/per-credential", "organisation"])
        #expect(limits.map(\.keys) == [[0], [1], [0, 1]])
        #expect(limits.map { $0.terms.rates.first?.quota } == [500, 60, nil])
        #expect(limits.allSatisfy { $0.per.isEmpty && $0.overrides.isEmpty })
        #expect(limits[2].match == [Limit.Match(.model, [Glob("gpt*")])])
    }

    @Test("Without keys of its own a limit per credential is one for each caller's key")
    func perCaller() throws {
        let limits = try upstream("    limits: [{per: credential, in_flight: 4}]\n").gate.limits
        #expect(limits.map(\.per) == [[.credential]] && limits[0].keys.isEmpty)
    }

    @Test("A key that is not there is a warning for a check and a mistake for a start")
    func missing() {
        let text = "upstreams:\n  a:\n    url: https://a.example\n    credentials: [{name: x, key: {env: ABSENT}}]\n"
        let said = "4:34: %: the secret of `key` is missing: `ABSENT` is not set"
        #expect(PolicyLoader.test(missing: .tolerated).lines(text) == [said.replacing("%", with: "warning")])
        #expect(PolicyLoader.test(missing: .refused).lines(text) == [said.replacing("%", with: "error")])
    }

    @Test("More than 64 are too many")
    func tooMany() {
        let items = (1...65).map { "{name: k\($0), key: {env: E\($0)}}" }.joined(separator: ", ")
        let text = "upstreams:\n  a:\n    url: https://a.example\n    credentials: [\(items)]\n"
        #expect(PolicyLoader.test().lines(text).contains("4:18: error: `credentials` has more than 64 keys"))
    }

    @Test("The effective configuration shows their names and limits, and a change of one is told without it")
    func effective() throws {
        func policy(_ key: String, _ slots: Int) throws -> Policy {
            try PolicyTests.policy(
                upstream: """
                        credentials:
                          - {name: a, key: {env: \(key)}, limits: [{in_flight: \(slots)}]}
                          - {name: b, key: {env: KEY_B}}
                        limits: [{name: both, match: {credential: "*"}, in_flight: 9}]

                    """)
        }
        let old = try policy("KEY_A", 4)
        let yaml = old.yaml
        #expect(yaml.contains("key: \"***\"  # from the environment, KEY_A") && !yaml.contains(World.secret))
        #expect(yaml.contains("          - name: in-flight\n            in_flight: 4\n"), "\(yaml)")
        #expect(yaml.contains("match:\n          credential: [a, b]\n"), "\(yaml)")
        #expect(
            PolicyChanges(from: old, to: try policy("KEY_C", 5)).lines == [
                "upstream openai, credential a: key comes from the environment, KEY_C",
                "upstream openai, credential a: limits.in-flight.in_flight 4 → 5",
            ])
    }

    @Test("The table of a check names them and where they come from, and says for which a limit holds")
    func table() throws {
        let text = CheckTable(
            try policy(upstream: Self.keys + "    limits: [{match: {credential: \"*\"}, name: both, in_flight: 9}]\n")
        ).description
        #expect(text.contains("  credential  a, from the environment, KEY_A\n"))
        #expect(text.contains("  credential  b, from the environment, KEY_B\n"))
        #expect(text.contains("  both   credential = a | b  9 in flight"))
        #expect(!text.contains(World.secret))
    }
}
