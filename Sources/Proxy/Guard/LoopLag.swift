import Admission

/// How late an event loop is with what was to happen at a certain time, and what follows from it.
///
/// The median of the last five looks counts: a pause of the whole machine, or one request that took long to decode, is
/// no overload. At four looks a second it takes three late ones in a row, about a second, until anybody is refused.
struct LoopLag: Sendable {
    private(set) var level = GuardLevel.calm
    private var samples = [Interval](repeating: .zero, count: 5)
    private var next = 0

    /// A quarter of a second and more is what a caller feels in every part of a stream. CPU quotas of containers alone
    /// make up to 100 ms (the length of a period in the kernel's CFS bandwidth control).
    private static let beginnings: [(level: GuardLevel, lag: Interval)] = [
        (.sheddingLow, .milliseconds(250)), (.sheddingNormal, .milliseconds(750)), (.sheddingAll, .seconds(3)),
    ]

    /// - Parameter late: how long after its time the look took place.
    mutating func note(late: Interval) {
        samples[next] = max(.zero, late)
        next = (next + 1) % samples.count
        let lag = usual
        let reached = Self.beginnings.last { lag >= $0.lag }?.level ?? .calm
        // What was reached ends at half of its beginning.
        let left = Self.beginnings.last { lag >= $0.lag / 2 }?.level ?? .calm
        level = max(reached, min(level, left))
    }

    /// The median of the last looks.
    var usual: Interval { samples.sorted()[samples.count / 2] }
}
