import Foundation
import Logging
import Testing

@testable import Telemetry

@Suite("Log lines of the program")
struct LineLogHandlerTests {
    private static let time = WallTime(nanoseconds: 1_767_225_600_000_000_000)

    private func text(_ line: LogLine, _ style: LogStyle) -> String {
        String(decoding: line.encoded(style, at: Self.time), as: UTF8.self)
    }

    private static let rich = LogLine(
        level: .warning, message: "two\nlines",
        fields: [
            .text("logger", "penstock"), .metadata("count", .stringConvertible(3)),
            .metadata("flag", .stringConvertible(true)), .metadata("name", "a \"b\""),
            .metadata("list", ["x", ["y", "z"]]), .metadata("map", ["k2": "v", "k1": ["n": "1"]]),
        ])

    @Test("are JSON with nested metadata kept")
    func json() {
        let expected = [
            #"{"time":"2026-01-01T00:00:00.000Z","level":"warning","message":"two\nlines","logger":"penstock","#,
            #""count":3,"flag":true,"name":"a \"b\"","list":["x",["y","z"]],"map":{"k1":{"n":"1"},"k2":"v"}}"#, "\n",
        ]
        #expect(text(Self.rich, .json) == expected.joined())
    }

    @Test("are readable on a terminal, coloured only where asked for")
    func readable() {
        let rest = [
            #"  two\nlines logger=penstock count=3 flag=true name="a \"b\"" list=["x",["y","z"]]"#,
            #" map={"k1":{"n":"1"},"k2":"v"}"#, "\n",
        ].joined()
        #expect(text(Self.rich, .text(colours: false)) == "2026-01-01T00:00:00.000Z WARNING" + rest)
        #expect(text(Self.rich, .text(colours: true)) == "2026-01-01T00:00:00.000Z \u{1B}[33mWARNING\u{1B}[0m" + rest)
    }

    @Test("end even where metadata nests without end")
    func deepMetadata() throws {
        let deep = (0..<100).reduce(Logger.MetadataValue.string("core")) { value, _ in .array([value]) }
        let line = LogLine(level: .info, message: "m", fields: [.metadata("deep", deep)])
        #expect(text(line, .json).contains(#""deep":[[[[[[[["…"]]]]]]]]}"#))
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(text(line, .json).utf8)) }
    }

    @Test("carry the metadata of handler, provider and event, the latter winning")
    func metadata() throws {
        let pipe = try Pipe()
        let sink = LogSink(file: pipe.writing, style: .json)
        let provider = Logger.MetadataProvider { ["who": "provider", "provider": "p"] }
        var logger = Logger(label: "app") { LineLogHandler(label: $0, sink: sink, metadataProvider: provider) }
        logger[metadataKey: "who"] = "handler"
        logger[metadataKey: "handler"] = "h"
        logger.info("hello", metadata: ["event": "e", "time": "mine"])
        logger.info("again", metadata: ["who": "event"])
        let lines = pipe.read(until: "again").split(separator: "\n")
        #expect(
            lines[0].hasSuffix(
                #""level":"info","message":"hello","logger":"app","event":"e","handler":"h","provider":"p","metadata.time":"mine","who":"provider"}"#
            ))
        #expect(lines[1].hasSuffix(#""handler":"h","provider":"p","who":"event"}"#))
    }

    @Test("obey the level")
    func level() throws {
        let pipe = try Pipe()
        let sink = LogSink(file: pipe.writing, style: .json)
        var logger = Logger(label: "") { LineLogHandler(label: $0, sink: sink, logLevel: .warning) }
        logger.info("hidden")
        logger.logLevel = .debug
        logger.debug("shown")
        let text = pipe.read(until: "shown")
        #expect(!text.contains("hidden"))
        #expect(text.hasSuffix(#""level":"debug","message":"shown"}"# + "\n"))
    }

    @Test("name the error that came with the event")
    func error() throws {
        struct Broken: Error, CustomStringConvertible { let description = "it is \"broken\"" }
        let pipe = try Pipe()
        let sink = LogSink(file: pipe.writing, style: .json)
        LineLogHandler(label: "", sink: sink).log(
            event: LogEvent(
                level: .error, message: "failed", error: Broken(), metadata: nil, source: nil, file: "f", function: "g",
                line: 1))
        #expect(pipe.read(until: "failed").contains(#""error":"it is \"broken\"""#))
    }
}
