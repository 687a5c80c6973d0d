import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("Events for watchers")
struct WatchersTests {
    /// Takes no write at all.
    private final class Stuck: ChannelOutboundHandler {
        typealias OutboundIn = HTTPServerResponsePart
        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {}
    }

    /// What was written to a channel since the last time.
    private static func events(_ channel: EmbeddedChannel) throws -> [String] {
        var texts: [String] = []
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) {
            switch part {
            case .body(.byteBuffer(let bytes)): texts.append(String(buffer: bytes))
            case .end: texts.append("end")
            case .head, .body: break
            }
        }
        return texts
    }

    private let loop = EmbeddedEventLoop()
    private let made = Watched(0)

    private func watchers() -> Watchers {
        Watchers(home: loop) { [made] in
            made.change { $0 += 1 }
            return Array("\(made.read { $0 })".utf8)
        }
    }

    private func watch(_ watchers: Watchers, _ handlers: [any ChannelHandler] = []) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handlers: handlers, loop: loop)
        #expect(watchers.enter(channel) {})
        return channel
    }

    private func leave(_ channel: EmbeddedChannel) {
        channel.close(promise: nil)
        loop.run()
    }

    @Test("one event a second is made for all, and none while nobody watches")
    func shared() throws {
        let watchers = watchers()
        loop.advanceTime(by: .seconds(5))
        #expect(made.read { $0 } == 0)
        let first = try watch(watchers)
        loop.run()
        let second = try watch(watchers)
        #expect(try Self.events(first) == ["data: 1\n\n"])
        #expect(try Self.events(second) == ["data: 1\n\n"])
        loop.advanceTime(by: .seconds(2))
        #expect(try Self.events(first) == ["data: 2\n\n", "data: 3\n\n"])
        #expect(try Self.events(second) == ["data: 2\n\n", "data: 3\n\n"])
        leave(first)
        leave(second)
        #expect(watchers.count == 0)
        loop.advanceTime(by: .seconds(9))
        #expect(made.read { $0 } == 3)
        let late = try watch(watchers)
        loop.advanceTime(by: .seconds(1))
        #expect(try Self.events(late) == ["data: 4\n\n", "data: 5\n\n"])
    }

    @Test("who goes and comes back within the second does not make events come twice as often")
    func onePace() throws {
        let watchers = watchers()
        leave(try watch(watchers))
        let channel = try watch(watchers)
        loop.advanceTime(by: .seconds(3))
        #expect(try Self.events(channel).count == made.read { $0 })
        #expect(made.read { $0 } == 4)
    }

    @Test("who takes nothing is closed, the others go on")
    func stuck() throws {
        let watchers = watchers()
        let stuck = try watch(watchers, [Stuck()])
        let other = try watch(watchers)
        loop.advanceTime(by: .seconds(Int64(WatchList.patience) + 2))
        #expect(!stuck.isActive && watchers.count == 1)
        #expect(try Self.events(other).count == WatchList.patience + 3)
    }

    @Test("too many are turned away before anything is written")
    func tooMany() throws {
        let watchers = watchers()
        let all = try (0..<WatchList.most).map { _ in try watch(watchers) }
        let surplus = EmbeddedChannel(loop: loop)
        #expect(!watchers.enter(surplus) { Issue.record("a response was begun") })
        leave(all[0])
        #expect(watchers.enter(surplus) {})
    }

    @Test("the end is a last event and the end of each answer, and nobody is let in after it")
    func end() throws {
        let watchers = watchers()
        let channel = try watch(watchers)
        loop.run()
        _ = try Self.events(channel)
        watchers.end()
        loop.run()
        #expect(try Self.events(channel) == ["data: 2\n\n", "end"])
        #expect(!channel.isActive && watchers.count == 0)
        #expect(!watchers.enter(EmbeddedChannel(loop: loop)) {})
    }
}

@Suite("/events", .timeLimit(.minutes(2)))
struct EventsTests {
    private static func run(_ body: (Proxied, SocketAddress) async throws -> Void) async throws {
        try await Proxied.withUpstream(admin: true) { proxy, _ in
            try await body(proxy, #require(proxy.server.adminAddress))
        }
    }

    private static func watch(_ address: SocketAddress) async throws -> Wire {
        let wire = try await Wire.connect(to: address)
        try await wire.request("GET", "/events")
        let head = try await wire.text(through: "\r\n\r\n").lowercased()
        #expect(head.hasPrefix("http/1.1 200") && head.contains("content-type: text/event-stream\r\n"))
        #expect(head.contains("cache-control: no-store") && !head.contains("content-length"))
        return wire
    }

    @Test("tells the status again and again, and ends with the drain")
    func drain() async throws {
        try await Self.run { proxy, address in
            let wire = try await Self.watch(address)
            for _ in 0..<2 { #expect(try await wire.text(through: "}\n\n").contains(#""draining":false"#)) }
            #expect(await proxy.server.drain(timeout: .seconds(5)))
            let rest = try await wire.untilClosed()
            #expect(rest.text.contains(#""draining":true"#) && rest.text.hasSuffix("0\r\n\r\n") && !rest.wasReset)
            let late = try await Wire.connect(to: address)
            try await late.request("GET", "/events")
            #expect(try await late.message().status == 503)
        }
    }

    @Test("answers a HEAD without watching, and turns away whoever is one too many")
    func bound() async throws {
        try await Self.run { _, address in
            let wire = try await Wire.connect(to: address)
            try await wire.request("HEAD", "/events")
            #expect(try await wire.message(toHead: true)["content-type"] == "text/event-stream")
            var watchers: [Wire] = []
            for _ in 0..<WatchList.most { watchers.append(try await Self.watch(address)) }
            try await wire.request("GET", "/events")
            #expect(try await wire.message().status == 503)
            await watchers[0].close()
            try await eventually("a place") {
                try await wire.request("GET", "/readyz")
                _ = try await wire.message()
                let next = try await Wire.connect(to: address)
                try await next.request("GET", "/events")
                return try await next.text(through: "\r\n").contains(" 200 ")
            }
        }
    }
}
