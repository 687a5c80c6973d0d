import CoreMetrics
import Testing

@testable import Telemetry

@Suite("Penstock's own metrics")
struct ProxyMetricsTests {
    private let registry = PrometheusRegistry.quiet(.penstock)
    private let metrics: ProxyMetrics

    init() {
        metrics = ProxyMetrics(factory: registry)
    }

    @Test("count requests by tenant, outcome and status")
    func requests() {
        let upstream = metrics.upstream("openai")
        upstream.requests(tenant: "acme", outcome: .ok, status: .success, now: 0).increment()
        upstream.requests(tenant: "acme", outcome: .ok, status: .success, now: 0).increment()
        upstream.requests(tenant: "acme", outcome: .queueFull, status: StatusClass(429), now: 0).increment()
        #expect(
            registry.lines("penstock_requests_total") == [
                #"penstock_requests_total{outcome="ok",status="2xx",tenant="acme",upstream="openai"} 2"#,
                #"penstock_requests_total{outcome="queue_full",status="4xx",tenant="acme",upstream="openai"} 1"#,
            ])
    }

    @Test("hand out the same counter again")
    func cached() {
        let upstream = metrics.upstream("openai")
        let first = upstream.attempts(status: .success, reason: .first)
        #expect(first === upstream.attempts(status: .success, reason: .first))
        #expect(first !== upstream.attempts(status: .success, reason: .throttled))
        #expect(first !== metrics.upstream("anthropic").attempts(status: .success, reason: .first))
        #expect(first === metrics.upstream("openai").attempts(status: .success, reason: .first))
    }

    @Test("count attempts, limits, throttling and tokens under their labels")
    func otherCounters() {
        let upstream = metrics.upstream("openai")
        upstream.attempts(status: .none, reason: .refusedStream).increment()
        upstream.limited(limit: "account", mode: .observe, action: .refuse).increment()
        upstream.throttled(status: 529).increment()
        upstream.tokens(model: "gpt-4o", kind: .output, now: 0).increment(by: 9)
        upstream.tokens(model: "", kind: .input, now: 0).increment()
        upstream.unmetered.increment(by: 3)
        let expected = [
            #"penstock_attempts_total{retry="refused_stream",status="none",upstream="openai"} 1"#,
            #"penstock_limited_total{action="refuse",limit="account",mode="observe",upstream="openai"} 1"#,
            #"penstock_throttled_total{status="529",upstream="openai"} 1"#,
            #"penstock_unmetered_answers_total{upstream="openai"} 3"#,
            #"penstock_tokens_total{kind="input",model="unknown",upstream="openai"} 1"#,
            #"penstock_tokens_total{kind="output",model="gpt-4o",upstream="openai"} 9"#,
        ]
        let lines = registry.text().split(separator: "\n").map(String.init)
        #expect(expected.allSatisfy(lines.contains))
    }

    @Test("count what was refused to protect the process, every series from the start", arguments: ShedReason.allCases)
    func shed(reason: ShedReason) {
        for (number, priority) in ShedPriority.allCases.enumerated() {
            for _ in 0..<number { metrics.shed.count(reason, priority) }
        }
        let lines = registry.lines("penstock_shed_total")
        #expect(lines.count == ShedReason.allCases.count * ShedPriority.allCases.count)
        for (number, priority) in ShedPriority.allCases.enumerated() {
            let labels = #"{priority="\#(priority.rawValue)",reason="\#(reason.rawValue)"}"#
            #expect(lines.contains("penstock_shed_total\(labels) \(number)"))
        }
    }

    @Test("measure times in histograms, Penstock's own in finer ones")
    func times() {
        let upstream = metrics.upstream("openai")
        upstream.overhead.recordMicroseconds(20)
        upstream.requestTime.recordSeconds(7)
        #expect(
            registry.lines(#"penstock_overhead_seconds_bucket{upstream="openai",le="2.5e-05"}"#).map { $0.last } == [
                "1"
            ])
        #expect(registry.lines(#"penstock_request_seconds_bucket{upstream="openai",le="5"}"#).map { $0.last } == ["0"])
        #expect(
            registry.lines("penstock_request_seconds_sum") == [#"penstock_request_seconds_sum{upstream="openai"} 7"#])
    }

    @Test("hold at most 100 tenants, and drop the series of one who was replaced")
    func tenants() {
        let upstreams = [metrics.upstream("a"), metrics.upstream("b")]
        for number in 0..<100 {
            for upstream in upstreams {
                upstream.requests(tenant: "t\(number)", outcome: .ok, status: .success, now: 0).increment()
            }
        }
        #expect(registry.lines("penstock_requests_total").count == 200)
        for _ in 0..<5 {
            upstreams[0].requests(tenant: "new", outcome: .ok, status: .success, now: 0).increment()
        }
        let lines = registry.lines("penstock_requests_total")
        #expect(lines.filter { $0.contains(#"tenant="t0""#) }.isEmpty, "gone from both upstreams")
        #expect(lines.filter { $0.contains(#"tenant="new""#) }.map { $0.last } == ["1"])
        #expect(lines.filter { $0.contains(#"tenant="other""#) }.map { $0.last } == ["4"])
        #expect(lines.count == 200)
    }

    @Test("stay bounded under many models")
    func models() {
        let upstream = metrics.upstream("a")
        for number in 0..<1_000 {
            upstream.tokens(model: "m\(number)", kind: .input, now: 0).increment()
        }
        let lines = registry.lines("penstock_tokens_total")
        #expect(lines.count == 101)
        #expect(lines.last == #"penstock_tokens_total{kind="input",model="other",upstream="a"} 900"#)
    }

    @Test("read levels at scrape, with tenants beyond the hundredth added up")
    func levels() {
        metrics.report(to: registry, log: nil) { .everything }
        let text = registry.text().split(separator: "\n").map(String.init)
        let expected = [
            #"penstock_adaptive_limit{upstream="openai"} 12.5"#,
            #"penstock_breaker_open{upstream="openai"} 0"#,
            #"penstock_cluster_connected 1"#,
            #"penstock_config_reload_failed 0"#,
            #"penstock_connections{protocol="h2",state="active",upstream="openai"} 2"#,
            #"penstock_in_flight{tenant="t0",upstream="openai"} 1"#,
            #"penstock_in_flight{tenant="other",upstream="openai"} 20"#,
            #"penstock_limit_used_ratio{limit="account",unit="in_flight",upstream="openai"} 0.25"#,
            #"penstock_limit_value{limit="account",unit="in_flight",upstream="openai"} 16"#,
            #"penstock_paused{upstream="openai"} 1"#,
            #"penstock_queue_depth{tenant="other",upstream="openai"} 40"#,
        ]
        for line in expected { #expect(text.contains(line), "\(line)") }
        #expect(text.contains { $0.hasPrefix("process_open_fds ") })
    }

    @Test("leave out what the configuration has not")
    func absentLevels() {
        metrics.report(to: registry, log: nil) { ProxyLevels(upstreams: [UpstreamLevels(name: "a")]) }
        let text = registry.text()
        #expect(!text.contains("penstock_cluster_connected"))
        #expect(!text.contains("penstock_adaptive_limit"))
        #expect(text.contains("penstock_config_reload_failed 0"))
    }

    @Test("have a help text each")
    func help() {
        metrics.report(to: registry, log: LogSink(file: -1, style: .json)) { .everything }
        for line in registry.text().split(separator: "\n") where line.hasPrefix("# HELP ") {
            #expect(line.hasSuffix("."), "\(line)")
        }
    }

    @Test("lose nothing when several threads ask for counters")
    func concurrent() async {
        let upstream = metrics.upstream("a")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for round in 0..<2_000 {
                        upstream.requests(tenant: "t\(round % 20)", outcome: .ok, status: .success, now: 0).increment()
                    }
                }
            }
        }
        let counts = registry.lines("penstock_requests_total").compactMap { $0.split(separator: " ").last }
        #expect(counts == Array(repeating: "400", count: 20))
    }
}

extension ProxyLevels {
    /// Every level there is, and 120 tenants.
    static let everything = ProxyLevels(
        upstreams: [
            UpstreamLevels(
                name: "openai",
                tenants: (0..<120).map { TenantLevel(tenant: "t\($0)", inFlight: 1, waiting: 2) },
                limits: [LimitLevel(limit: "account", unit: "in_flight", value: 16, usedRatio: 0.25)],
                isPaused: true, isBreakerOpen: false, adaptiveLimit: 12.5,
                connections: [ConnectionLevel(networkProtocol: .http2, state: .active, count: 2)])
        ],
        isClusterConnected: true, hasReloadFailed: false)
}
