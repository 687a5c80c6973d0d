import NIOCore
import NIOHTTP1

/// HTTP/1.1 messages as text (RFC 9112): what the relay writes, gathered in one buffer with the bytes that follow.
extension ByteBuffer {
    /// A part up to this size is copied behind what is gathered, because one write is cheaper than two.
    static let mostGathered = 4 << 10

    mutating func writeStatusLine(_ status: HTTPResponseStatus) {
        if status == .ok {
            writeText("HTTP/1.1 200 OK\r\n")
        } else {
            writeText("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        }
    }

    mutating func writeRequestLine(_ method: HTTPMethod, _ target: String) {
        let method = method == .POST ? "POST" : method.rawValue
        let version = " HTTP/1.1\r\n"
        write(atMost: method.utf8.count + 1 + target.utf8.count + version.utf8.count) { text in
            text.append(method)
            text.append(UInt8(ascii: " "))
            text.append(target)
            text.append(version)
        }
    }

    mutating func writeField(_ name: String, _ value: String) {
        write(atMost: name.utf8.count + value.utf8.count + 4) { text in
            text.append(name)
            text.append(UInt8(ascii: ":"))
            text.append(UInt8(ascii: " "))
            text.append(value)
            text.appendLineEnd()
        }
    }

    mutating func writeFields(_ fields: some Sequence<(name: String, value: String)>) {
        for (name, value) in fields { writeField(name, value) }
    }

    mutating func writeEndOfFields() {
        write(atMost: 2) { $0.appendLineEnd() }
    }

    /// The same as `writeString`, which takes four times as long for a text as short as these are.
    mutating func writeText(_ text: String) {
        write(atMost: text.utf8.count) { $0.append(text) }
    }

    /// Writes several short pieces into room that is made once.
    private mutating func write(atMost count: Int, _ write: (inout TextRoom) -> Void) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            var room = TextRoom(bytes)
            write(&room)
            return room.count
        }
    }

    /// The size of a chunk, before its bytes (RFC 9112 §7.1).
    mutating func writeChunkSize(_ size: Int) {
        // The largest size there can be has sixteen digits.
        write(atMost: 18) { text in
            var shift = (size.bitWidth - 1 - max(1, size).leadingZeroBitCount) & ~3
            while shift >= 0 {
                let digit = UInt8(truncatingIfNeeded: size >> shift & 0xF)
                text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
                shift -= 4
            }
            text.appendLineEnd()
        }
    }

    /// The last chunk with its trailers.
    mutating func writeLastChunk(_ trailers: HTTPHeaders?) {
        guard let trailers else { return writeText("0\r\n\r\n") }
        writeText("0\r\n")
        for (name, value) in trailers { writeField(name, value) }
        writeEndOfFields()
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
        framed(bytes, to: context)
        if isChunked {
            begin()
            gathered.writeEndOfFields()
        }
    }

    /// Gathers bytes that have all the framing they need, or hands them on.
    mutating func framed(_ bytes: ByteBuffer, to context: ChannelHandlerContext) {
        if isGathering, bytes.readableBytes <= ByteBuffer.mostGathered {
            gathered.writeImmutableBuffer(bytes)
        } else {
            handOn(to: context)
            context.write(NIOAny(bytes), promise: nil)
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
