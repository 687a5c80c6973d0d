/// A hash of names by their bytes, eight at a time.
///
/// Each step multiplies to 128 bits and folds the halves, as wyhash does and with it the maps of Go. The standard
/// library's hasher would take three times as long for names this short. Whoever chooses names does not know the seed,
/// and so not which of them meet in one place.
struct NameHash {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A number that the process draws when it begins.
    static func seedOfProcess() -> UInt64 { UInt64(truncatingIfNeeded: Hasher().finalize()) }

    var value: UInt32 { UInt32(truncatingIfNeeded: state ^ state >> 32) }

    mutating func combine(_ name: String) {
        var name = name
        var hash = state
        name.withUTF8 { bytes in
            let words = bytes.count / 8
            for word in 0..<words {
                let next = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)
                hash = Self.fold(hash ^ next, Self.wordFactor)
            }
            var rest = UInt64(bytes.count)
            for byte in bytes[(words * 8)...] { rest = rest << 8 | UInt64(byte) }
            // With the length, so that what one name ends with is not what the next begins with.
            hash = Self.fold(hash ^ rest, Self.restFactor)
        }
        state = hash
    }

    mutating func combine(_ priority: Priority) {
        let rank: UInt64 = priority == .high ? 2 : priority == .normal ? 1 : 0
        state = Self.fold(state ^ rank, Self.restFactor)
    }

    /// Odd and with bits all over: the fractional parts of the golden ratio and of the square root of three.
    private static let wordFactor: UInt64 = 0x9E37_79B9_7F4A_7C15
    private static let restFactor: UInt64 = 0xBB67_AE85_84CA_A73B

    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
