import Admission
import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import Proxy

@Suite("Where connections are accepted", .timeLimit(.minutes(2)))
struct AcceptGuardTests {
    /// Errors that come when there is nothing to accept a connection with.
    @Test("Running out of descriptors is counted and ends nothing", arguments: [EMFILE, ENFILE])
    func errors(number: Int32) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let places = ConnectionPlaces(most: 4)
        try await places.hold(at: listener)
        listener.pipeline.fireErrorCaught(IOError(errnoCode: number, reason: "accept"))
        try await listener.eventLoop.submit {}.get()
        #expect(places.failures == 1)
        #expect(listener.isActive)
        try await listener.close()
    }

    /// Whether a connection is ended with a reset, which may come before the connection is known to be made.
    private static func isReset(at address: SocketAddress) async throws -> Bool {
        do {
            return try await Wire.connect(to: address).untilClosed().wasReset
        } catch let error as IOError where error.errnoCode == ECONNRESET {
            return true
        }
    }

    @Test("What there is no place for is reset at once; when somebody leaves there is a place again")
    func places() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in channel.eventLoop.makeSucceededVoidFuture() }
            .bind(host: "127.0.0.1", port: 0).get()
        let places = ConnectionPlaces(most: 2)
        try await places.hold(at: listener)
        let address = try #require(listener.localAddress)
        let first = try await Wire.connect(to: address)
        let second = try await Wire.connect(to: address)
        try await eventually("two connections") { places.count == 2 }
        for number in 1...3 {
            #expect(try await Self.isReset(at: address))
            try await eventually("\(number) turned away") { places.turnedAway == number && places.count == 2 }
        }
        await first.close()
        try await eventually("a free place") { places.count == 1 }
        let fourth = try await Wire.connect(to: address)
        try await eventually("two connections again") { places.count == 2 }
        #expect(places.turnedAway == 3)
        await second.close()
        await fourth.close()
        try await listener.close()
    }

    @Test("While too many that were turned away are still there, nothing is accepted")
    func crowd() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let places = ConnectionPlaces(most: 1)
        try await places.hold(at: listener)
        for _ in 0...ConnectionPlaces.mostLeaving { _ = places.enter() }
        #expect(places.isCrowded)
        let before = places.count
        // One read may have been asked for before the crowd came; its connection is turned away.
        let address = try #require(listener.localAddress)
        #expect(try await Self.isReset(at: address))
        try await eventually("the first to be gone") { places.count == before }
        let second = try await Wire.connect(to: address)
        try await listener.eventLoop.submit {}.get()
        #expect(places.turnedAway == ConnectionPlaces.mostLeaving + 1)
        for _ in 0...ConnectionPlaces.mostLeaving { places.leave() }
        try await eventually("the second to be accepted") { places.count == 1 }
        await second.close()
        try await listener.close()
    }

    @Test("Far above the most connections callers are reset, and the admin address still answers")
    func proxy() async throws {
        try await Proxied.withUpstream(rest: "guard: {max_connections: 1}", admin: true) { proxy, upstream in
            let first = try await proxy.connect()
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            var others: [Wire] = []
            for _ in 1...16 { others.append(try await proxy.connect()) }
            try await eventually("all to be there") { try proxy.guardStatus(["connections", "open"]) == 17 }
            #expect(try await Self.isReset(at: proxy.address))
            try await others[0].request()
            #expect(try await others[0].message().status == 503)
            #expect(proxy.metric("penstock_shed_total", "reason=\"connections\"", "priority=\"normal\"") == 1)
            let admin = try await Wire.connect(to: #require(proxy.server.adminAddress))
            try await admin.request("GET", "/readyz")
            #expect(try await admin.message().status == 200)
            let turnedAway = try proxy.guardStatus(["connections", "reset"])
            #expect(turnedAway == 1)
            #expect(proxy.metric("penstock_shed_total", "reason=\"connections\"", "priority=\"none\"") == 1)
            try await wire.answer()
            #expect(try await first.message().status == 200)
            for other in others { await other.close() }
        }
    }

    @Test("What the guard holds is in /status")
    func status() async throws {
        try await Proxied.withUpstream(rest: "guard: {max_memory: 8GiB}") { proxy, _ in
            let bound = try proxy.guardStatus(["memory", "bound"])
            let buffered = try proxy.guardStatus(["memory", "buffered"])
            let resident = try proxy.guardStatus(["memory", "resident"])
            let files = try proxy.guardStatus(["descriptors", "open"])
            let connections = try proxy.guardStatus(["connections", "configured"])
            let lag = try proxy.guardStatus(["loop_lag_ms"])
            #expect(bound == 8 << 30 && buffered == 0 && resident > 1 << 20)
            #expect(files > 3 && connections == 10_000 && lag >= 0)
        }
    }
}

extension Proxied {
    /// A number below `guard` in `/status`.
    fileprivate func guardStatus(_ path: [String]) throws -> Int {
        let json = try JSONSerialization.jsonObject(with: Data(server.statusJSON()))
        var value: Any? = (json as? [String: Any])?["guard"]
        for member in path { value = (value as? [String: Any])?[member] }
        return try #require(value as? Int)
    }
}
