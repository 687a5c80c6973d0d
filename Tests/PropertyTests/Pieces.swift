import Rehearsal

/// The same bytes as they may arrive: whole, byte by byte, and cut at places that follow from the bytes themselves, so
/// that an input is all that is needed to have a failure again.
enum Pieces {
    /// More pieces than these show nothing new and make long inputs slow.
    private static let mostSingleBytes = 2048

    static func cuttings(of bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
        var random = SplitMix64(seed: seed(of: bytes))
        var cuttings = [[bytes[...]], cut(bytes, longest: 3, &random), cut(bytes, longest: 40, &random)]
        if bytes.count <= mostSingleBytes { cuttings.append(bytes.indices.map { bytes[$0...$0] }) }
        return cuttings
    }

    /// What all cuttings give; throws where they differ.
    static func agreed<Result: Equatable>(
        on bytes: [UInt8], _ read: ([ArraySlice<UInt8>]) throws -> Result
    ) throws -> Result {
        let whole = try read([bytes[...]])
        for pieces in cuttings(of: bytes).dropFirst() {
            let result = try read(pieces)
            if result != whole {
                throw Violation(
                    description: "whole: \(whole), in pieces of \(pieces.map(\.count)): \(result)")
            }
        }
        return whole
    }

    private static func cut(
        _ bytes: [UInt8], longest: Int, _ random: inout SplitMix64
    ) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let length = Int.random(in: 1...longest, using: &random)
            pieces.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return pieces
    }

    /// FNV-1a (Fowler, Noll and Vo).
    private static func seed(of bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}
