import Admission
import NIOCore
import NIOHTTP1
import NIOPosix
import Policy

/// The connections of one loop to one upstream: opens them, lends them to exchanges, closes them when nobody needs them.
///
/// ``PoolState`` decides, this performs.
final class UpstreamPool {
    private(set) var service: UpstreamService
    let loop: any EventLoop
    let decoderLimits: NIOHTTPDecoderLimitConfiguration
    let scratch: Scratch
    private var state: PoolState
    private var connections: [Int: UpstreamConnection] = [:]
    private var lastNumber = 0
    private var waiting = WaitingLine<Exchange>()
    private var isShutDown = false
    /// Whether what goes out here might be coming round.
    var loopWatch = LoopWatch()
    /// Connections that serve one tunnel each; they count against the same bound as the others.
    private var tunnels = 0

    init(service: UpstreamService, loop: any EventLoop, maxConnections: Int, scratch: Scratch) {
        self.service = service
        self.loop = loop
        self.scratch = scratch
        decoderLimits = service.decoderLimits
        state = PoolState(version: service.versionInAdvance, maxConnections: maxConnections)
    }

    /// Goes on by another policy, for connections that are made from now on.
    func go(by service: UpstreamService, maxConnections: Int) {
        self.service = service
        state.maxConnections = maxConnections
        serveWaiting()
    }

    // MARK: Leases

    /// Lends a connection: at once where one is free, else later. The exchange hears of it, or of why there is none.
    func lease(for exchange: Exchange) {
        switch state.lease() {
        case .use(let number): serve(number, exchange)
        case .waitAndConnect:
            waiting.append(exchange)
            connect()
        case .wait: waiting.append(exchange)
        }
    }

    /// The exchange wants no connection any more.
    func forget(_ exchange: Exchange) {
        if waiting.remove(exchange) { state.stopWaiting() }
    }

    /// Has a connection ready for somebody who waits at the gate, so that a grant departs at once: opens the first one.
    /// Where there are some already, whoever waits for a slot gets the connection of whoever gives it back.
    func prepare() {
        if !isShutDown, state.open == 0, state.prepare() { connect() }
    }

    private func serve(_ number: Int, _ exchange: Exchange) {
        guard let connection = connections[number] else { preconditionFailure("the pool lends what it has") }
        connection.serve(exchange)
    }

    private func serveWaiting() {
        while let number = state.serveWaiting() {
            guard let exchange = waiting.popFirst() else { preconditionFailure("those that wait are counted") }
            serve(number, exchange)
        }
        while state.shouldConnect() { connect() }
    }

    // MARK: Tunnels

    /// Counts a tunnel more; says whether there is room for it.
    func takesTunnel() -> Bool {
        guard tunnels + state.open < state.maxConnections else { return false }
        tunnels += 1
        return true
    }

    func tunnelEnded() {
        tunnels -= 1
    }

    // MARK: What connections say

    func released(_ connection: UpstreamConnection) {
        state.released(connection.number, now: Clock.now())
        serveWaiting()
        if isShutDown { dropIdle() }
    }

    func streamEnded(on connection: UpstreamConnection) {
        state.streamEnded(on: connection.number, now: Clock.now())
        if connection.isRetired, state.isUnused(connection.number) { close(connection) }
        serveWaiting()
        if isShutDown { dropIdle() }
    }

    func maxStreams(_ count: Int, on connection: UpstreamConnection) {
        state.maxStreams(min(count, Self.mostStreams), on: connection.number)
        serveWaiting()
    }

    /// More streams than this on one connection would queue behind each other in its one TCP window.
    private static let mostStreams = 1000

    func retire(_ connection: UpstreamConnection) {
        if !state.retire(connection.number) { close(connection) }
        // Those that wait for one of its streams need another connection.
        serveWaiting()
    }

    func closed(_ connection: UpstreamConnection) {
        guard connections.removeValue(forKey: connection.number) != nil else { return }
        state.closed(connection.number)
        serveWaiting()
    }

    /// Has the way to the upstream measured by a few of its connections.
    func measureWay(now: Instant) {
        service.way.measure(connections.values.prefix(8).lazy.map(\.channel), for: service.gate, now: now)
    }

    /// Closes what has been idle for longer than the policy's `idle`.
    func sweep(now: Instant) {
        for number in state.expire(before: now - service.upstream.connections.idle) {
            if let connection = connections[number] { close(connection) }
        }
    }

    /// Closes idle connections now and the others when their attempts have ended. Attempts that still wait for a
    /// connection get one.
    func shutDown() {
        isShutDown = true
        dropIdle()
    }

    private func close(_ connection: UpstreamConnection) {
        connection.channel.close(promise: nil)
    }

    /// Closes what is idle now: one of them was found dead, and the others are older.
    func dropIdle() {
        for number in state.expire(before: .never) {
            if let connection = connections[number] { close(connection) }
        }
    }

    /// For metrics and /status.
    struct Counts: Sendable {
        var isHTTP2 = false
        var idle = 0
        var active = 0
        var connecting = 0
        /// Attempts that wait for a connection.
        var waiting = 0

        static func + (left: Counts, right: Counts) -> Counts {
            Counts(
                isHTTP2: left.isHTTP2 || right.isHTTP2, idle: left.idle + right.idle,
                active: left.active + right.active, connecting: left.connecting + right.connecting,
                waiting: left.waiting + right.waiting)
        }
    }

    var counts: Counts {
        Counts(
            isHTTP2: state.version == .h2, idle: state.idle, active: state.open - state.idle + tunnels,
            connecting: state.connecting, waiting: state.waiting)
    }

    // MARK: Connecting

    private func connect() {
        let pool = NIOLoopBound(self, eventLoop: loop)
        lastNumber += 1
        UpstreamConnector(service: service, loop: loop, number: lastNumber, pool: self).connect()
            .whenComplete { result in
                switch result {
                case .success(let connection): pool.value.connected(connection.value)
                case .failure(let error): pool.value.connectFailed(UpstreamFailure(error))
                }
            }
    }

    private func connected(_ connection: UpstreamConnection) {
        connections[connection.number] = connection
        state.connected(
            connection.number, version: connection.isHTTP2 ? .h2 : .h1, maxStreams: nil, now: Clock.now())
        service.log.debug(
            "Connected to the upstream",
            metadata: ["upstream": "\(service.upstream.name)", "http2": "\(connection.isHTTP2)"])
        if connection.isClosed { return closed(connection) }
        if !connection.channel.isActive { return connection.closed() }
        serveWaiting()
        if isShutDown { dropIdle() }
    }

    private func connectFailed(_ failure: UpstreamFailure) {
        let failed = (0..<state.connectFailed()).compactMap { _ in waiting.popFirst() }
        service.log.warning(
            "No connection to the upstream",
            metadata: ["upstream": "\(service.upstream.name)", "reason": "\(failure)"])
        for exchange in failed { exchange.leaseFailed(failure) }
        serveWaiting()
    }
}
