import NIOCore

/// A loop's buffer for what is about to be written: taken for the parts of one flush, given back after it.
///
/// The socket has mostly taken all of it by then, so that the same memory serves every connection of the loop and none
/// keeps some for itself.
final class Scratch {
    /// Larger ones are not kept.
    private static let most = 8 << 10

    private var buffer = ByteBuffer()

    /// An empty buffer with some room. While it is away another caller gets a fresh one.
    func take() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &buffer)
        taken.clear(minimumCapacity: 1024)
        return taken
    }

    func giveBack(_ taken: inout ByteBuffer) {
        if taken.capacity <= Self.most { swap(&taken, &buffer) }
        taken = ByteBuffer()
    }
}
