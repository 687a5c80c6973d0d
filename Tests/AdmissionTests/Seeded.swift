import Admission

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The seeds to try: the one in `PENSTOCK_SEED` where it is set, so that a failure can be repeated alone, else as many
/// as `PENSTOCK_SEEDS` says, else as many as are quick.
func seeds(_ quick: UInt64) -> [UInt64] {
    func setting(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }
    if let seed = setting("PENSTOCK_SEED") { return [seed] }
    return Array(1...max(1, setting("PENSTOCK_SEEDS") ?? quick))
}

/// SplitMix64 (Steele, Lea, Flood: OOPSLA 2014): small, and the same everywhere for the same seed.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }

    /// An interval from zero to the longest, to the nanosecond, so that no two events fall on one instant by chance.
    mutating func interval(upTo longest: Interval) -> Interval {
        Interval(nanoseconds: Int64.random(in: 0...longest.nanoseconds, using: &self))
    }
}

extension Instant {
    /// Where tests begin; not the origin, so that nothing relies on it.
    static let start = Instant(nanoseconds: 1_000_000_000_000)

    static func after(_ interval: Interval) -> Instant { start + interval }
}
