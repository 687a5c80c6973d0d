import NIOCore

/// What one read has brought of a chunked body, where that is nothing but whole chunks (RFC 9112 §7.1).
///
/// That is how events are streamed: each is a chunk and comes by itself. Whatever else stands there – part of a chunk, an
/// extension, the last chunk, anything odd – is for the parser.
struct WholeChunks {
    /// The chunks as they came, sizes and all.
    let bytes: ByteBuffer
    /// How many bytes of data are in them.
    let length: Int

    /// - Parameter start: where the first chunk begins, counted from the reader's index.
    /// - Returns: nothing if there is anything besides whole chunks.
    init?(_ bytes: ByteBuffer, from start: Int = 0) {
        var length = 0
        guard Self.walk(bytes.readableBytesUInt8Span, from: start, { length += $0.count }) else { return nil }
        self.bytes = bytes
        self.length = length
    }

    /// Calls `body` with the place of each chunk's data, counted from the reader's index.
    func forEach(_ body: (Range<Int>) -> Void) {
        _ = Self.walk(bytes.readableBytesUInt8Span, from: 0, body)
    }

    /// The data of a chunk.
    func data(_ range: Range<Int>) -> ByteBuffer {
        guard let data = bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) else {
            preconditionFailure("a chunk is a part of what came")
        }
        return data
    }

    /// Whether there is nothing but whole chunks.
    private static func walk(_ bytes: Span<UInt8>, from start: Int, _ body: (Range<Int>) -> Void) -> Bool {
        var place = start
        while place < bytes.count {
            guard let data = chunk(in: bytes, at: place) else { return false }
            body(data)
            place = data.upperBound + 2
        }
        return true
    }

    /// More digits than any chunk needs that comes in one read; fewer than overflow.
    private static let mostDigits = 8

    /// The place of the data of the chunk that begins here, if all of it is there.
    private static func chunk(in bytes: Span<UInt8>, at start: Int) -> Range<Int>? {
        var place = start
        var size = 0
        while place < bytes.count, let digit = hexadecimal(bytes[place]) {
            size = size << 4 | digit
            place += 1
            if place - start > mostDigits { return nil }
        }
        guard size > 0, isLineEnd(bytes, at: place), isLineEnd(bytes, at: place + 2 + size) else { return nil }
        return place + 2..<place + 2 + size
    }

    private static func isLineEnd(_ bytes: Span<UInt8>, at place: Int) -> Bool {
        place + 2 <= bytes.count && bytes[place] == UInt8(ascii: "\r") && bytes[place + 1] == UInt8(ascii: "\n")
    }

    private static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
