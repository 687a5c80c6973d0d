import Admission
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import Testing

@testable import Proxy

@Suite("A caller of HTTP/2 that takes nothing, or only says how much it takes")
struct StalledStreamTests {
    /// A caller and the proxy's end of one connection, with nothing between them.
    private struct Pair {
        let caller: EmbeddedChannel
        let proxy: EmbeddedChannel
        let handler: HTTP2Downstream
        let worker: Worker
        private let frames = Frames()

        /// - Parameter window: of each stream.
        init(window: Int = 65_535) throws {
            let loop = EmbeddedEventLoop()
            worker = try Worker.alone(on: loop)
            let goAways = GoAwayWatch()
            let bytes = FrameBoundaryWatch()
            handler = HTTP2Downstream(worker: worker, owner: nil, goAways: goAways, bytes: bytes)
            proxy = EmbeddedChannel(loop: loop)
            try proxy.pipeline.syncOperations.addHandlers([bytes, NIOHTTP2Handler(mode: .server), handler])
            caller = EmbeddedChannel(loop: loop)
            try caller.pipeline.syncOperations.addHandlers([
                NIOHTTP2Handler(
                    mode: .client, initialSettings: [HTTP2Setting(parameter: .initialWindowSize, value: window)]),
                frames,
            ])
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
            try proxy.connect(to: address).wait()
            try caller.connect(to: address).wait()
            try settle()
        }

        /// Carries bytes until neither side has any.
        func settle() throws {
            var hasMoved = true
            while hasMoved {
                hasMoved = false
                proxy.embeddedEventLoop.run()
                while let bytes = try caller.readOutbound(as: ByteBuffer.self) {
                    hasMoved = true
                    if proxy.isActive { try proxy.writeInbound(bytes) }
                }
                while let bytes = try proxy.readOutbound(as: ByteBuffer.self) {
                    hasMoved = true
                    try caller.writeInbound(bytes)
                }
            }
        }

        func send(_ stream: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) throws {
            try caller.writeOutbound(HTTP2Frame(streamID: stream, payload: payload))
        }

        func request(_ stream: HTTP2StreamID) throws {
            let block: HPACKHeaders = [
                ":method": "GET", ":scheme": "http", ":path": "/nowhere", ":authority": "penstock.test",
            ]
            try send(stream, .headers(.init(headers: block, endStream: true)))
            try settle()
        }

        func ended(_ stream: HTTP2StreamID) -> Bool { frames.ended.contains(stream) }
        func wasReset(_ stream: HTTP2StreamID) -> Bool { frames.reset.contains(stream) }
        var goodbye: HTTP2ErrorCode? { frames.goodbye }
    }

    private final class Frames: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame

        var ended: [HTTP2StreamID] = []
        var reset: [HTTP2StreamID] = []
        var goodbye: HTTP2ErrorCode?

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let frame = unwrapInboundIn(data)
            switch frame.payload {
            case .data(let data) where data.endStream: ended.append(frame.streamID)
            case .rstStream: reset.append(frame.streamID)
            case .goAway(_, let reason, _): goodbye = reason
            default: break
            }
        }
    }

    @Test("A whole answer that nobody takes is counted as held, and its stream is reset after a minute")
    func untaken() throws {
        let pair = try Pair(window: 0)
        try pair.request(1)
        let stream = try #require(pair.handler.streams[1])
        #expect(stream.exchange == nil)
        #expect(stream.unwritten > 0)
        #expect(!stream.isStalled(now: Clock.now() + .seconds(59)))
        #expect(stream.isStalled(now: Clock.now() + .seconds(61)))
        stream.closeNow()
        try pair.settle()
        #expect(pair.wasReset(1) && !pair.ended(1))
        #expect(pair.handler.streams.isEmpty)
        #expect(stream.unwritten == 0)
    }

    @Test("One that is taken late has ended, and nothing of it is held")
    func takenLate() throws {
        let pair = try Pair(window: 0)
        try pair.request(1)
        let stream = try #require(pair.handler.streams[1])
        try pair.send(1, .windowUpdate(windowSizeIncrement: 65_535))
        try pair.settle()
        #expect(pair.ended(1) && !pair.wasReset(1))
        #expect(pair.handler.streams.isEmpty)
        #expect(stream.unwritten == 0)
    }

    @Test(
        "Whoever sends windows, goodbyes or frames without meaning and without end is sent away",
        arguments: [
            [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 1, 0xBB, 0, 0, 0, 0, 0, 1],
        ] as [[UInt8]])
    func flood(of frame: [UInt8]) throws {
        let pair = try Pair()
        let many = ByteBuffer(bytes: Array(repeatElement(frame, count: 500).joined()))
        for _ in 0..<UpdateAllowance.atOnce / 500 {
            #expect(pair.proxy.isActive)
            try pair.proxy.writeInbound(many)
        }
        for _ in 0..<4 where pair.proxy.isActive { try pair.proxy.writeInbound(many) }
        try pair.settle()
        #expect(!pair.proxy.isActive)
        #expect(pair.goodbye == .enhanceYourCalm)
    }

    @Test("A header block that has begun must be whole in ten seconds, however its bytes trickle")
    func trickle() throws {
        let pair = try Pair()
        let usual = pair.handler.deadline
        try pair.proxy.writeInbound(ByteBuffer(bytes: [0, 0, 3, 1, 1, 0, 0, 0, 1, 0x82]))
        let deadline = pair.handler.deadline
        #expect(deadline <= Clock.now() + .seconds(10) && deadline < usual)
        #expect(pair.handler.begunHead > 0 && pair.handler.isOwed)
        try pair.proxy.writeInbound(ByteBuffer(bytes: [0x86, 0x84]))
        try pair.proxy.writeInbound(ByteBuffer(bytes: [0, 0, 1, 9, 0, 0, 0, 0, 1, 0x82]))
        #expect(pair.handler.deadline == deadline)
        pair.handler.deadlinePassed(now: deadline)
        try pair.settle()
        #expect(!pair.proxy.isActive)
        #expect(pair.handler.begunHead == 0)
    }

    @Test("Once it is whole the usual deadline holds again, also for a connection that is to end")
    func whole() throws {
        let pair = try Pair()
        let usual = pair.handler.deadline
        let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
        try pair.proxy.writeInbound(ByteBuffer(bytes: ping.prefix(10)))
        #expect(pair.handler.deadline < usual)
        try pair.proxy.writeInbound(ByteBuffer(bytes: ping.dropFirst(10) + ping.prefix(5)))
        #expect(pair.handler.deadline < usual)
        try pair.proxy.writeInbound(ByteBuffer(bytes: ping.dropFirst(5)))
        #expect(pair.handler.deadline == usual)
        #expect(pair.handler.begunHead == 0)
    }

    @Test("Whoever renews both windows for each frame of data, in parts, can do so for ever")
    func honest() {
        var allowance = UpdateAllowance()
        let now = Instant(nanoseconds: 1_000_000_000)
        var refused = 0
        for _ in 0..<100_000 {
            allowance.sent(1)
            for _ in 0..<UpdateAllowance.perFrame where !allowance.take(now: now) { refused += 1 }
        }
        #expect(refused == 0)
        // A frame that is made into several pays for each of them.
        allowance.sent(64 << 10)
        let atOnce = (0..<UpdateAllowance.atOnce * 2).count { _ in allowance.take(now: now) }
        #expect(atOnce == UpdateAllowance.atOnce + UpdateAllowance.perFrame + 2048)
        let later = (0..<UpdateAllowance.atOnce).count { _ in allowance.take(now: now + .seconds(2)) }
        #expect(later == 2 * UpdateAllowance.perSecond)
    }
}
