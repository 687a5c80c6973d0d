import Admission
import Telemetry

/// What one exchange leaves behind for the log and the metrics.
struct ExchangeRecord {
    let begunAt: Instant
    var queued = Interval.zero
    /// Since when it waits, while it does.
    var waitingSince: Instant?
    var attempts = 0
    var sentAt: Instant?
    /// Time given to attempts that were repeated.
    var spentUpstream = Interval.zero
    var firstByteAt: Instant?
    var status: Int?
    var outcome: ExchangeOutcome?
    var bytesIn = 0
    var bytesOut = 0
    var limit: String?
    /// The name of the key that the last attempt went out with, where there are several.
    var credential: String?
    /// Limits that are only observed and would have held it back.
    var observed: [String] = []
    /// As the provider reported them, or counted in a stream that did not.
    var tokens: Tokens?

    init(now: Instant) {
        begunAt = now
    }

    mutating func wait(since now: Instant) {
        waitingSince = now
    }

    mutating func waited(until now: Instant) {
        guard let since = waitingSince else { return }
        queued = queued + (now - since)
        waitingSince = nil
    }

    mutating func send(at now: Instant) {
        attempts += 1
        sentAt = now
    }

    /// An attempt is over and another may follow.
    mutating func attemptEnded(at now: Instant) {
        guard let sentAt else { return }
        spentUpstream = spentUpstream + (now - sentAt)
        self.sentAt = nil
    }

    /// Time in Penstock until the first byte of the answer, besides waiting in line and for the upstream.
    func overhead(until now: Instant) -> Interval {
        let upstream = sentAt.map { now - $0 } ?? .zero
        return max(.zero, (now - begunAt) - queued - spentUpstream - upstream)
    }
}
