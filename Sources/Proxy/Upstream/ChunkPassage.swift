import NIOCore
import NIOHTTP1

/// Leads chunks of an answer past the parser where a read has brought nothing but whole ones.
///
/// The parser stays the judge of everything: it reads each head and each end, and of a body all that is not plain. It
/// does not see bytes that would take it from one chunk's end to another's, so it is always where it believes to be.
/// For an answer that streams events this is nearly all there is to parse, and half of what they cost.
final class ChunkPassage: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let pass: (WholeChunks) -> Void
    private let readComplete: () -> Void
    private var place = Place.beforeAnswer
    /// Whether the parser has been given something since the last read was complete.
    private var hasFedParser = false

    /// Where the parser is.
    private enum Place {
        case beforeAnswer
        /// In the first read of an answer, with nothing found so far.
        case inFirstRead
        /// In the first read of an answer, behind its head and so many bytes of its body.
        case behindHead(HTTPResponseHead, data: Int)
        /// Right behind a chunk.
        case betweenChunks
        case elsewhere
    }

    /// - Parameters:
    ///   - pass: takes chunks that the parser does not see.
    ///   - readComplete: hears of the end of a read of which the parser has seen nothing.
    init(pass: @escaping (WholeChunks) -> Void, readComplete: @escaping () -> Void) {
        self.pass = pass
        self.readComplete = readComplete
    }

    // MARK: What the parser has found

    func found(_ head: HTTPResponseHead) {
        if case .inFirstRead = place { place = .behindHead(head, data: 0) } else { place = .elsewhere }
    }

    func found(data: Int) {
        if case .behindHead(let head, let before) = place { place = .behindHead(head, data: before + data) }
    }

    func foundEnd() {
        place = .beforeAnswer
    }

    // MARK: Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        if case .betweenChunks = place {
            if let chunks = WholeChunks(bytes) { return pass(chunks) }
            place = .elsewhere
        }
        if case .beforeAnswer = place { place = .inFirstRead }
        hasFedParser = true
        context.fireChannelRead(data)
        switch place {
        case .inFirstRead: place = .elsewhere
        case .behindHead(let head, let data):
            place = Self.isBetweenChunks(behind: head, data, bytes) ? .betweenChunks : .elsewhere
        case .beforeAnswer, .betweenChunks, .elsewhere: break
        }
    }

    /// Whether the read that brought a head has left the parser right behind it or behind a chunk.
    ///
    /// - Parameter data: how much of the body the parser has found in it.
    private static func isBetweenChunks(behind head: HTTPResponseHead, _ data: Int, _ bytes: ByteBuffer) -> Bool {
        guard head.status.code >= 200, head.version == .http1_1,
            head.headers[canonicalForm: "transfer-encoding"] == ["chunked"],
            let start = bytes.readableBytesUInt8Span.endOfHead
        else { return false }
        return WholeChunks(bytes, from: start)?.length == data
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard hasFedParser else { return readComplete() }
        hasFedParser = false
        context.fireChannelReadComplete()
    }
}

extension Span<UInt8> {
    /// Where the bytes behind the first empty line begin.
    fileprivate var endOfHead: Int? {
        var place = 3
        while place < count {
            // Most bytes are neither: four can be stepped over at a time.
            switch self[place] {
            case UInt8(ascii: "\n"):
                if self[place - 1] == UInt8(ascii: "\r"), self[place - 2] == UInt8(ascii: "\n"),
                    self[place - 3] == UInt8(ascii: "\r")
                {
                    return place + 1
                }
                place += 2
            case UInt8(ascii: "\r"): place += 1
            default: place += 4
            }
        }
        return nil
    }
}
