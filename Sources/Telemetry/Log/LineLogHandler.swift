import Logging

/// The swift-log backend: each event becomes one line of a sink, in the sink's style.
package struct LineLogHandler: LogHandler {
    /// Keys that every JSON line has. Metadata of such a name is written as `metadata.<name>`.
    private static let reserved: Set<String> = ["time", "level", "message", "logger", "error"]

    /// The shared threshold, unless this logger was given a level of its own.
    package var logLevel: Logger.Level {
        get { ownLevel ?? threshold.level }
        set { ownLevel = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private var ownLevel: Logger.Level?
    private let threshold: LogThreshold
    private let label: String
    private let sink: LogSink

    package init(
        label: String, sink: LogSink, logLevel: Logger.Level = .info, metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.init(
            label: label, sink: sink, threshold: LogThreshold(logLevel), metadataProvider: metadataProvider)
    }

    package init(
        label: String, sink: LogSink, threshold: LogThreshold, metadataProvider: Logger.MetadataProvider? = nil
    ) {
        self.label = label
        self.sink = sink
        self.threshold = threshold
        self.metadataProvider = metadataProvider
    }

    package subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        sink.append(line(event).encoded(sink.style, at: .now))
    }

    /// Metadata in order of its keys; the event's own wins over the provider's, and that over the handler's.
    private func line(_ event: LogEvent) -> LogLine {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        var fields: [LogLine.Field] = []
        fields.reserveCapacity(all.count + 2)
        if !label.isEmpty { fields.append(.text("logger", label)) }
        if let error = event.error { fields.append(.text("error", "\(error)")) }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            fields.append(.metadata(LineLogHandler.reserved.contains(key) ? "metadata.\(key)" : key, value))
        }
        return LogLine(level: event.level, message: event.message.description, fields: fields)
    }
}
