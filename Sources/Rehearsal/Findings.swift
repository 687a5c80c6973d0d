import Admission

/// What a rehearsal saw.
package struct Findings {
    /// Broken promises, with the instant; the rehearsal stops at the first.
    package var complaints: [String] = []
    /// Requests above a rate as the provider counts it, by its method.
    package var violations: [RateEnforcement.Method: Int] = [:]
    package var sends = 0
    package var sendsPerTenant: [String: Int] = [:]
    package var served = 0
    package var refused = 0
    package var cancelled = 0
    package var lastSend = Rehearsal.start
    /// From a request's submission to its last attempt.
    package var longestWait: [String: Interval] = [:]
    package var peakAtProvider = 0
    /// Of any single tenant.
    package var peakPerTenant = 0
    /// Slots held, times nanoseconds.
    package var slotTime: Int64 = 0

    package var ended: Int { served + refused + cancelled }

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
