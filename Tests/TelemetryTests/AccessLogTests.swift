import Foundation
import Testing

@testable import Telemetry

@Suite("The access log")
struct AccessLogTests {
    private static let full = AccessLogEntry(
        time: WallTime(nanoseconds: 1_767_225_600_042_000_000), requestID: "r-1", upstream: "openai", tenant: "acme",
        job: "nightly", model: "gpt-4o", method: "POST", path: "/v1/chat/completions?key=secret", status: 200,
        outcome: .ok, attempts: 2, queueTime: 1_500_000, firstByteTime: 250_000_000, totalTime: 1_250_125_000,
        bytesIn: 512, bytesOut: 2_048, tokensIn: 11, tokensOut: 222, limit: "account",
        traceID: TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")?.trace)

    private func text(_ entry: AccessLogEntry, _ style: LogStyle) -> String {
        String(decoding: entry.encoded(style), as: UTF8.self)
    }

    @Test("is one JSON object per line with every field in its place")
    func json() {
        let expected = [
            #"{"time":"2026-01-01T00:00:00.042Z","level":"info","message":"request","request_id":"r-1","#,
            #""upstream":"openai","tenant":"acme","job":"nightly","model":"gpt-4o","method":"POST","#,
            #""path":"/v1/chat/completions","status":200,"outcome":"ok","attempts":2,"queue_ms":1.500,"#,
            #""first_byte_ms":250.000,"total_ms":1250.125,"bytes_in":512,"bytes_out":2048,"tokens_in":11,"#,
            #""tokens_out":222,"limit":"account","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#, "\n",
        ]
        #expect(text(Self.full, .json) == expected.joined())
    }

    @Test("leaves out what there is not")
    func absentFields() {
        let entry = AccessLogEntry(
            time: WallTime(nanoseconds: 0), requestID: "r", upstream: "u", tenant: "t", method: "GET", path: "/",
            status: nil, outcome: .cancelled, attempts: 0, queueTime: 0, firstByteTime: nil, totalTime: 0, bytesIn: 0,
            bytesOut: 0)
        let expected = [
            #"{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"request","request_id":"r","upstream":"u","#,
            #""tenant":"t","method":"GET","path":"/","outcome":"cancelled","attempts":0,"queue_ms":0.000,"#,
            #""total_ms":0.000,"bytes_in":0,"bytes_out":0}"#, "\n",
        ]
        #expect(text(entry, .json) == expected.joined())
    }

    @Test("is readable on a terminal")
    func readable() {
        let expected = [
            "2026-01-01T00:00:00.042Z 200 ok POST /v1/chat/completions total=1250.125ms queue=1.500ms",
            "first_byte=250.000ms upstream=openai tenant=acme job=nightly model=gpt-4o attempts=2 limit=account",
            "bytes=512/2048 tokens=11/222 id=r-1\n",
        ]
        #expect(text(Self.full, .text(colours: true)) == expected.joined(separator: " "))
    }

    @Test("never shows a query or fragment", arguments: ["/a?key=secret", "/a#secret", "/a?#secret", "/a?b?secret"])
    func noQuery(path: String) {
        var entry = Self.full
        entry.path = path
        #expect(!text(entry, .json).contains("secret"))
        #expect(!text(entry, .text(colours: false)).contains("secret"))
        #expect(text(entry, .json).contains(#""path":"/a","#))
    }

    @Test(
        "stays one valid, bounded line whatever strangers send",
        arguments: [
            ("\"},{\"tenant\":\"root", 1), ("\n{\"forged\":true}", 1), ("\u{0}\u{7F}\u{85}", 1), ("é\n", 100_000),
            ("\\", 1_000), ("\u{2028}\u{2029}", 1), ("😀", 1_000),
        ])
    func untrusted(piece: String, times: Int) throws {
        let hostile = String(repeating: piece, count: times)
        var entry = Self.full
        entry.requestID = hostile
        entry.tenant = hostile
        entry.job = hostile
        entry.model = hostile
        entry.method = hostile
        entry.path = hostile
        entry.limit = hostile
        let line = entry.encoded(.json)
        #expect(line.count < 24_000)
        #expect(line.count { $0 == 0x0A } == 1 && line.last == 0x0A)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect(object.count == 22)
        #expect((object["tenant"] as? String)?.first == hostile.first)
        let text = entry.encoded(.text(colours: false))
        #expect(text.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
    }

    @Test("goes to its sink")
    func written() throws {
        let pipe = try Pipe()
        let sink = LogSink(file: pipe.writing, style: .json)
        AccessLog(sink: sink).write(Self.full)
        #expect(sink.flush(atMostNanoseconds: 10_000_000_000))
        #expect(pipe.read(atLeast: 1) == Self.full.encoded(.json))
    }

    @Test(
        "knows statuses by their class",
        arguments: [
            (200, "2xx"), (299, "2xx"), (304, "3xx"), (429, "4xx"), (529, "5xx"), (600, "none"), (101, "none"),
            (nil, "none"),
        ] as [(Int?, String)])
    func statusClass(status: Int?, label: String) {
        #expect(StatusClass(status).rawValue == label)
    }
}
