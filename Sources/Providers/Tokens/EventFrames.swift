/// Parts an AWS event stream into the payloads of its frames, in pieces cut anywhere.
///
/// A frame is the length of all, the length of the headers (32 bits each, big-endian) and a checksum; the headers; the
/// payload; a checksum (Smithy, "Amazon Event Stream specification"). Checksums are not checked: the caller's SDK does.
struct EventFrames: Sendable {
    enum Part: Equatable {
        case payload(Range<Int>)
        case frameEnd
    }

    private enum Phase { case prelude, headers, payload, checksum, broken }

    /// The largest frame there is: 16 MiB of payload and 128 KiB of headers (ibid.).
    private static let maxLength: UInt32 = (16 << 20) + (128 << 10) + 16
    private static let preludeLength = 12
    private static let checksumLength = 4

    private var phase = Phase.prelude
    /// Bytes of this phase still to come.
    private var rest = Self.preludeLength
    private var length: UInt32 = 0
    private var headersLength: UInt32 = 0

    /// The next part of a piece; nothing at its end, and never anything behind a frame that can't be one.
    mutating func next(_ bytes: Span<UInt8>, _ index: inout Int) -> Part? {
        while index < bytes.count, phase != .broken {
            let start = index
            let end = min(bytes.count, index + rest)
            if phase == .prelude {
                for place in start..<end { readPrelude(bytes[place], at: Self.preludeLength - rest + place - start) }
            }
            let isPayload = phase == .payload
            rest -= end - start
            index = end
            if rest == 0, enterNextPhase() { return .frameEnd }
            if isPayload, start < end { return .payload(start..<end) }
        }
        index = bytes.count
        return nil
    }

    private mutating func readPrelude(_ byte: UInt8, at place: Int) {
        if place < 4 { length = length << 8 | UInt32(byte) }
        if (4..<8).contains(place) { headersLength = headersLength << 8 | UInt32(byte) }
    }

    /// Enters the next phase that has bytes.
    ///
    /// - Returns: whether a frame has ended.
    private mutating func enterNextPhase() -> Bool {
        switch phase {
        case .prelude:
            let least = UInt64(headersLength) + UInt64(Self.preludeLength + Self.checksumLength)
            guard UInt64(length) >= least, length <= Self.maxLength else {
                phase = .broken
                return false
            }
            phase = .headers
            rest = Int(headersLength)
        case .headers:
            phase = .payload
            rest = Int(length - headersLength) - Self.preludeLength - Self.checksumLength
        case .payload:
            phase = .checksum
            rest = Self.checksumLength
        case .checksum, .broken:
            phase = .prelude
            rest = Self.preludeLength
            return true
        }
        return rest == 0 ? enterNextPhase() : false
    }
}
