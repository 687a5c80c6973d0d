import Foundation
import Testing

@testable import Proxy

@Suite("Traces", .timeLimit(.minutes(2)))
struct TracingTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let sampled = "00-\(trace)-00f067aa0ba902b7-01"
    private static let spans = "tracing: {spans: log}"

    /// The spans in a log, as their attributes and what stands beside them.
    private static func spans(in lines: [String]) throws -> [[String: String]] {
        try lines.filter { $0.hasPrefix(#"{"resourceSpans""#) }.map { line in
            let root = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let resource = try #require((root["resourceSpans"] as? [[String: Any]])?.first)
            let scope = try #require((resource["scopeSpans"] as? [[String: Any]])?.first)
            let span = try #require((scope["spans"] as? [[String: Any]])?.first)
            var found: [String: String] = [:]
            for case (let key, let value as String) in span { found[key] = value }
            for attribute in span["attributes"] as? [[String: Any]] ?? [] {
                let value = (attribute["value"] as? [String: Any])?.values.first
                if let key = attribute["key"] as? String { found[key] = value.map { "\($0)" } }
            }
            return found
        }
    }

    @Test(
        "Without spans `traceparent` and `tracestate` go on as they came, whatever they are",
        arguments: ["", spans],
        [("00-1-2-01", "congo=t61"), ("00-\(trace)-00f067aa0ba902b7-00", "a=b,c=d"), ("hello", "")])
    func unchanged(rest: String, fields: (parent: String, state: String)) async throws {
        try await Proxied.withUpstream(rest: rest) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/v1", "Traceparent: \(fields.parent)\r\ntracestate: \(fields.state)")
            let first = try await upstream.accept()
            let request = try await first.message()
            #expect(request.all("traceparent") == [fields.parent])
            #expect(request.all("tracestate") == [fields.state])
            try await first.answer()
            #expect(try await caller.message().status == 200)
            #expect(try Self.spans(in: proxy.logLines()).isEmpty)
        }
    }

    @Test("Nobody's trace is begun here")
    func nothingInvented() async throws {
        try await Proxied.withUpstream(rest: Self.spans) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let first = try await upstream.accept()
            #expect(try await first.message()["traceparent"] == nil)
            try await first.answer()
            #expect(try await caller.message().status == 200)
            #expect(try proxy.logLines().count == 1)
        }
    }

    @Test("Two fields are none")
    func twice() async throws {
        try await Proxied.withUpstream(rest: Self.spans) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/v1", "traceparent: \(Self.sampled)\r\ntraceparent: \(Self.sampled)")
            let first = try await upstream.accept()
            #expect(try await first.message().all("traceparent") == [Self.sampled, Self.sampled])
            try await first.answer()
            #expect(try await caller.message().status == 200)
            #expect(try Self.spans(in: proxy.logLines()).isEmpty)
        }
    }

    @Test("The trace's number stands in the access log, with spans or without", arguments: ["", spans])
    func accessLog(rest: String) async throws {
        try await Proxied.withUpstream(rest: rest) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/v1", "traceparent: \(Self.sampled)")
            let first = try await upstream.accept()
            _ = try await first.message()
            try await first.answer()
            #expect(try await caller.message().status == 200)
            let line = try #require(try proxy.logLines().first { $0.contains(#""message":"request""#) })
            #expect(line.hasSuffix(#""trace_id":"\#(Self.trace)"}"#))
        }
    }

    @Test("Each attempt is a span of its own, which the provider sees as its parent")
    func attempts() async throws {
        try await Proxied.withUpstream("retry: {backoff: {base: 1ms, max: 1ms}}", rest: Self.spans) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", "Traceparent: \(Self.sampled)\r\ntracestate: a=b", body: "x")
            let first = try await upstream.accept()
            let one = try await first.message()
            try await first.answer(429, "retry-after-ms: 30")
            let two = try await first.message()
            #expect([one, two].map { $0.all("tracestate") } == [["a=b"], ["a=b"]])
            try await first.answer()
            #expect(try await caller.message().status == 200)
            let spans = try Self.spans(in: proxy.logLines())
            try #require(spans.count == 2)
            #expect(spans.map { $0["traceId"] } == [Self.trace, Self.trace])
            #expect(spans.map { $0["parentSpanId"] } == ["00f067aa0ba902b7", "00f067aa0ba902b7"])
            for (message, span) in zip([one, two], spans) {
                #expect(message.all("traceparent") == ["00-\(Self.trace)-\(span["spanId"] ?? "")-01"])
            }
            #expect(spans[0]["spanId"] != spans[1]["spanId"])
            #expect(spans.map { $0["http.response.status_code"] } == ["429", "200"])
            #expect(spans.map { $0["penstock.attempt"] } == ["1", "2"])
            #expect(spans.map { $0["penstock.retry"] } == [nil, "throttled"])
            #expect(spans.map { $0["error.type"] } == ["429", nil])
            #expect(spans[0]["penstock.queue_ms"].flatMap { Double($0) } == 0)
            #expect(try #require(spans[1]["penstock.queue_ms"].flatMap { Double($0) }) >= 29)
            let times = spans.flatMap { [$0["startTimeUnixNano"], $0["endTimeUnixNano"]] }.compactMap {
                $0.flatMap(Int64.init)
            }
            #expect(times.count == 4 && times == times.sorted())
        }
    }

    @Test("An attempt that found no connection is a span as well")
    func unsent() async throws {
        let refusing = try await Wire.Server.start()
        let port = refusing.port
        await refusing.stop()
        let policy = """
            \(Self.spans)
            upstreams:
              up: {url: "http://127.0.0.1:\(port)", retry: {attempts: 2, backoff: {base: 1ms, max: 1ms}}}
            """
        try await Proxied.run(policy) { proxy in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/v1", "traceparent: \(Self.sampled)")
            #expect(try await caller.message().status == 502)
            let spans = try Self.spans(in: proxy.logLines())
            #expect(spans.map { $0["error.type"] } == ["incomplete", "incomplete"])
            #expect(spans.map { $0["penstock.retry"] } == [nil, "connect"])
            #expect(spans.map { $0["server.port"] } == ["\(port)", "\(port)"])
        }
    }

    @Test("An attempt without an answer, one that breaks off and one whose caller leaves end as spans too")
    func ends() async throws {
        try await Proxied.withUpstream("retry: {attempts: 1}", rest: Self.spans) { proxy, upstream in
            for ending in ["nothing", "half", "gone"] {
                let caller = try await proxy.connect()
                try await caller.request(
                    "POST", "/v1", "traceparent: \(Self.sampled)\r\nX-Tenant-Id: \(ending)", body: "x")
                let first = try await upstream.accept()
                _ = try await first.message()
                if ending == "half" { try await first.send("HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nhalf") }
                if ending == "gone" { await caller.close() } else { await first.close() }
                try await eventually("a span of \(ending)") {
                    try Self.spans(in: proxy.logLines()).contains { $0["penstock.tenant"] == ending }
                }
            }
            let spans = try Self.spans(in: proxy.logLines())
            #expect(spans.map { $0["error.type"] } == ["incomplete", "incomplete", "incomplete"])
            #expect(spans.map { $0["http.response.status_code"] } == [nil, "200", nil])
        }
    }
}
