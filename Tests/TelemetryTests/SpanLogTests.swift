import Foundation
import Testing

@testable import Telemetry

@Suite("The log of spans")
struct SpanLogTests {
    private static func span() throws -> AttemptSpan {
        AttemptSpan(
            context: try #require(TraceContext(TraceContextTests.usual)), id: SpanID(0xb7ad_6b71_6920_3331),
            start: WallTime(nanoseconds: 1_767_225_600_042_000_001), duration: 250_000_000, queueTime: 1_500_000,
            number: 2, reason: .throttled, upstream: "openai", host: "api.openai.com", port: 443, method: "POST",
            tenant: "acme", requestID: "r-1", model: "gpt-4o", status: 200, isWhole: true, tokensIn: 11, tokensOut: 22)
    }

    private func text(_ span: AttemptSpan, _ style: LogStyle) -> String {
        String(decoding: span.encoded(style, version: "1.2.3"), as: UTF8.self)
    }

    @Test("has one OTLP message per line, which begins as collectors look for it")
    func json() throws {
        let expected = [
            #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"penstock"}}]},"#,
            #""scopeSpans":[{"scope":{"name":"penstock","version":"1.2.3"},"spans":[{"#,
            #""traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"b7ad6b7169203331","#,
            #""parentSpanId":"00f067aa0ba902b7","name":"POST openai","kind":3,"#,
            #""startTimeUnixNano":"1767225600042000001","endTimeUnixNano":"1767225600292000001","attributes":["#,
            #"{"key":"http.request.method","value":{"stringValue":"POST"}},"#,
            #"{"key":"server.address","value":{"stringValue":"api.openai.com"}},"#,
            #"{"key":"server.port","value":{"intValue":"443"}},"#,
            #"{"key":"http.response.status_code","value":{"intValue":"200"}},"#,
            #"{"key":"http.request.resend_count","value":{"intValue":"1"}},"#,
            #"{"key":"gen_ai.request.model","value":{"stringValue":"gpt-4o"}},"#,
            #"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"11"}},"#,
            #"{"key":"gen_ai.usage.output_tokens","value":{"intValue":"22"}},"#,
            #"{"key":"penstock.upstream","value":{"stringValue":"openai"}},"#,
            #"{"key":"penstock.tenant","value":{"stringValue":"acme"}},"#,
            #"{"key":"penstock.request_id","value":{"stringValue":"r-1"}},"#,
            #"{"key":"penstock.attempt","value":{"intValue":"2"}},"#,
            #"{"key":"penstock.retry","value":{"stringValue":"throttled"}},"#,
            #"{"key":"penstock.queue_ms","value":{"doubleValue":1.500}}]}]}]}]}"#, "\n",
        ]
        #expect(text(try Self.span(), .json) == expected.joined())
    }

    @Test(
        "says of a failed attempt what went wrong",
        arguments: [(429, true, "429"), (200, false, "incomplete"), (nil, false, "incomplete"), (503, false, "503")]
            as [(Int?, Bool, String)])
    func failure(status: Int?, isWhole: Bool, error: String) throws {
        var span = try Self.span()
        (span.status, span.isWhole) = (status, isWhole)
        let line = text(span, .json)
        #expect(line.contains(#"{"key":"error.type","value":{"stringValue":"\#(error)"}}"#))
        #expect(line.hasSuffix(#"}}],"status":{"code":2}}]}]}]}"# + "\n"))
        #expect(line.contains("http.response.status_code") == (status != nil))
    }

    @Test("stays one valid line whatever strangers send", arguments: ["\"}", "\n", "\\", "\u{85}", "é😀"])
    func untrusted(piece: String) throws {
        var span = try Self.span()
        (span.tenant, span.model, span.method) = (piece, String(repeating: piece, count: 10_000), piece)
        let line = span.encoded(.json, version: piece)
        #expect(line.count { $0 == 0x0A } == 1 && line.count < 4_000)
        #expect((try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])?.count == 1)
        #expect(span.encoded(.text(colours: false), version: "1").dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
    }

    @Test("is readable on a terminal")
    func readable() throws {
        #expect(
            text(try Self.span(), .text(colours: false))
                == "2026-01-01T00:00:00.042Z span b7ad6b7169203331 of trace 4bf92f3577b34da6a3ce929d0e0e4736 200 "
                + "POST openai attempt=2 retry=throttled took=250.000ms queue=1.500ms id=r-1\n")
    }

    @Test("goes to its sink, with numbers of its own")
    func written() throws {
        let pipe = try Pipe()
        let log = SpanLog(sink: LogSink(file: pipe.writing, style: .json), version: "1.2.3", numbers: CountingNumbers())
        #expect(log.newID() != log.newID())
        let line = try Self.span().encoded(.json, version: "1.2.3")
        log.write(try Self.span())
        #expect(pipe.read(atLeast: line.count) == line)
    }
}
