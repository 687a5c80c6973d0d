/// Lengths of time, for percentiles.
struct Waits: Hashable, Sendable {
    /// Milliseconds, in the order in which they came.
    private var milliseconds: [Double] = []

    init(_ milliseconds: [Double] = []) {
        self.milliseconds = milliseconds
    }

    mutating func append(_ length: Double) {
        milliseconds.append(length)
    }

    /// The smallest length that at least this share of all do not exceed (nearest rank); `nil` of none.
    ///
    /// - Parameter shares: each above 0, at most 1.
    func percentiles(_ shares: [Double]) -> [Double?] {
        let sorted = milliseconds.sorted()
        return shares.map { share in
            guard !sorted.isEmpty else { return nil }
            let rank = Int((share * Double(sorted.count)).rounded(.up))
            return sorted[min(max(rank, 1), sorted.count) - 1]
        }
    }
}

/// Jain's fairness index: 1 where all have the same, 1/n where one has everything (Jain, Chiu, Hawe, "A Quantitative
/// Measure of Fairness and Discrimination for Resource Allocation in Shared Computer Systems", 1984).
enum JainIndex {
    /// `nil` where nobody has anything.
    static func of(_ shares: [Double]) -> Double? {
        let sum = shares.reduce(0, +)
        let squares = shares.reduce(0) { $0 + $1 * $1 }
        return squares > 0 ? sum * sum / (Double(shares.count) * squares) : nil
    }
}
