import Admission
import Policy
import Testing

@testable import Proxy

@Suite("Explaining a request", .timeLimit(.minutes(2)))
struct ExplainTests {
    private static let policy = """
        listen: 127.0.0.1:8080
        upstreams:
          openai:
            url: https://api.openai.com
            credential: {env: KEY}
            limits:
              - name: account
                in_flight: 16
                requests: [500/min, 10000/day]
                tokens: 20000/min
              - name: tenant
                per: tenant
                in_flight: 4
                overrides: {acme: {in_flight: 8}}
              - name: jobs
                at_most: 8
                distinct: [tenant, job]
              - name: big
                match: {model: "gpt-4o*"}
                requests: 60/min
                mode: observe
              - name: small
                match: {model: ["*-mini", "*-nano"]}
                in_flight: 2
            queue: {weights: {tenant: {acme: 4}}}
          gemini:
            url: https://generativelanguage.googleapis.com/base
            listen: 127.0.0.1:8081
            limits: [{per: model, in_flight: 4}]
          local: {url: "http://localhost:8000"}
        """

    private static func explain(
        _ method: String, _ target: String, _ fields: [(String, String)] = [], body: String? = nil,
        at listener: String? = nil, _ policy: String = policy
    ) async throws -> Explanation {
        let loader = PolicyLoader(
            file: "p.yaml",
            secrets: SecretSource(missing: .refused, environment: { _ in "sk-hidden" }, readFile: { _ in [] }))
        let request = Explainer.Request(
            method: method, target: target, fields: fields.map { ($0.0, $0.1) }, body: body.map { Array($0.utf8) },
            listener: listener.flatMap { Listener.Address($0) })
        return try await Explainer.explain(request, under: loader.load(policy).policy)
    }

    @Test("says where it goes, who asks, what counts it and how long it may wait")
    func whole() async throws {
        let explanation = try await Self.explain(
            "POST", "/openai/v1/chat/completions", [("X-Tenant-Id", "acme"), ("Prefer", "wait=10")],
            body: #"{"model": "gpt-4o", "stream": true, "max_tokens": 100, "messages": []}"#)
        #expect(
            explanation.description == """
                POST /openai/v1/chat/completions

                  upstream    openai: the path begins with its prefix /openai
                  goes to     https://api.openai.com/v1/chat/completions
                  key         from the environment, KEY
                  stays here  X-Tenant-Id

                  tenant      acme    header X-Tenant-Id
                  job         -       no value from header X-Job-Id
                  priority    normal  no value from header X-Priority, header Priority
                  model       gpt-4o  the body
                  credential  -       not looked at: nothing goes by it

                  answer  streams
                  tokens  about 2 in; out: at most 100

                  limit    counted for              bound               pacing                    it takes
                  account  all                      16 in flight        -                         1
                                                    500 requests/min    1 per 120 ms, burst 125   1
                                                    10000 requests/day  all at once               1
                                                    20000 tokens/min    1 per 3.0 ms, burst 5000  102
                  tenant   tenant=acme, overridden  8 in flight         -                         1
                  big      all, only observed       60 requests/min     1 per 1016 ms, burst 15   1

                  not jobs   the request has no job
                  not small  it is for the model `*-mini` or `*-nano`, not `gpt-4o`

                  line      tenant acme (weight 4) > priority normal (weight 4) > job - (weight 1)
                  waits     at most 10s, by Prefer
                  timeouts  connect 5s, first byte 5m, idle 2m, total 10m
                  retry     5 attempts, backoff 500ms to 30s, budget 10% and at least 10/min, bodies up to 4MiB, hints up to 5m

                It goes at once where nothing else is under way.

                """)
    }

    @Test("The same as JSON")
    func json() async throws {
        let explanation = try await Self.explain("GET", "/local/v1/models")
        #expect(
            String(decoding: explanation.json, as: UTF8.self)
                == #"{"request":"GET /local/v1/models","verdict":"goes","upstream":"local","#
                + #""reason":"the path begins with its prefix /local","target":"http://localhost:8000/v1/models","#
                + #""key":"none: the request has none, and the upstream has no `credential`","withheld":[],"#
                + #""identity":{"tenant":{"value":"anonymous","source":"default"},"#
                + #""job":{"value":"","source":"no value from header X-Job-Id"},"#
                + #""priority":{"value":"normal","source":"no value from header X-Priority, header Priority"},"#
                + #""model":{"value":"","source":"not looked at: no limit depends on it"},"#
                + #""credential":{"value":"","source":"not looked at: nothing goes by it"}},"#
                + #""streams":false,"tokens":null,"limits":[],"other_limits":[],"#
                + #""line":[{"level":"tenant","value":"anonymous","weight":1},"#
                + #"{"level":"priority","value":"normal","weight":4},{"level":"job","value":"","weight":1}],"#
                + #""longest_wait_ms":60000,"wait_by":"queue.timeout"}"#)
    }

    @Test(
        "finds the upstream as the proxy does",
        arguments: [
            (
                "GET", "/openai/v1?a=b", [], nil, "openai: the path begins with its prefix /openai",
                "https://api.openai.com/v1?a=b"
            ),
            (
                "GET", "/v1/models", [("Host", "api.openai.com")], nil, "openai: the Host field names it",
                "https://api.openai.com/v1/models"
            ),
            (
                "GET", "http://api.openai.com/v1", [], nil, "openai: the URL names its host",
                "https://api.openai.com/v1"
            ),
            (
                "GET", "http://127.0.0.1:8080/local/x", [], nil, "local: the path begins with its prefix /local",
                "http://localhost:8000/x"
            ),
            (
                "CONNECT", "api.openai.com:443", [], nil, "openai: the tunnel is to its host",
                "a tunnel to api.openai.com:443"
            ),
            (
                "POST", "/v1/models/gemini-2.0:generateContent?key=AIza-secret&alt=sse", [], "127.0.0.1:8081",
                "gemini: the address that it came in at is its own",
                "https://generativelanguage.googleapis.com/base/v1/models/gemini-2.0:generateContent?key=***&alt=sse"
            ),
        ] as [(String, String, [(String, String)], String?, String, String)])
    func ways(
        method: String, target: String, fields: [(String, String)], listener: String?, reason: String, seen: String
    ) async throws {
        let explanation = try await Self.explain(method, target, fields, at: listener)
        let way = try #require(explanation.way)
        #expect("\(way.upstream): \(way.reason)" == reason)
        #expect(way.target == seen)
        #expect(!explanation.description.dropFirst(explanation.request.count).contains("secret"))
    }

    @Test(
        "says why it would be refused, with the status",
        arguments: [
            ("GET", "/nowhere", [], "", 404), ("GET", "http://evil.example/", [], "", 403),
            ("CONNECT", "api.openai.com:22", [], "", 403), ("GET", "/openai/v1", [("Host", "a b")], "", 400),
            ("TRACE", "/openai/v1", [], "", 400), ("GET", "nowhere", [], "", 400),
            ("POST", "/openai/v1/chat/completions", [], String(repeating: "many words ", count: 20_000), 413),
        ] as [(String, String, [(String, String)], String, Int)])
    func refusals(
        method: String, target: String, fields: [(String, String)], words: String, status: Int
    ) async throws {
        let body = words.isEmpty ? nil : #"{"messages": [{"role": "user", "content": "\#(words)"}]}"#
        let explanation = try await Self.explain(method, target, fields, body: body)
        guard case .refused(let refusal) = explanation.verdict else {
            Issue.record("it is not refused")
            return
        }
        #expect(refusal.status == status)
        #expect(explanation.description.hasSuffix("\n\nRefused with \(status): \(refusal.message).\n"))
        #expect((explanation.way != nil) == (status == 413))
    }

    @Test("Each limit is either counted or has its reason, as its rule says", arguments: 0..<32)
    func everyLimit(bits: Int) async throws {
        var fields: [(String, String)] = []
        if bits & 1 != 0 { fields.append(("X-Tenant-Id", "acme")) }
        if bits & 2 != 0 { fields.append(("X-Job-Id", "j")) }
        let model = ["gpt-4o", "gpt-4o-mini", "o3-nano", ""][bits >> 2 & 3]
        let explanation = try await Self.explain(
            bits & 16 == 0 ? "POST" : "GET", "/openai/v1/chat/completions", fields, body: #"{"model": "\#(model)"}"#)
        let way = try #require(explanation.way)
        let read = bits & 16 == 0 ? model : ""
        var expected: Set<String> = ["account", "tenant"]
        if bits & 2 != 0 { expected.insert("jobs") }
        if read.hasPrefix("gpt-4o") { expected.insert("big") }
        if read.hasSuffix("-mini") || read.hasSuffix("-nano") { expected.insert("small") }
        #expect(Set(way.limits.map(\.name)) == expected)
        #expect(
            Set(way.others.map(\.name)) == Set(["account", "tenant", "jobs", "big", "small"]).subtracting(expected))
        #expect(way.others.allSatisfy { !$0.reason.isEmpty && !$0.reason.hasSuffix("no ") })
        #expect(way.limits.first { $0.name == "tenant" }?.isOverridden == (bits & 1 != 0))
    }
}
