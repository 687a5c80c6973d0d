import Admission

/// What a rehearsal saw.
package struct Findings: Sendable {
    /// Broken promises, with the instant; the rehearsal stops at the first.
    package var complaints: [String] = []
    /// Requests above a rate as the provider counts it, by its method.
    package var violations: [RateEnforcement.Method: Int] = [:]
    /// Attempts that the provider turned away because of a rate, and when it last did.
    package var throttled = 0
    package var lastThrottled: Instant?
    package var submitted = 0
    package var sends = 0
    package var sendsPerTenant: [String: Int] = [:]
    package var sendsPerKey: [Int: Int] = [:]
    /// Attempts whose key the provider refused.
    package var turnedAway = 0
    /// Attempts beyond a request's first; and those of them that the retry budget paid.
    package var repeats = 0
    package var paidRepeats = 0
    /// Permits given back unused.
    package var withdrawn = 0
    package var served = 0
    package var refused = 0
    package var failed = 0
    package var cancelled = 0
    package var tokens = Tokens.none
    package var lastSend = Rehearsal.start
    /// From a request's submission to its last attempt.
    package var longestWait: [String: Interval] = [:]
    package var peakAtProvider = 0
    /// Of any single tenant.
    package var peakPerTenant = 0
    package var peakWaiting = 0
    /// Slots held, times nanoseconds.
    package var slotTime: Int64 = 0
    package var events = 0
    /// The largest difference of normalised service among backlogged siblings, in thousandths of what was allowed.
    package var unfairness = 0

    package init() {}

    package var ended: Int { served + refused + failed + cancelled }

    package mutating func complain(_ text: String, at instant: Instant) {
        complaints.append("\(text) at \(instant.nanoseconds) ns")
    }

    /// Jain's index of what tenants got per weight: 1 where all got the same, 1/n where one got all
    /// (Jain, Chiu, Hawe: DEC-TR-301, 1984).
    package func fairness(weights: [String: Int]) -> Double {
        let shares = weights.map { Double(sendsPerTenant[$0.key] ?? 0) / Double($0.value) }
        let sum = shares.reduce(0, +)
        let squares = shares.reduce(0) { $0 + $1 * $1 }
        return squares == 0 ? 0 : sum * sum / (Double(shares.count) * squares)
    }
}
