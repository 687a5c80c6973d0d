import Admission

/// `Server-Timing` (W3C Server Timing): how long the request waited here and how long the provider took to answer.
enum ServerTiming {
    static func field(_ record: ExchangeRecord, now: Instant) -> String {
        let upstream = record.sentAt.map { now - $0 } ?? .zero
        var text = "penstock-queue;dur="
        append(record.queued, to: &text)
        text += ", penstock-upstream;dur="
        append(upstream, to: &text)
        return text
    }

    /// Milliseconds with one digit behind the point.
    private static func append(_ length: Interval, to text: inout String) {
        let tenths = length.nanoseconds / 100_000
        text += String(tenths / 10)
        text += "."
        text += String(tenths % 10)
    }
}
