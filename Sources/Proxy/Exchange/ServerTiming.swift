import Admission

/// `Server-Timing` (W3C Server Timing): how long the request waited here and how long the provider took to answer.
enum ServerTiming {
    static func field(_ record: ExchangeRecord, now: Instant) -> String {
        let upstream = record.sentAt.map { now - $0 } ?? .zero
        // Names of 20 and 25 bytes, numbers of 16 at most: 2⁶³ ns have 13 digits of milliseconds, a point and one more.
        return String(unsafeUninitializedCapacity: 80) { bytes in
            var text = TextRoom(UnsafeMutableRawBufferPointer(bytes))
            text.append("penstock-queue;dur=")
            append(record.queued, to: &text)
            text.append(", penstock-upstream;dur=")
            append(upstream, to: &text)
            return text.count
        }
    }

    /// Milliseconds with one digit behind the point; a length below zero, which a clock that runs forward never gives,
    /// is zero.
    private static func append(_ length: Interval, to text: inout TextRoom) {
        let tenths = max(0, length.nanoseconds) / 100_000
        text.append(decimal: tenths / 10)
        text.append(UInt8(ascii: "."))
        text.append(decimal: tenths % 10)
    }
}
