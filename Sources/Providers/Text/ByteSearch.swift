/// Eight bytes in one step, for what is looked at byte after byte in every body.
extension Span<UInt8> {
    /// The place of the first byte that is one of two, at or behind a place; ``count`` where there is none.
    func firstIndex(of one: UInt8, or other: UInt8, from start: Int) -> Int {
        let ones = UInt64(repeating: one)
        let others = UInt64(repeating: other)
        let bytes = bytes
        let lastWord = count - 8
        var index = start
        precondition(start >= 0, "a place in the span")
        while index <= lastWord {
            // In bounds: `index` is not below zero and eight bytes begin there.
            let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
            // The lowest flag of each is exact, and so the lowest of both.
            let hits = (word ^ ones).zeroBytes | (word ^ others).zeroBytes
            if hits != 0 { return index + hits.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count, self[index] != one, self[index] != other { index += 1 }
        return index
    }

    /// Eight bytes, the first of them lowest.
    ///
    /// - Parameter index: with at least eight bytes from there on.
    func word(at index: Int) -> UInt64 {
        precondition(index >= 0 && index + 8 <= count, "eight bytes from here on")
        return UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
    }
}

extension UInt64 {
    init(repeating byte: UInt8) {
        self = UInt64(byte) &* 0x0101_0101_0101_0101
    }

    /// The top bit of each byte that is zero; above the lowest such byte there may be flags too many, because a
    /// subtraction borrows out of it.
    var zeroBytes: UInt64 {
        (self &- UInt64(repeating: 1)) & ~self & Self.topBits
    }

    static let topBits = UInt64(repeating: 0x80)
}
