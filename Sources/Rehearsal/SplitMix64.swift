import Admission

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// SplitMix64 (Steele, Lea, Flood: OOPSLA 2014): small, and the same everywhere for the same seed.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// From zero to the longest, both included, to the nanosecond.
    package mutating func interval(upTo longest: Interval) -> Interval {
        Interval(nanoseconds: Int64.random(in: 0...longest.nanoseconds, using: &self))
    }

    package mutating func interval(_ shortest: Interval, _ longest: Interval) -> Interval {
        shortest + interval(upTo: max(.zero, longest - shortest))
    }

    package mutating func chance(percent: Int) -> Bool { int(0...99) < percent }

    package mutating func chance(permille: Int) -> Bool { int(0...999) < permille }

    package mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    package mutating func one<Element>(of elements: [Element]) -> Element {
        precondition(!elements.isEmpty, "a choice needs something to choose from")
        return elements[int(0...elements.count - 1)]
    }

    // MARK: Distributions

    /// Above zero, up to one.
    private mutating func unit() -> Double { Double((next() >> 11) + 1) / 9_007_199_254_740_992 }

    /// Gaps of a Poisson process.
    package mutating func exponential(mean: Interval) -> Interval {
        Interval(nanoseconds: Int64(-log(unit()) * Double(mean.nanoseconds)))
    }

    /// Gaps with this coefficient of variation, 2 or more: mostly none, seldom very long ones.
    ///
    /// The rejection method of Ahrens and Dieter for shapes below one (Computing 12, 1974).
    package mutating func gamma(mean: Interval, variation: Int) -> Interval {
        precondition(variation >= 2, "a gamma distribution of a smaller variation is not heavy-tailed")
        let shape = 1 / Double(variation * variation)
        let bound = 1 + shape / exp(1)
        while true {
            let draw = bound * unit()
            let value = draw <= 1 ? pow(draw, 1 / shape) : -log((bound - draw) / shape)
            guard unit() <= (draw <= 1 ? exp(-value) : pow(value, shape - 1)) else { continue }
            return Interval(nanoseconds: Int64(value / shape * Double(mean.nanoseconds)))
        }
    }

    /// Mostly short, seldom up to a hundred times as long: a Pareto tail of index one and a half, cut off.
    package mutating func longTailed(shortest: Interval) -> Interval {
        Interval(nanoseconds: Int64(Double(shortest.nanoseconds) * min(100, pow(unit(), -2.0 / 3))))
    }
}
