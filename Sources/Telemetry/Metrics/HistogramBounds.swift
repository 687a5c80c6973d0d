/// Upper bounds of a histogram's buckets, ascending and finite; the bucket up to infinity is implied.
package struct HistogramBounds: Sendable {
    /// In the unit of the metric: seconds for timers.
    let upper: [Double]
    /// The same in thousand-millionths, so that a timer compares integers.
    let nanoseconds: [Int64]
    /// `le="…"` of each bucket in text 0.0.4, with `le="+Inf"` as the last.
    let textLabels: [String]
    /// `le="…"` of each bucket in OpenMetrics, whose canonical numbers carry a fraction (`1.0`).
    let openMetricsLabels: [String]

    /// How many bounds a histogram may have, since its buckets stand in place inside its object.
    package static let most = HistogramSeries.slots - 1

    /// - Parameter upper: one to ``most`` positive numbers, ascending.
    package init(_ upper: [Double]) {
        precondition(!upper.isEmpty && upper.count <= HistogramBounds.most, "a histogram has 1 to 31 bounds")
        precondition(
            zip(upper, upper.dropFirst()).allSatisfy { $0 < $1 } && upper[0] > 0 && upper[upper.count - 1] < 9e9,
            "the bounds of a histogram are positive, ascending and finite")
        self.upper = upper
        self.nanoseconds = upper.map { Int64(($0 * 1e9).rounded()) }
        self.textLabels = upper.map { "le=\"\(Figure.real($0))\"" } + ["le=\"+Inf\""]
        self.openMetricsLabels = upper.map { "le=\"\($0)\"" } + ["le=\"+Inf\""]
    }

    /// 1 ms … 600 s: from an answer out of a cache to a long completion with reasoning.
    package static let request = HistogramBounds([
        0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600,
    ])

    /// 10 µs … 1 s: the time that Penstock itself takes.
    package static let overhead = HistogramBounds([
        0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
    ])
}
