import NIOCore

/// Reads replies for a line.
final class StoreHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let line: StoreLine.Core
    private let generation: Int
    private var parser = RESPParser()

    init(_ line: StoreLine.Core, _ generation: Int) {
        (self.line, self.generation) = (line, generation)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        parser.append(unwrapInboundIn(data).readableBytesView)
        do {
            while let value = try parser.next() { line.received(value, generation) }
        } catch {
            line.fail("the store answers what is not RESP", generation)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        line.closed(generation)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        line.fail("the connection to the store broke", generation)
        context.close(promise: nil)
    }
}
