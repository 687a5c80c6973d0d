import NIOCore

/// Where the frames of one direction begin and end (RFC 9113 §4.1): whether a peer has begun something that must be
/// whole before anybody hears of it.
///
/// NIO's parser gathers a header block of up to six frames in silence, as it does the preface and any frame but DATA.
struct FrameBoundary: Equatable {
    private static let headerLength = 9
    private static let (data, headers, continuation): (UInt8, UInt8, UInt8) = (0, 1, 9)
    /// RFC 7838 §4, RFC 8336 §2.
    private static let (alternative, origin): (UInt8, UInt8) = (0xA, 0xC)
    private static let endHeaders: UInt8 = 4

    /// Bytes that belong to the preface, or to the payload of the present frame, and have not come.
    private var missing: Int
    /// The bytes of a frame's header that have come.
    private var header: UInt64 = 0
    private var headerCount = 0
    private var isData = false
    private var isInBlock = false
    /// How many frames and header blocks have ended; wraps.
    private(set) var ended: UInt32 = 0
    /// How many frames were of a kind that NIO steps over (RFC 9113 §5.5); wraps.
    private(set) var unknown: UInt32 = 0

    /// - Parameter preface: the bytes that come before the first frame.
    init(preface: Int = 24) {
        missing = preface
    }

    /// Whether the rest of something is to come. Not of a body, which is passed on in whatever pieces it comes.
    var isOpen: Bool { isInBlock || headerCount > 0 || missing > 0 && !isData }

    mutating func read(_ bytes: Span<UInt8>) {
        var index = 0
        while index < bytes.count {
            if missing > 0 {
                let count = min(missing, bytes.count - index)
                index += count
                missing -= count
                if missing == 0 { endFrame() }
            } else {
                take(bytes[index])
                index += 1
            }
        }
    }

    /// The next byte of a frame's header: 3 of its length, its kind, its flags, 4 of its stream.
    private mutating func take(_ byte: UInt8) {
        headerCount += 1
        if headerCount <= 5 { header = header << 8 | UInt64(byte) }
        guard headerCount == Self.headerLength else { return }
        headerCount = 0
        let (kind, flags) = (UInt8(truncatingIfNeeded: header >> 8), UInt8(truncatingIfNeeded: header))
        missing = Int(header >> 16)
        header = 0
        isData = kind == Self.data
        if kind > Self.continuation, kind != Self.alternative, kind != Self.origin { unknown &+= 1 }
        if kind == Self.headers || kind == Self.continuation { isInBlock = flags & Self.endHeaders == 0 }
        if missing == 0 { endFrame() }
    }

    private mutating func endFrame() {
        if !isInBlock { ended &+= 1 }
    }
}

/// Keeps the boundary of what a caller sends, below the handler that speaks HTTP/2.
final class FrameBoundaryWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private(set) var boundary = FrameBoundary()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        boundary.read(bytes.readableBytesUInt8Span)
        context.fireChannelRead(data)
    }
}
