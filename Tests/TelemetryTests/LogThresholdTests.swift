import Logging
import Testing

@testable import Telemetry

@Suite("The log's threshold")
struct LogThresholdTests {
    @Test("holds for every logger that shares it, from the moment that it changes")
    func changes() throws {
        let pipe = try Pipe()
        let sink = LogSink(file: pipe.writing, style: .json)
        let threshold = LogThreshold(.info)
        let logger = Logger(label: "a") { LineLogHandler(label: $0, sink: sink, threshold: threshold) }
        var own = logger
        own.logLevel = .warning
        for level in Logger.Level.allCases {
            threshold.level = level
            #expect(threshold.level == level && logger.logLevel == level && own.logLevel == .warning)
        }
    }
}
