import Admission

/// Something measured, and what it should be.
package struct Figure: Sendable {
    package enum Target: Hashable, Sendable {
        case atLeast(Double)
        case atMost(Double)
        /// Told, not judged.
        case none
    }

    package var name: String
    package var target: Target
    package var measured: Double
    package var unit: String

    package init(_ name: String, _ measured: Double, _ unit: String = "", target: Target = .none) {
        self.name = name
        self.target = target
        self.measured = measured
        self.unit = unit
    }

    package var isReached: Bool {
        switch target {
        case .atLeast(let least): measured >= least
        case .atMost(let most): measured <= most
        case .none: true
        }
    }
}

/// A group of figures that are measured together.
package struct FigureGroup: Sendable {
    package var name: String
    /// How it is measured, in a sentence.
    package var method: String
    /// Whether it wants a process of its own: memory is told by how much the process grows.
    package var isAlone = false
    package var measure: @Sendable (FigureSettings) -> [Figure]
}

/// How much time is spent on measuring.
package struct FigureSettings: Sendable {
    package var seed: UInt64
    /// Virtual time by which the lengths are divided; 1 for the figures that count.
    package var haste: Int
    /// Sizes of requests from recorded traffic, in place of drawn ones.
    package var sizes: [Tokens]

    package init(seed: UInt64 = 1, haste: Int = 1, sizes: [Tokens] = []) {
        self.seed = seed
        self.haste = haste
        self.sizes = sizes
    }
}

/// The value below which so many hundredths of the values lie; 0 where there are none.
func percentile(_ percent: Int, of values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, sorted.count * percent / 100)]
}

/// Jain's index of shares: 1 where all got the same, 1/n where one got all (Jain, Chiu, Hawe: DEC-TR-301, 1984).
func fairness(of shares: [Double]) -> Double {
    let sum = shares.reduce(0, +)
    let squares = shares.reduce(0) { $0 + $1 * $1 }
    return squares == 0 ? 0 : sum * sum / (Double(shares.count) * squares)
}
