import Logging
import Synchronization

@testable import Telemetry

/// What was logged, kept for a test to look at.
final class LogBook: Sendable {
    private let lines = Mutex<[String]>([])

    var messages: [String] { lines.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Page(book: self) } }

    private struct Page: LogHandler {
        let book: LogBook
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            book.lines.withLock { $0.append("\(event.level): \(event.message)") }
        }
    }
}

extension PrometheusRegistry {
    /// A registry that logs nowhere.
    static func quiet(
        _ catalogue: MetricCatalogue = MetricCatalogue(), seriesPerFamily: Int = 10_000
    ) -> PrometheusRegistry {
        PrometheusRegistry(
            catalogue: catalogue, seriesPerFamily: seriesPerFamily,
            logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
    }

    func text(_ face: TextFace = .text) -> String {
        String(decoding: render(face), as: UTF8.self)
    }

    /// The lines of one metric, without help and type.
    func lines(_ name: String) -> [String] {
        text().split(separator: "\n").map(String.init).filter { $0.hasPrefix(name) }
    }
}
