import NIOCore
import Rehearsal

/// Bytes that say where they stand, so that a body of any length is checked as it comes and kept by nobody.
enum Pattern {
    /// A prime, so that no part of a power of two looks like the one before it.
    private static let length = 65_521

    private static let block: ByteBuffer = {
        var random = SplitMix64(seed: 1)
        return ByteBuffer(bytes: (0..<length).map { _ in UInt8.random(in: 0x20..<0x7F, using: &random) })
    }()

    /// The pattern's bytes from `offset` on.
    static func bytes(at offset: Int, _ count: Int) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(count)
        while bytes.readableBytes < count {
            let start = (offset + bytes.readableBytes) % length
            let size = min(length - start, count - bytes.readableBytes)
            bytes.writeImmutableBuffer(block.getSlice(at: start, length: size) ?? ByteBuffer())
        }
        return bytes
    }

    static func stands(_ bytes: ByteBuffer, at offset: Int) -> Bool {
        bytes == Self.bytes(at: offset, bytes.readableBytes)
    }
}
