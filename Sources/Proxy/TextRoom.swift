/// Room in a buffer, filled from its beginning. What does not fit is a mistake of whoever made the room.
struct TextRoom {
    private let bytes: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    /// - Parameter bytes: valid as long as this is used: within the closure that they were handed to.
    init(_ bytes: UnsafeMutableRawBufferPointer) {
        self.bytes = bytes
    }

    mutating func append(_ byte: UInt8) {
        precondition(count < bytes.count, "the room was measured before")
        bytes[count] = byte
        count += 1
    }

    mutating func append(_ text: String) {
        let isDone: Void? = text.utf8.withContiguousStorageIfAvailable { text in
            guard let source = text.baseAddress, !text.isEmpty else { return }
            precondition(text.count <= bytes.count - count, "the room was measured before")
            // In bounds by the line above; the two can't overlap, because the buffer's storage is its own.
            bytes.baseAddress?.advanced(by: count).copyMemory(from: source, byteCount: text.count)
            count += text.count
        }
        if isDone == nil { for byte in text.utf8 { append(byte) } }
    }

    /// - Parameter number: from zero up.
    mutating func append(decimal number: Int64) {
        precondition(number >= 0, "there is no room for a sign")
        if number >= 10 { append(decimal: number / 10) }
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }

    mutating func appendLineEnd() {
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }
}
