import Policy
import Testing

/// What can be used and is most likely not meant. Each case is the part of a file behind `upstreams: {a: {url: …}}`, and
/// everything that must be said about it.
@Suite("Warnings")
struct WarningTests {
    struct Case: CustomTestStringConvertible, Sendable {
        /// The first line of the file.
        var root: String
        var text: String
        var expected: [String]

        init(root: String = "{}", _ text: String, _ expected: String...) {
            self.root = root
            self.text = text
            self.expected = expected
        }

        var testDescription: String { "\(root) \(text)" }
    }

    /// - Parameters:
    ///   - root: the first line.
    ///   - lines: of an upstream; the first of them is line 5 of the file.
    private static func file(
        root: String = "{}", _ lines: String, url: String = "https://api.openai.com"
    ) -> String {
        let first = root == "{}" ? "# nothing" : root
        return "\(first)\nupstreams:\n  a:\n    url: \(url)\n    " + lines.replacing("\n", with: "\n    ") + "\n"
    }

    @Test(
        "A limit under a tighter one never holds anything back",
        arguments: [
            Case(
                "limits: [{name: all, in_flight: 8}, {per: tenant, in_flight: 9}]",
                "5:66: warning: `in_flight: 9` never holds anything back: `all` allows 8 in all"),
            Case(
                "limits: [{name: t, per: tenant, in_flight: 4}, {per: [tenant, job], in_flight: 5}]",
                "5:84: warning: `in_flight: 5` never holds anything back: `t` allows 4 for each tenant"),
            Case(
                "limits: [{name: t, per: tenant, in_flight: 4, overrides: {b: {in_flight: 6}}}, "
                    + "{per: [tenant, job], in_flight: 7}]",
                "5:116: warning: `in_flight: 7` never holds anything back: `t` allows 6 for each tenant"),
            Case(
                "limits: [{name: all, in_flight: 8}, {per: tenant, in_flight: 4, overrides: {b: {in_flight: 12}}}]",
                "5:96: warning: `in_flight: 12` never holds anything back: `all` allows 8 in all"),
            Case(
                "limits: [{name: m, match: {model: o*}, requests: 5/min}, "
                    + "{match: {model: o*}, per: tenant, requests: 6/min}]",
                "5:106: warning: `requests: 6/min` never holds anything back: `m` allows 5/min for what it matches"),
            Case(
                "limits: [{name: all, tokens: 1000/min, input_tokens: 2000/min}]",
                "5:58: warning: `input_tokens: 2000/min` never holds anything back: `all` allows 1000 tokens/min in all"
            ),
            Case(
                "adaptive: {min: 2, max: 10}\nlimits: [{in_flight: 11}]",
                "6:26: warning: `in_flight: 11` never holds anything back: `adaptive` allows at most 10 in all"),
            Case(
                "adaptive: {min: 12, max: 20}\nlimits: [{name: all, in_flight: 12}]",
                "5:15: warning: `adaptive` never holds anything back: `all` allows 12 in all, and `min` is 12"),
            Case(
                "limits: [{at_most: 3, distinct: priority}]",
                "5:24: warning: `at_most: 3` never holds anything back: there is at most 3 priority"),
            Case(
                "limits: [{at_most: 2, per: tenant, distinct: [tenant]}]",
                "5:24: warning: `at_most: 2` never holds anything back: there is at most 1 tenant for each tenant"),
        ])
    func idleLimits(_ one: Case) {
        #expect(PolicyLoader.test().lines(Self.file(one.text)) == one.expected)
    }

    @Test(
        "Limits of which each may hold something back are not spoken of",
        arguments: [
            "limits: [{in_flight: 16}, {per: tenant, in_flight: 4}, {per: [tenant, job], in_flight: 4}]",
            "limits: [{per: tenant, in_flight: 4, overrides: {b: {in_flight: 8}}}, {per: [tenant, job], in_flight: 8}]",
            "limits: [{per: job, in_flight: 4}, {per: tenant, in_flight: 5}]",
            "limits: [{match: {model: o*}, in_flight: 4}, {in_flight: 5}]",
            "limits: [{in_flight: 4, mode: observe}, {per: tenant, in_flight: 5}]",
            "limits: [{in_flight: 4}, {per: tenant, in_flight: 5, mode: observe}]",
            // A limit with `distinct` is not about requests without a job.
            "limits: [{in_flight: 4, at_most: 2, distinct: job}, {per: tenant, in_flight: 5}]",
            // What a day holds goes at once; what an hour holds is spread.
            "limits: [{requests: 10000/day}, {requests: 10000/hour}]",
            "limits: [{requests: 500/min}, {per: tenant, requests: 100/s}]",
            "limits: [{tokens: 1000/min}, {per: tenant, requests: 2000/min}]",
            "limits: [{input_tokens: 1000/min}, {tokens: 2000/min}]",
            "limits: [{at_most: 2, distinct: priority}, {at_most: 8, distinct: [tenant, job]}]",
            "limits: [{in_flight: 16}]\nadaptive: {min: 5, max: 50}", "limits: [{in_flight: 200}]",
            "retry: {attempts: 1, max_retry_after: 5s, max_body: 0}", "queue: {timeout: 1h}\ntimeouts: {total: 5m}",
            "queue: {max_requests: 20000, max_requests_per_tenant: 20000}", "retry: {max_retry_after: 10m}",
            "queue: {fair_by: [priority, tenant], max_requests_per_tenant: 1000}", "connections: {max: 1}",
        ])
    func silence(_ lines: String) {
        #expect(PolicyLoader.test().lines(Self.file(lines)).isEmpty)
    }

    @Test("More in flight than there are connections is said where each request needs one")
    func connections() {
        let lines = "limits: [{in_flight: 200}]"
        let said =
            "`in_flight: 200` is never reached: `connections.max` is 100, and HTTP/1.1 needs a connection for each "
            + "request"
        #expect(PolicyLoader.test().lines(Self.file(lines, url: "http://vllm")) == ["5:26: warning: " + said])
        #expect(
            PolicyLoader.test().lines(Self.file("connections: {protocol: h2c}\n" + lines, url: "http://vllm")) == [])
        #expect(
            PolicyLoader.test().lines(Self.file("connections: {protocol: h1}\n" + lines)) == ["6:26: warning: " + said])
    }

    @Test(
        "A setting that another one takes the matter from is said",
        arguments: [
            Case(
                "retry: {attempts: 1, unsafe: true, backoff: {base: 1s}}",
                "5:26: warning: `unsafe` never matters: `attempts` is 1",
                "5:40: warning: `backoff` never matters: `attempts` is 1"),
            Case(
                "pacing: even\nlimits: [{in_flight: 4}]",
                "5:5: warning: `pacing` never matters: no limit has a rate"),
            Case(
                "queue: {fair_by: [priority, tenant]}",
                "5:13: warning: `max_requests_per_tenant` (200) bounds each priority, not each tenant: "
                    + "`fair_by` begins with `priority`"),
            Case(
                "queue: {max_requests_per_tenant: 10, fair_by: [job]}",
                "5:13: warning: `max_requests_per_tenant` (10) bounds each job, not each tenant: "
                    + "`fair_by` begins with `job`"),
            Case(
                root: "workers: 4", "connections: {max: 2}",
                "5:24: warning: `max: 2` is not kept: each of the 4 `workers` opens at least one connection"),
            Case(
                "tls: {ca: /absent}", "5:15: warning: the file of `ca` can't be read: no such file"),
        ])
    func idleSettings(_ one: Case) {
        #expect(PolicyLoader.test().lines(Self.file(root: one.root, one.text)) == one.expected)
    }

    @Test("Certificates for an upstream without TLS never matter")
    func pointlessTLS() {
        #expect(
            PolicyLoader.test().lines(Self.file("tls: {ca: /ca.pem}", url: "http://vllm")) == [
                "5:5: warning: `tls` never matters: the url is http"
            ])
    }

    @Test(
        "Names that no request can have are said",
        arguments: [
            Case(
                root: "identity: {tenant: [{default: us}]}",
                "limits: [{per: tenant, in_flight: 4, overrides: {acme: {in_flight: 5}}}]",
                "5:54: warning: no request has the tenant `acme`: there is only `us`"),
            Case(
                root: "identity: {tenant: [credential]}",
                "queue: {weights: {tenant: {acme: 2, anonymous: 2, key:0a1b2c3d: 2}}}",
                "5:32: warning: no request has the tenant `acme`: there is only `anonymous` and fingerprints of keys"),
            Case(
                root: "identity: {}",
                "limits: [{per: credential, in_flight: 4, overrides: {sk-do-not-print: {in_flight: 5}}}]",
                "5:58: warning: no credential is called so: there is only fingerprints of keys, "
                    + "`key:` and 8 hexadecimal digits"),
            Case(
                root: "identity: {}",
                "limits: [{match: {tenant: a*}, per: tenant, in_flight: 4, overrides: {b: {in_flight: 5}}}]",
                "5:75: warning: the limit is never about `b`: its `match` asks for `a*`"),
            Case(
                root: "identity: {}", "limits: [{match: {priority: [high, urgent]}, in_flight: 4}]",
                "5:40: warning: no request has a priority that matches `urgent`: "
                    + "there is only `high` and `normal` and `low`"),
            Case(
                root: "identity: {priority: [{default: low}]}", "queue: {weights: {priority: {high: 8}}}",
                "5:34: warning: no request has the priority `high`: there is only `low`"),
            Case(
                root: "identity: {job: [{default: x}]}", "limits: [{at_most: 8, distinct: job}]",
                "5:24: warning: `at_most: 8` never holds anything back: there is at most 1 job"),
            Case(
                root: "identity: {priority: [credential]}", "limits: []",
                "1:23: warning: a key's fingerprint is never a priority (high, normal, low)"),
            Case(
                root: "identity: {tenant: [{header: Authorization}], job: [{header: Proxy-Authorization}]}",
                "limits: []",
                "1:30: warning: a key in `Authorization` would stand in logs and metrics as the tenant; "
                    + "`credential` names it safely",
                "1:62: warning: a key in `Proxy-Authorization` would stand in logs and metrics as the job; "
                    + "`proxy_user` names it safely"),
        ])
    func unmetNames(_ one: Case) {
        #expect(PolicyLoader.test().lines(Self.file(root: one.root, one.text)) == one.expected)
    }

    @Test(
        "Names that some request may have are not spoken of",
        arguments: [
            "identity: {tenant: [credential, {header: X-Team}]}\nqueue: {weights: {tenant: {acme: 2}}}",
            "identity: {job: [{baggage: job}]}\nlimits: [{at_most: 8, distinct: job}]",
            "identity: {tenant: [{default: us}]}\nlimits: [{match: {tenant: u*}, in_flight: 4}]",
            "identity: {tenant: [credential]}\nlimits: [{match: {tenant: \"key:0a*\"}, in_flight: 4}]",
            "identity: {job: [{default: a}]}\nlimits: [{match: {model: gpt*, job: a}, in_flight: 4}]",
        ])
    func possibleNames(_ text: String) {
        let lines = text.split(separator: "\n").map(String.init)
        #expect(PolicyLoader.test().lines(Self.file(root: lines[0], lines[1])).isEmpty)
    }

    @Test(
        "A key on its way without TLS is said, unless the way is an inner one",
        arguments: [
            ("http://llm.example.com", "credential: {env: KEY}", "the key of `credential` goes over http"),
            ("http://api.openai.com", "{}", "callers' keys go over http"),
            ("http://llm.example.com", "{}", nil), ("http://vllm:8000", "credential: {env: KEY}", nil),
            ("http://vllm.models.svc:8000", "credential: {env: KEY}", nil),
            ("http://10.0.0.7", "credential: {env: KEY}", nil), ("http://[::1]:1", "credential: {env: KEY}", nil),
            ("http://llm.example.com", "credential: {env: KEY}\nprivate: true", nil),
        ])
    func plainHTTP(url: String, lines: String, said: String?) {
        let text = Self.file(lines == "{}" ? "pacing: auto\nlimits: [{requests: 5/s}]" : lines, url: url)
        let expected = said.map { ["4:10: warning: \($0), which anybody on the way can read; write https"] } ?? []
        #expect(PolicyLoader.test().lines(text) == expected)
    }
}
