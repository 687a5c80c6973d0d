import Admission
import Providers
import Telemetry

/// The refusals of one upstream that came last, for people: like ones as one entry with a count, so that a flood of one
/// tenant's does not push out all others.
struct RefusalJournal: Sendable {
    /// Entries kept; the one whose last refusal is the oldest goes.
    static let kept = 16
    /// Of a name that came with a request, so many characters.
    private static let longestName = 100

    struct Entry: Hashable, Sendable {
        let kind: Kind
        /// What the latest of them was told.
        var message: String
        var count: Int
        var first: Instant
        var last: Instant
    }

    /// What makes two refusals alike.
    struct Kind: Hashable, Sendable {
        let tenant: String
        let status: Int
        let error: ProxyError
        let outcome: ExchangeOutcome?
        let limit: String?
    }

    /// In no particular order.
    private(set) var entries: [Entry] = []
    /// Refusals with 429 since the start.
    private(set) var limited = 0

    mutating func note(_ refusal: Refusal, tenant: String, outcome: ExchangeOutcome?, now: Instant) {
        if refusal.status == 429 { limited += 1 }
        let kind = Kind(
            tenant: String(tenant.prefix(Self.longestName)), status: refusal.status, error: refusal.error,
            outcome: outcome, limit: refusal.limit?.name)
        if let place = entries.firstIndex(where: { $0.kind == kind }) {
            entries[place].count += 1
            entries[place].last = now
            entries[place].message = refusal.message
            return
        }
        if entries.count == Self.kept, let oldest = entries.indices.min(by: { entries[$0].last < entries[$1].last }) {
            entries.remove(at: oldest)
        }
        entries.append(Entry(kind: kind, message: refusal.message, count: 1, first: now, last: now))
    }

    /// The latest first.
    var latest: [Entry] { entries.sorted { $0.last > $1.last } }
}

extension RefusalJournal.Entry {
    private static let prefix = "Penstock refused this request: "

    /// The message without what all of them say, and without advice that was for that moment.
    var reason: String {
        let rest = message.hasPrefix(Self.prefix) ? message.dropFirst(Self.prefix.count) : message[...]
        guard let advice = rest.firstRange(of: "; come back ") else { return String(rest) }
        return String(rest[..<advice.lowerBound])
    }
}
