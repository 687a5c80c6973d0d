/// Unpacks the beginning of what `Content-Encoding: gzip` or `deflate` has packed (RFC 1951, in the wrapping of RFC 1952
/// or RFC 1950): error bodies, which say in their first kilobytes what went wrong.
///
/// Checksums are not checked: whoever the body is for does that. What is broken or cut off gives as much as could be
/// read before.
struct Inflate {
    private enum Failure: Error { case cut, broken, full }

    private var input: BitReader
    private let bound: Int
    private var output: [UInt8] = []

    /// The first bytes of what is packed, at most `bound`; nothing where the coding is none of these or not readable.
    ///
    /// - Parameter coding: the value of `Content-Encoding`, in any case.
    static func beginning(of bytes: Span<UInt8>, coding: String, bound: Int) -> [UInt8] {
        let start: Int?
        switch coding.lowercased() {
        case "gzip", "x-gzip": start = gzipHeader(bytes)
        case "deflate": start = zlibHeader(bytes)
        default: start = nil
        }
        guard let start, start <= bytes.count else { return [] }
        var inflate = Inflate(input: BitReader(bytes, from: start), bound: bound)
        inflate.run()
        return inflate.output
    }

    private init(input: BitReader, bound: Int) {
        self.input = input
        self.bound = bound
    }

    private mutating func run() {
        do throws(Failure) {
            repeat {} while try block()
        } catch {
            // What was read before stands in the output.
        }
    }

    // MARK: Wrappings

    /// How long the header of RFC 1952 §2.3 is.
    private static func gzipHeader(_ bytes: Span<UInt8>) -> Int? {
        guard bytes.count >= 10, bytes[0] == 0x1F, bytes[1] == 0x8B, bytes[2] == 8 else { return nil }
        let flags = bytes[3]
        var index = 10
        if flags & 4 != 0 {
            guard index + 2 <= bytes.count else { return nil }
            index += 2 + Int(bytes[index]) + Int(bytes[index + 1]) << 8
        }
        // A name and a comment, each up to a zero.
        for flag in [8, 16] as [UInt8] where flags & flag != 0 {
            while index < bytes.count, bytes[index] != 0 { index += 1 }
            index += 1
        }
        return flags & 2 != 0 ? index + 2 : index
    }

    /// That of RFC 1950 §2.2; some servers leave it out (RFC 9110 §8.4.1.2).
    private static func zlibHeader(_ bytes: Span<UInt8>) -> Int? {
        guard bytes.count >= 2 else { return nil }
        let isHeader = bytes[0] & 15 == 8 && (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0
        return isHeader ? 2 : 0
    }

    // MARK: Blocks, RFC 1951 §3.2.3

    /// Says whether another follows.
    private mutating func block() throws(Failure) -> Bool {
        let isLast = try bits(1) == 1
        switch try bits(2) {
        case 0: try stored()
        case 1: try coded(.fixedLiterals, .fixedDistances)
        case 2:
            let (literals, distances) = try dynamicCodes()
            try coded(literals, distances)
        default: throw .broken
        }
        return !isLast
    }

    private mutating func stored() throws(Failure) {
        input.skipToByte()
        let length = try bits(16)
        guard try bits(16) == ~length & 0xFFFF else { throw .broken }
        for _ in 0..<length { try put(UInt8(truncatingIfNeeded: bits(8))) }
    }

    private mutating func coded(_ literals: PrefixCode, _ distances: PrefixCode) throws(Failure) {
        while true {
            let symbol = try symbol(literals)
            if symbol < 256 {
                try put(UInt8(truncatingIfNeeded: symbol))
            } else if symbol == 256 {
                return
            } else {
                try copy(symbol - 257, distances)
            }
        }
    }

    private mutating func copy(_ lengthSymbol: Int, _ distances: PrefixCode) throws(Failure) {
        guard lengthSymbol < Self.lengths.count else { throw .broken }
        let length = try Self.lengths[lengthSymbol].base + bits(Self.lengths[lengthSymbol].extra)
        let distanceSymbol = try symbol(distances)
        guard distanceSymbol < Self.distances.count else { throw .broken }
        let distance = try Self.distances[distanceSymbol].base + bits(Self.distances[distanceSymbol].extra)
        guard distance <= output.count else { throw .broken }
        for _ in 0..<length { try put(output[output.count - distance]) }
    }

    /// RFC 1951 §3.2.7
    private mutating func dynamicCodes() throws(Failure) -> (PrefixCode, PrefixCode) {
        let (literals, distances, codes) = try (bits(5) + 257, bits(5) + 1, bits(4) + 4)
        var codeLengths = [UInt8](repeating: 0, count: 19)
        for place in Self.codeOrder.prefix(codes) { codeLengths[place] = UInt8(truncatingIfNeeded: try bits(3)) }
        let code = PrefixCode(codeLengths)
        var lengths: [UInt8] = []
        while lengths.count < literals + distances {
            let symbol = try symbol(code)
            switch symbol {
            case 16:
                guard let last = lengths.last else { throw .broken }
                lengths += Array(repeating: last, count: try bits(2) + 3)
            case 17: lengths += Array(repeating: 0, count: try bits(3) + 3)
            case 18: lengths += Array(repeating: 0, count: try bits(7) + 11)
            default: lengths.append(UInt8(truncatingIfNeeded: symbol))
            }
        }
        guard lengths.count == literals + distances else { throw .broken }
        return (PrefixCode(lengths[..<literals]), PrefixCode(lengths[literals...]))
    }

    // MARK: Bits

    private mutating func bits(_ count: Int) throws(Failure) -> Int {
        guard let value = input.read(count) else { throw .cut }
        return value
    }

    private mutating func symbol(_ code: PrefixCode) throws(Failure) -> Int {
        var walk = PrefixCode.Walk()
        // No code is longer than fifteen bits.
        for _ in 0..<15 {
            if let symbol = code.symbol(&walk, bit: try bits(1)) { return symbol }
        }
        throw .broken
    }

    private mutating func put(_ byte: UInt8) throws(Failure) {
        guard output.count < bound else { throw .full }
        output.append(byte)
    }

    // MARK: Tables, RFC 1951 §3.2.5

    private static let codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    /// From 3 on, four of each number of extra bits (eight of none), and 258 by itself.
    private static let lengths: [(base: Int, extra: Int)] = {
        var (rows, base): ([(base: Int, extra: Int)], Int) = ([], 3)
        for place in 0..<28 {
            let extra = max(0, place / 4 - 1)
            rows.append((base, extra))
            base += 1 << extra
        }
        return rows + [(258, 0)]
    }()

    /// From 1 on, two of each number of extra bits (four of none).
    private static let distances: [(base: Int, extra: Int)] = {
        var (rows, base): ([(base: Int, extra: Int)], Int) = ([], 1)
        for place in 0..<30 {
            let extra = max(0, place / 2 - 1)
            rows.append((base, extra))
            base += 1 << extra
        }
        return rows
    }()
}

/// Bits of a text, the lowest of each byte first (RFC 1951 §3.1.1).
private struct BitReader {
    private let bytes: [UInt8]
    private var index = 0
    private var held = 0
    private var heldBits = 0

    init(_ bytes: Span<UInt8>, from start: Int) {
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count - start)
        for place in start..<bytes.count { copy.append(bytes[place]) }
        self.bytes = copy
    }

    /// At most 16 bits; nothing at the end.
    mutating func read(_ count: Int) -> Int? {
        while heldBits < count {
            guard index < bytes.count else { return nil }
            held |= Int(bytes[index]) << heldBits
            index += 1
            heldBits += 8
        }
        defer {
            held >>= count
            heldBits -= count
        }
        return held & (1 << count - 1)
    }

    mutating func skipToByte() {
        held >>= heldBits % 8
        heldBits -= heldBits % 8
    }
}

/// A code of which no word begins another, given by the lengths of its words (RFC 1951 §3.2.2).
private struct PrefixCode {
    /// How many words each length has.
    private var counts = [Int](repeating: 0, count: 16)
    /// The symbols, shorter words first.
    private var symbols: [Int] = []

    init(_ lengths: some Collection<UInt8>) {
        for length in lengths { counts[Int(length)] += 1 }
        counts[0] = 0
        for length in 1...15 as ClosedRange<UInt8> {
            symbols += lengths.enumerated().filter { $0.element == length }.map(\.offset)
        }
    }

    static let fixedLiterals = PrefixCode(
        (0..<288).map { symbol in symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8 })
    static let fixedDistances = PrefixCode(Array(repeating: 5, count: 30))

    /// A word as far as it has been read.
    struct Walk {
        fileprivate var length = 0
        fileprivate var word = 0
        /// The first word of this length, and the place of its symbol.
        fileprivate var first = 0
        fileprivate var place = 0
    }

    /// The symbol, where this bit completes its word.
    func symbol(_ walk: inout Walk, bit: Int) -> Int? {
        walk.length += 1
        walk.word = walk.word << 1 | bit
        let count = counts[walk.length]
        walk.first <<= 1
        let offset = walk.word - walk.first
        if offset >= 0, offset < count { return symbols[walk.place + offset] }
        walk.first += count
        walk.place += count
        return nil
    }
}
