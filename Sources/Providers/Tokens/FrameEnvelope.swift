/// Opens what a frame of Bedrock's `invoke-with-response-stream` wraps: `{"bytes":"…"}`, a JSON text of the model's own
/// in base64 (its API reference, `PayloadPart`). Frames of `converse-stream` are not wrapped.
struct FrameEnvelope: Sendable {
    private static let bytes: JSONPlaces.Mark = 1
    private static let places = JSONPlaces([("bytes", bytes)])

    private var walk = JSONWalk(Self.places)
    private var isOpened = false
    private var bits: UInt32 = 0
    private var bitCount = 0

    /// The next piece of a frame's payload, for a reader of what it says.
    mutating func read(_ payload: Span<UInt8>, into reader: inout UsageReader) {
        var index = 0
        while let token = walk.next(payload, &index) {
            switch token {
            case .string(Self.bytes):
                if !isOpened { reader.read(payload.extracting(0..<index)) }
                // The envelope itself is no text of the answer.
                isOpened = true
                reader.dropText()
            case .text(Self.bytes, let range): decode(payload.extracting(range), into: &reader)
            default: break
            }
        }
        if !isOpened { reader.read(payload) }
    }

    /// The frame is over.
    mutating func end(into reader: inout UsageReader) {
        reader.endText()
        (isOpened, bits, bitCount) = (false, 0, 0)
        walk.restart()
    }

    /// Characters that are no digits are stepped over: padding, and the backslash of `\/`.
    private mutating func decode(_ text: Span<UInt8>, into reader: inout UsageReader) {
        var plain: [64 of UInt8] = .init(repeating: 0)
        var count = 0
        for index in text.indices {
            guard let digit = Base64Digit.value(text[index]) else { continue }
            bits = bits << 6 | UInt32(digit)
            bitCount += 6
            guard bitCount >= 8 else { continue }
            bitCount -= 8
            plain[count] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
            count += 1
            if count == plain.count {
                reader.read(plain.span)
                count = 0
            }
        }
        if count > 0 { reader.read(plain.span.extracting(first: count)) }
    }
}
