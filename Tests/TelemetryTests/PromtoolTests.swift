import CoreMetrics
import Testing

@testable import Telemetry

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite("Prometheus' own checker", .enabled(if: Promtool.isInstalled, "promtool is not on PATH"))
struct PromtoolTests {
    @Test("finds nothing to complain about in all that Penstock writes")
    func everything() throws {
        let registry = PrometheusRegistry.quiet(.penstock)
        let metrics = ProxyMetrics(factory: registry)
        let log = LogSink(file: -1, style: .json)
        metrics.report(to: registry, log: log) { .everything }
        let upstream = metrics.upstream("openai")
        for timer in [upstream.queueWait, upstream.firstByte, upstream.requestTime, upstream.overhead] {
            timer.recordMilliseconds(3)
        }
        upstream.requests(tenant: "a\"\\\nb", outcome: .ok, status: .success, now: 0).increment()
        upstream.attempts(status: .none, reason: .first).increment()
        upstream.limited(limit: "account", mode: .enforce, action: .wait).increment()
        upstream.throttled(status: 429).increment()
        upstream.tokens(model: "gpt-4o", kind: .input, now: 0).increment(by: 7)
        Counter(label: "http.server.requests", factory: registry).increment()

        let text = registry.render(.text)
        #expect(try Promtool.check(text) == 0)
    }

    @Test("does complain about a broken text, so its silence means something")
    func complains() throws {
        #expect(try Promtool.check(Array("# TYPE a counter\na{ 1\n".utf8)) != 0)
    }
}

private enum Promtool {
    static let isInstalled = system("command -v promtool > /dev/null 2>&1") == 0

    struct NotStarted: Error {}

    /// What `promtool check metrics` returns, as of wait(2).
    static func check(_ text: [UInt8]) throws -> Int32 {
        guard let pipe = popen("promtool check metrics", "w") else { throw NotStarted() }
        _ = text.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, pipe) }
        return pclose(pipe)
    }
}
