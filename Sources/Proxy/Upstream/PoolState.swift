import Admission

/// Which connection serves whom, for one upstream on one loop: values only, connections are numbers.
///
/// HTTP/1.1 connections serve one attempt at a time, the one used last first, so that spare ones grow old and close.
/// HTTP/2 connections serve as many as the peer allows. Until the first handshake has told which of the two it is, one
/// connection goes ahead and the others wait for it: ten HTTP/2 connections where one serves all would be waste.
struct PoolState {
    enum Version { case unknown, h1, h2 }

    enum Lease: Equatable {
        /// This connection serves it now.
        case use(Int)
        /// It waits; a new connection is to be opened.
        case waitAndConnect
        case wait
    }

    private struct Shared {
        var connection: Int
        var streams: Int
        var maxStreams: Int
        /// Since when it carries nothing, while it does.
        var unusedSince: Instant
        /// Whether it takes no new streams, whatever its peer allows.
        var isRetired = false

        var hasRoom: Bool { !isRetired && streams < maxStreams }
    }

    private(set) var version: Version
    let maxConnections: Int
    private var unused: [(connection: Int, since: Instant)] = []
    private var shared: [Shared] = []
    private(set) var open = 0
    private(set) var connecting = 0
    private(set) var waiting = 0

    init(version: Version, maxConnections: Int) {
        precondition(maxConnections > 0, "a pool has room for a connection")
        self.version = version
        self.maxConnections = maxConnections
    }

    /// Open connections that carry nothing.
    var idle: Int { unused.count + shared.count { $0.streams == 0 } }

    // MARK: Leases

    mutating func lease() -> Lease {
        if let connection = take() { return .use(connection) }
        waiting += 1
        return wantsConnection() ? connect() : .wait
    }

    /// One that waited no longer does, because it left or its wait failed.
    mutating func stopWaiting() {
        waiting -= 1
    }

    /// A connection for one that waits, where there is one.
    mutating func serveWaiting() -> Int? {
        guard waiting > 0, let connection = take() else { return nil }
        waiting -= 1
        return connection
    }

    private mutating func take() -> Int? {
        if let last = unused.popLast() { return last.connection }
        // The fullest that has room, so that others run empty and can close.
        let place = shared.indices.filter { shared[$0].hasRoom }
            .max { shared[$0].streams < shared[$1].streams }
        guard let place else { return nil }
        shared[place].streams += 1
        return shared[place].connection
    }

    /// Whether those that wait need one more connection than are on their way.
    private func wantsConnection() -> Bool {
        guard open + connecting < maxConnections else { return false }
        return version == .h1 ? connecting < waiting : connecting == 0
    }

    private mutating func connect() -> Lease {
        connecting += 1
        return .waitAndConnect
    }

    /// Whether another connection is to be opened now for those that wait; it then counts as on its way.
    mutating func shouldConnect() -> Bool {
        guard waiting > 0, wantsConnection() else { return false }
        connecting += 1
        return true
    }

    // MARK: Connections

    mutating func connected(_ connection: Int, version: Version, maxStreams: Int, now: Instant) {
        connecting -= 1
        open += 1
        self.version = version
        switch version {
        case .h2:
            shared.append(Shared(connection: connection, streams: 0, maxStreams: maxStreams, unusedSince: now))
        case .h1, .unknown: unused.append((connection, now))
        }
    }

    mutating func connectFailed() {
        connecting -= 1
    }

    /// How many must be told that no connection came: with several connections on their way one, else all.
    var waitingToFail: Int {
        version == .h1 ? min(1, waiting) : waiting
    }

    /// An HTTP/1.1 connection is free again.
    mutating func released(_ connection: Int, now: Instant) {
        unused.append((connection, now))
    }

    mutating func streamEnded(on connection: Int, now: Instant) {
        guard let place = shared.firstIndex(where: { $0.connection == connection }) else { return }
        shared[place].streams -= 1
        shared[place].unusedSince = now
    }

    mutating func maxStreams(_ count: Int, on connection: Int) {
        guard let place = shared.firstIndex(where: { $0.connection == connection }) else { return }
        shared[place].maxStreams = count
    }

    /// A connection that takes no new streams (GOAWAY); says whether it still carries some.
    mutating func retire(_ connection: Int) -> Bool {
        guard let place = shared.firstIndex(where: { $0.connection == connection }) else { return false }
        shared[place].isRetired = true
        return shared[place].streams > 0
    }

    mutating func closed(_ connection: Int) {
        unused.removeAll { $0.connection == connection }
        shared.removeAll { $0.connection == connection }
        open -= 1
    }

    /// Connections that nobody has used since `horizon`, no longer lent.
    mutating func expire(before horizon: Instant) -> [Int] {
        var expired = unused.prefix { $0.since <= horizon }.map(\.connection)
        unused.removeFirst(expired.count)
        for place in shared.indices
        where shared[place].streams == 0 && !shared[place].isRetired && shared[place].unusedSince <= horizon {
            shared[place].isRetired = true
            expired.append(shared[place].connection)
        }
        return expired
    }

    /// Whether this connection carries no stream.
    func isUnused(_ connection: Int) -> Bool {
        shared.contains { $0.connection == connection && $0.streams == 0 }
    }
}
