import Admission
import Policy
import Providers
import Testing

@Suite("Sections")
struct SectionTests {
    @Test(
        "Pacing says how finely the provider enforces a rate",
        arguments: [
            ("even", .even, .window(.seconds(1))), ("burst", .burst, .burst),
            ("10s", .window(.seconds(10)), .window(.seconds(10))),
            ("auto", .auto, .auto(Provider.openai.enforcedWindow)),
        ] as [(String, PacingSetting, Pacing)])
    func pacing(_ text: String, _ setting: PacingSetting, _ pacing: Pacing) throws {
        let upstream = try upstream("    pacing: \(text)\n")
        #expect(upstream.pacing == setting)
        #expect(upstream.gate.pacing == pacing)
    }

    @Test("Automatic pacing starts from the provider's window", arguments: Provider.allCases)
    func autoPacing(_ provider: Provider) throws {
        let upstream = try upstream("    provider: \(provider.rawValue)\n")
        #expect(upstream.provider == provider)
        #expect(upstream.gate.pacing == .auto(provider.enforcedWindow))
    }

    @Test(
        "The provider follows from the host unless it is said",
        arguments: [
            ("https://api.anthropic.com", "", .anthropic), ("https://API.OPENAI.COM", "", .openai),
            ("http://localhost:8000", "", .generic), ("http://localhost:8000", "    provider: vllm\n", .vllm),
        ] as [(String, String, Provider)])
    func provider(_ url: String, _ line: String, _ provider: Provider) throws {
        let policy = try PolicyLoader.test().load("upstreams:\n  a:\n    url: \(url)\n\(line)").policy
        #expect(policy.upstreams[0].provider == provider)
    }

    @Test(
        "A retry budget has two forms, and one part leaves the other at its default",
        arguments: [
            ("25%", 25, 10), ("{share: 25%, least: 3/min}", 25, 3), ("{share: 25%}", 25, 10), ("{least: 0/min}", 10, 0),
            ("{}", 10, 10),
        ])
    func retryBudget(_ text: String, percent: Int, least: Int) throws {
        let budget = try upstream("    retry: {budget: \(text)}\n").retry.budget
        #expect(budget == RetryRules.Budget(percent: percent, leastPerMinute: least))
    }

    @Test(
        "The breaker can be off, and what it leaves out has its default",
        arguments: [
            ("off", nil), ("\"off\"", nil), ("{}", BreakerRules()), ("{failures: 9}", BreakerRules(failures: 9)),
        ])
    func breaker(_ text: String, _ rules: BreakerRules?) throws {
        #expect(try upstream("    breaker: \(text)\n").gate.breaker == rules)
    }

    @Test("A smaller waiting room has no larger part for one tenant")
    func smallQueue() throws {
        #expect(try upstream("    queue: {max_requests: 50}\n").gate.queue.maxRequestsPerTenant == 50)
        #expect(try upstream("    queue: {max_requests: 5000}\n").gate.queue.maxRequestsPerTenant == 200)
    }

    @Test("Weights of priorities replace the default ones as a whole")
    func priorityWeights() throws {
        let fairness = try upstream("    queue: {weights: {priority: {high: 20}}}\n").gate.fairness
        #expect(Priority.allCases.map { fairness.weight(of: $0.rawValue, in: .priority) } == [20, 1, 1])
    }

    @Test("With several upstreams none is the default unless one says so")
    func defaults() throws {
        let two = "upstreams:\n  a:\n    url: https://a.example\n  b:\n    url: https://b.example\n"
        #expect(try PolicyLoader.test().load(two).policy.upstreams.map(\.isDefault) == [false, false])
        #expect(
            try PolicyLoader.test().load(two + "    default: true\n").policy.upstreams.map(\.isDefault) == [
                false, true,
            ])
        #expect(try upstream("    default: false\n").isDefault == false)
    }

    @Test("Two servers on one host by different ports are told apart without a warning")
    func portsOfOneHost() throws {
        let two = "upstreams:\n  a:\n    url: http://localhost:8001\n  b:\n    url: http://localhost:8002\n"
        #expect(try PolicyLoader.test().load(two).warnings.isEmpty)
    }

    @Test(
        "A limit without a name gets one from what it is",
        arguments: [
            ("[{in_flight: 4}]", ["in-flight"]),
            ("[{requests: [5/s, 100/min]}]", ["requests"]),
            ("[{requests: 5/s}, {requests: 9/min}]", ["requests", "requests-per-min"]),
            (
                "[{requests: 9/min}, {requests: 8/min}, {requests: 7/min}]",
                ["requests", "requests-per-min", "requests-2"]
            ),
            ("[{per: tenant, in_flight: 4}, {per: tenant, requests: 9/s}]", ["per-tenant", "per-tenant-requests"]),
            ("[{in_flight: 4, name: x}, {input_tokens: 4/s}]", ["x", "input-tokens"]),
            ("[{in_flight: 4}, {in_flight: 3, name: in-flight}]", ["in-flight-2", "in-flight"]),
            ("[{in_flight: 4, match: {model: [\"*o3*/\\\"x\", b]}, per: job}]", ["model-o3-x-per-job"]),
            ("[{at_most: 4, distinct: job}]", ["distinct"]),
        ])
    func limitNames(_ limits: String, _ names: [String]) throws {
        #expect(try upstream("    limits: \(limits)\n").gate.limits.map(\.name) == names)
    }

    @Test("Names of tenants are taken as they are, however long and strange")
    func strangeTenants() throws {
        let tenant = String(repeating: "täⁿant\u{200D}", count: 30)
        let limits =
            "[{per: tenant, in_flight: 4, overrides: {\"\(tenant)a\": {in_flight: 8}, \"\(tenant)b\": {in_flight: 9}}}]"
        let overrides = try upstream("    limits: \(limits)\n").gate.limits[0].overrides
        #expect(overrides["\(tenant)a"]?.inFlight == 8 && overrides["\(tenant)b"]?.inFlight == 9)
    }

    @Test("A limit's name does not change with its numbers, so that a reload keeps its counts")
    func stableNames() throws {
        let before = try upstream("    limits: [{in_flight: 4, requests: 5/s}]\n")
        let after = try upstream("    limits: [{in_flight: 9, requests: 7/s}]\n")
        #expect(before.gate.limits.map(\.name) == after.gate.limits.map(\.name))
    }

    @Test("Limits that hold something back are not called idle")
    func limitsThatHold() throws {
        let lines = PolicyLoader.test().lines(
            """
            upstreams:
              a:
                url: https://a.example.com
                limits:
                  - in_flight: 16
                    requests: [10/s, 500/min]
                  - per: tenant
                    in_flight: 15
                    requests: [10/min, 400/hour]
                  - match: {tenant: x}
                    in_flight: 15
                  - name: hour
                    requests: 20000/hour
                    at_most: 20
                    distinct: tenant
            """)
        #expect(lines == [])
    }
}

@Suite("Secrets")
struct SecretTests {
    private func lines(_ secret: String, missing: SecretSource.Missing) -> [String] {
        PolicyLoader.test(missing: missing).lines(
            "upstreams:\n  a:\n    url: https://a.example\n    credential: \(secret)\n")
    }

    @Test("A missing secret is a warning in a check and a mistake in a run")
    func missing() {
        let text = "the secret of `credential` is missing: `ABSENT` is not set"
        #expect(lines("{env: ABSENT}", missing: .tolerated) == ["4:17: warning: \(text)"])
        #expect(lines("{env: ABSENT}", missing: .refused) == ["4:17: error: \(text)"])
    }

    @Test(
        "What is empty or unreadable counts as missing",
        arguments: [
            ("{env: EMPTY}", "`EMPTY` is empty"), ("{file: /absent}", "`/absent` can't be read: no such file"),
            ("{file: /binary}", "`/binary` holds no text of at most 64KiB"),
        ])
    func unavailable(_ secret: String, _ why: String) {
        let message = "4:17: error: the secret of `credential` is missing: \(why)"
        #expect(lines(secret, missing: .refused) == [message])
    }

    @Test("A secret that would break a header is refused")
    func lineBreak() {
        let message = "4:17: error: the secret in `LINE` has characters that can't stand in a header"
        #expect(lines("{env: LINE}", missing: .tolerated) == [message])
    }

    @Test("The line end of a secret's file is taken off", arguments: ["s", "s\n", "s\r\n"])
    func lineEnd(_ content: String) throws {
        let secrets = SecretSource(missing: .refused, environment: { _ in nil }, readFile: { _ in Array(content.utf8) })
        let text = "upstreams:\n  a:\n    url: https://a.example\n    credential: {file: /s}\n"
        let policy = try PolicyLoader(file: "p", secrets: secrets).load(text).policy
        #expect(policy.upstreams[0].credential?.value == "s")
    }

    @Test("No description, dump or table of a policy shows a secret")
    func descriptions() throws {
        let loaded = try PolicyLoader.test().load(WholeShapeTests.wholeShape)
        var dumped = ""
        dump(loaded, to: &dumped)
        let shown = [
            dumped, "\(loaded.policy)", String(reflecting: loaded.policy), CheckTable(loaded.policy).description,
            loaded.warnings.map(\.description).joined(),
        ]
        #expect(shown.allSatisfy { !$0.contains(World.secret) && !$0.contains("proxy:3128") })
        #expect(dumped.contains("***"))
    }
}
