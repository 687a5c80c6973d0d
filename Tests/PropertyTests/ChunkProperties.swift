import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import Proxy

extension Property {
    /// An answer of which chunks pass by the parser says what it says to the parser alone. The input is what an upstream
    /// sends, with a bar wherever a read ends.
    static let chunkPassage = Property("chunk-passage") { bytes in
        let reads = bytes.split(separator: UInt8(ascii: "|"))
        try requireEqual(told(by: reads, isLed: true), told(by: reads, isLed: false), "the answers")
    }

    private static func told(by reads: [ArraySlice<UInt8>], isLed: Bool) throws -> String {
        let told = Told()
        let channel = EmbeddedChannel()
        let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .forward)
        // More requests than can be answered.
        for _ in 0...reads.reduce(0, { $0 + $1.count }) / 16 {
            decoder.write(data: .head(HTTPRequestHead(version: .http1_1, method: .POST, uri: "/")))
        }
        if isLed {
            let passage = ChunkPassage { chunks in
                chunks.forEach { told.text += String(buffer: chunks.data($0)) }
            } readComplete: {
            }
            told.passage = passage
            try channel.pipeline.syncOperations.addHandler(passage)
        }
        try channel.pipeline.syncOperations.addHandlers([ByteToMessageHandler(decoder), told])
        // Both know each other, and a channel all of its handlers: a fuzzer makes a hundred thousand of them.
        defer {
            told.passage = nil
            channel.embeddedEventLoop.run()
            channel.close(promise: nil)
            channel.embeddedEventLoop.run()
        }
        for read in reads where !told.hasFailed {
            channel.pipeline.fireChannelRead(ByteBuffer(bytes: read))
            channel.pipeline.fireChannelReadComplete()
        }
        return told.text
    }
}

/// Writes down what an upstream's end is told.
private final class Told: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    var text = ""
    /// Whether the connection would have been closed.
    var hasFailed = false
    var passage: ChunkPassage?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            passage?.found(head)
            text += "[\(head.status.code) "
        case .body(let bytes):
            passage?.found(data: bytes.readableBytes)
            text += String(buffer: bytes)
        case .end(let trailers):
            passage?.foundEnd()
            text += " \(trailers.map { "\($0)" } ?? "")]"
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        hasFailed = true
        text += "!"
    }
}
