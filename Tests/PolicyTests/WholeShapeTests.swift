import Admission
import Providers
import Testing

@testable import Policy

@Suite("Defaults and the whole shape")
struct WholeShapeTests {
    @Test("The smallest useful file has every default")
    func smallest() throws {
        let text = """
            upstreams:
              openai:
                url: https://api.openai.com
                limits:
                  - in_flight: 16
                    requests: 500/min
                  - per: tenant
                    in_flight: 4
            """
        let loaded = try PolicyLoader.test().load(text)
        #expect(loaded.warnings.isEmpty)
        let policy = loaded.policy
        #expect(policy.listen == [Listener(address: .tcp(host: "127.0.0.1", port: 8080))])
        #expect(policy.admin == nil)
        #expect(policy.forwardProxy)
        #expect(policy.workers == nil)
        #expect(policy.log.level == nil && policy.log.format == nil)
        #expect(policy.cluster == nil)
        #expect(policy.proxyGuard.maxConnections == 10_000)
        #expect(policy.proxyGuard.maxMemory == .percent(80))
        #expect(policy.proxyGuard.maxHeaderBytes == 65_536)
        #expect(
            policy.upstreams[0].gate.limits == [
                Limit(
                    name: "in-flight-requests",
                    terms: Limit.Terms(inFlight: 16, rates: [Limit.Rate(500, per: .minutes(1))])),
                Limit(name: "per-tenant", per: [.tenant], terms: Limit.Terms(inFlight: 4)),
            ])
    }

    @Test("An upstream of which only the url is said has every default")
    func upstreamDefaults() throws {
        let upstream = try upstream()
        #expect(upstream.name == "openai")
        #expect(upstream.provider == .openai)
        #expect(upstream.hosts == ["api.openai.com"])
        #expect(upstream.prefix == "/openai")
        #expect(upstream.isDefault)
        #expect(upstream.listen.isEmpty && upstream.credential == nil && upstream.proxy == nil)
        #expect(upstream.pacing == .auto)
        #expect(upstream.gate == GateRules(pacing: .auto(Provider.openai.enforcedWindow), breaker: BreakerRules()))
        #expect(upstream.retry == RetryRules())
        #expect(upstream.gate.adaptive == nil)
        #expect(upstream.gate.breaker == BreakerRules())
        #expect(upstream.connections.max == 100 && upstream.connections.httpVersion == .auto)
        #expect(upstream.connections.idle == .seconds(60))
        #expect(upstream.timeouts.connect == .seconds(5) && upstream.timeouts.firstByte == .seconds(300))
        #expect(upstream.timeouts.idle == .seconds(120) && upstream.timeouts.total == .seconds(600))
        #expect(upstream.trustedCertificatesPath == nil)
        #expect(!upstream.isPrivate)
    }

    @Test("An upstream may differ from its provider in what its answers mean and how fields are called")
    func overrides() throws {
        let text = """
            upstreams:
              one:
                url: https://api.openai.com
                answers: {rate: [429, 430], overload: 599, retry_after: [X-Wait], retry_after_ms: X-Wait-Ms}
                model_header: X-Model
              two:
                url: https://api.anthropic.com
                answers: {limit_headers: false}
            """
        let policy = try PolicyLoader.test().load(text).policy
        let shown = try PolicyLoader.test().load(policy.yaml).policy.upstreams
        #expect(shown.map(\.overrides) == policy.upstreams.map(\.overrides))
        let upstreams = policy.upstreams
        let profile = upstreams[0].profile
        #expect(profile.request.modelField == "x-model")
        let judge = { (status: Int, fields: [(name: String, value: String)], body: String) in
            profile.judge(
                status: status, headers: fields, body: Array(body.utf8).span, now: WallTime(unixMilliseconds: 0))
        }
        #expect(judge(430, [("x-wait", "7")], "").kind == .rateLimited)
        #expect(judge(430, [("x-wait", "7"), ("retry-after", "9")], "").hint?.wait == .seconds(7))
        #expect(judge(430, [("X-Wait-Ms", "250")], "").hint?.wait == .milliseconds(250))
        #expect(judge(599, [], "").kind == .overloaded)
        #expect(judge(500, [], "").kind == .serverError)
        // What the body says is still looked at first.
        #expect(judge(429, [], #"{"error":{"code":"insufficient_quota"}}"#).kind == .quotaExhausted)
        #expect(upstreams[1].profile.limitHeaders.isEmpty && !upstreams[1].profile.heedsLimitHeaders)
    }

    @Test("Without identity the usual headers name tenant, job and priority")
    func identityDefaults() throws {
        let identity = try policy().identity
        #expect(
            identity.tenant == [
                .header(name: "X-Tenant-Id", forward: false), .proxyUser, .credential, .fixed("anonymous"),
            ])
        #expect(identity.job == [.header(name: "X-Job-Id", forward: false)])
        #expect(
            identity.priority == [
                .header(name: "X-Priority", forward: false), .header(name: "Priority", forward: false),
            ])
        #expect(identity.others.isEmpty)
    }

    /// The second file of the contract, with an address of its own per listener.
    static let wholeShape = """
        listen: [127.0.0.1:8080, "unix:/run/penstock/proxy.sock", {address: "[::1]:8443", tls: {cert: a.pem, key: b.pem}}]
        admin: 127.0.0.1:9090
        forward_proxy: false
        workers: 2
        log: {level: info, format: json}
        identity:
          tenant:
            - {header: X-Tenant-Id, forward: true}
            - proxy_user
            - baggage: tenant
            - credential
            - default: anonymous
          job:
            - header: X-Document
          region:
            - header: X-Region
        upstreams:
          openai:
            url: https://api.openai.com/v1/
            provider: azure-openai
            hosts: [API.openai.com, other.example]
            prefix: /llm/
            default: true
            listen: 127.0.0.1:8081
            credential: {env: OPENAI_API_KEY}
            limits:
              - name: account
                in_flight: 16
                requests: [500/min, 10000/day]
                tokens: 200000/min
              - per: tenant
                in_flight: 4
                requests: 100/min
                overrides:
                  acme: {in_flight: 8, requests: 300/min}
                  small: {in_flight: 1}
              - per: [tenant, job]
                in_flight: 3
              - at_most: 8
                distinct: [tenant, job]
              - match: {model: "gpt-4o*", region: [eu, ch]}
                requests: 60/min
                mode: observe
            pacing: even
            queue:
              max_requests: 500
              max_requests_per_tenant: 50
              timeout: 90s
              fair_by: [tenant, region]
              weights:
                tenant: {acme: 4}
            retry:
              attempts: 3
              backoff: {base: 100ms, max: 10s}
              budget: {share: 20%, least: 5/min}
              unsafe: true
              max_body: 1MiB
              max_retry_after: 1m
            adaptive: {min: 5, max: 50}
            breaker: {failures: 7, ratio: 40%, of_at_least: 10, within: 20s, open_for: 15s}
            connections: {max: 10, protocol: h2, idle: 30s}
            timeouts: {connect: 1s, first_byte: 2s, idle: 3s, total: 4s}
            proxy: {env: HTTPS_PROXY}
            tls: {ca: /etc/ssl/corp.pem}
            private: true
        cluster:
          redis: {url: "redis://redis:6379", password: {file: /run/redis}}
          limits: [openai/account, openai/per-tenant]
          when_unavailable: deny
        guard:
          max_connections: 100
          max_memory: 512MiB
          max_header_bytes: 32KiB
        """

    @Test("Every key of the process is read")
    func process() throws {
        let policy = try PolicyLoader.test().load(Self.wholeShape).policy
        #expect(
            policy.listen.map(\.address.description) == [
                "127.0.0.1:8080", "unix:/run/penstock/proxy.sock", "[::1]:8443",
            ])
        #expect(policy.listen.map { $0.tls?.certificatePath } == [nil, nil, "a.pem"])
        #expect(policy.listen.last?.tls?.keyPath == "b.pem")
        #expect(policy.admin?.address == .tcp(host: "127.0.0.1", port: 9090))
        #expect(!policy.forwardProxy)
        #expect(policy.workers == 2)
        #expect(policy.log.level == .info && policy.log.format == .json)
        #expect(
            policy.identity.tenant == [
                .header(name: "X-Tenant-Id", forward: true), .proxyUser, .baggage(member: "tenant"), .credential,
                .fixed("anonymous"),
            ])
        #expect(policy.identity.job == [.header(name: "X-Document", forward: false)])
        #expect(policy.identity.priority.count == 2)
        #expect(policy.identity.others.map(\.name) == ["region"])
        #expect(policy.cluster?.redis.seeds == [.host("redis", port: 6379)])
        #expect(policy.cluster?.redis.password == Secret(source: .file("/run/redis"), value: World.secret))
        #expect(policy.cluster?.limits == ["openai/account", "openai/per-tenant"])
        #expect(policy.cluster?.whenUnavailable == .deny)
        #expect(policy.proxyGuard.maxConnections == 100)
        #expect(policy.proxyGuard.maxMemory == .bytes(512 << 20))
        #expect(policy.proxyGuard.maxHeaderBytes == 32 << 10)
    }

    @Test("Every key of an upstream is read")
    func upstreamKeys() throws {
        let upstream = try PolicyLoader.test().load(Self.wholeShape).policy.upstreams[0]
        #expect(upstream.url.text == "https://api.openai.com/v1")
        #expect(upstream.provider == .azureOpenAI)
        #expect(upstream.hosts == ["api.openai.com", "other.example"])
        #expect(upstream.prefix == "/llm")
        #expect(upstream.isDefault)
        #expect(upstream.listen.map(\.address) == [.tcp(host: "127.0.0.1", port: 8081)])
        #expect(upstream.credential == Secret(source: .environment("OPENAI_API_KEY"), value: World.secret))
        #expect(upstream.pacing == .even && upstream.gate.pacing == .window(.seconds(1)))
        #expect(upstream.gate.queue == QueueRules(maxRequests: 500, maxRequestsPerTenant: 50, timeout: .seconds(90)))
        #expect(upstream.gate.fairness.levels == [.tenant, Dimension(rawValue: 5)])
        #expect(upstream.gate.fairness.weight(of: "acme", in: .tenant) == 4)
        #expect(upstream.gate.fairness.weight(of: "high", in: .priority) == 8)
        #expect(
            upstream.retry
                == RetryRules(
                    attempts: 3, backoffBase: .milliseconds(100), backoffMax: .seconds(10),
                    budget: RetryRules.Budget(percent: 20, leastPerMinute: 5), unsafe: true, maxBody: 1 << 20,
                    maxRetryAfter: .minutes(1)))
        #expect(upstream.gate.adaptive == AdaptiveRules(min: 5, max: 50))
        #expect(
            upstream.gate.breaker
                == BreakerRules(failures: 7, percent: 40, ofAtLeast: 10, within: .seconds(20), openFor: .seconds(15)))
        #expect(upstream.connections.max == 10 && upstream.connections.httpVersion == .h2)
        #expect(upstream.connections.idle == .seconds(30))
        #expect(upstream.timeouts.connect == .seconds(1) && upstream.timeouts.firstByte == .seconds(2))
        #expect(upstream.timeouts.idle == .seconds(3) && upstream.timeouts.total == .seconds(4))
        #expect(upstream.proxy?.source == .environment("HTTPS_PROXY"))
        #expect(upstream.proxy?.url == ProxyURL(host: "proxy", port: 3128, credentials: nil))
        #expect(upstream.trustedCertificatesPath == "/etc/ssl/corp.pem")
        #expect(upstream.isPrivate)
    }

    @Test("Every key of a limit is read, and overrides are completed from the limit")
    func limits() throws {
        let limits = try PolicyLoader.test().load(Self.wholeShape).policy.upstreams[0].gate.limits
        let perMinute = { Limit.Rate($0, per: .minutes(1)) }
        #expect(
            limits.map(\.name) == ["account", "per-tenant", "per-tenant-job", "distinct", "model-gpt-4o-region-eu"])
        #expect(
            limits[0].terms
                == Limit.Terms(
                    inFlight: 16,
                    rates: [
                        perMinute(500), Limit.Rate(10_000, per: .days(1)),
                        Limit.Rate(200_000, per: .minutes(1), of: .tokens),
                    ]))
        #expect(limits[1].per == [.tenant])
        #expect(
            limits[1].overrides == [
                "acme": Limit.Terms(inFlight: 8, rates: [perMinute(300)]),
                "small": Limit.Terms(inFlight: 1, rates: [perMinute(100)]),
            ])
        #expect(limits[2].per == [.tenant, .job])
        #expect(limits[3].terms == Limit.Terms(distinct: Limit.Distinct(atMost: 8, of: [.tenant, .job])))
        #expect(
            limits[4].match == [
                Limit.Match(.model, [Glob("gpt-4o*")]),
                Limit.Match(Dimension(rawValue: 5), [Glob("eu"), Glob("ch")]),
            ])
        #expect(limits[4].mode == .observe)
    }

    @Test("Process settings are stronger than the file")
    func settings() throws {
        var loader = PolicyLoader.test()
        loader.listen = [Listener(address: .tcp(host: "0.0.0.0", port: 1))]
        loader.admin = Listener(address: .unix(path: "/a"))
        let policy = try loader.load(Self.wholeShape).policy
        #expect(policy.listen.map(\.address.description) == ["0.0.0.0:1"])
        #expect(policy.admin?.address == .unix(path: "/a"))
        // An upstream at the file's address is none of ours then, and one at the settings' address is.
        func local(_ port: Int) -> String {
            "listen: 127.0.0.1:8080\nupstreams:\n  a:\n    url: http://127.0.0.1:\(port)\n"
        }
        #expect(loader.lines(local(8080)) == [])
        #expect(loader.lines(local(1)) == ["4:10: error: `url` is an address of Penstock itself (`listen`: 0.0.0.0:1)"])
    }
}
