import NIOCore
import NIOHTTP1

/// HTTP/1.1 messages as text (RFC 9112): what the relay writes, gathered in one buffer with the bytes that follow.
extension ByteBuffer {
    /// A part up to this size is copied behind what is gathered, because one write is cheaper than two.
    static let mostGathered = 4 << 10

    mutating func writeStatusLine(_ status: HTTPResponseStatus) {
        if status == .ok {
            writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            writeString("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        }
    }

    mutating func writeRequestLine(_ method: HTTPMethod, _ target: String) {
        if method == .POST { writeStaticString("POST ") } else { writeString("\(method.rawValue) ") }
        writeString(target)
        writeStaticString(" HTTP/1.1\r\n")
    }

    mutating func writeField(_ name: String, _ value: String) {
        writeString(name)
        writeStaticString(": ")
        writeString(value)
        writeStaticString("\r\n")
    }

    mutating func writeFields(_ fields: some Sequence<(name: String, value: String)>) {
        for (name, value) in fields { writeField(name, value) }
    }

    mutating func writeEndOfFields() {
        writeStaticString("\r\n")
    }

    /// The size of a chunk, before its bytes (RFC 9112 §7.1).
    mutating func writeChunkSize(_ size: Int) {
        writeString(String(size, radix: 16))
        writeStaticString("\r\n")
    }

    /// The last chunk with its trailers.
    mutating func writeLastChunk(_ trailers: HTTPHeaders?) {
        writeStaticString("0\r\n")
        if let trailers { for (name, value) in trailers { writeField(name, value) } }
        writeStaticString("\r\n")
    }
}

/// One HTTP/1.1 message on its way out: what has been written since the last flush.
struct Outgoing {
    private let scratch: Scratch
    private var gathered = ByteBuffer()
    private var isGathering = false
    /// Whether the body goes in chunks.
    var isChunked = false

    init(_ scratch: Scratch) {
        self.scratch = scratch
    }

    /// Gathers a head or the like.
    mutating func gather(_ write: (inout ByteBuffer) -> Void) {
        begin()
        write(&gathered)
    }

    /// Gathers a part of the body; a large one is handed on as it is, behind what was gathered.
    mutating func body(_ bytes: ByteBuffer, to context: ChannelHandlerContext) {
        // An empty chunk would be the last one.
        guard bytes.readableBytes > 0 else { return }
        if isChunked {
            begin()
            gathered.writeChunkSize(bytes.readableBytes)
        }
        if isGathering, bytes.readableBytes <= ByteBuffer.mostGathered {
            gathered.writeImmutableBuffer(bytes)
        } else {
            handOn(to: context)
            context.write(NIOAny(bytes), promise: nil)
        }
        if isChunked {
            begin()
            gathered.writeStaticString("\r\n")
        }
    }

    mutating func end(_ trailers: HTTPHeaders?) {
        guard isChunked else { return }
        begin()
        gathered.writeLastChunk(trailers)
        isChunked = false
    }

    mutating func flush(to context: ChannelHandlerContext) {
        handOn(to: context)
        context.flush()
        // The socket has mostly taken it by now.
        if isLent { scratch.giveBack(&gathered) }
        isLent = false
    }

    /// Whether ``gathered`` is the loop's.
    private var isLent = false

    private mutating func begin() {
        if isGathering { return }
        isGathering = true
        if isLent { gathered.clear() } else { gathered = scratch.take() }
        isLent = true
    }

    private mutating func handOn(to context: ChannelHandlerContext) {
        guard isGathering else { return }
        isGathering = false
        context.write(NIOAny(gathered), promise: nil)
    }
}
