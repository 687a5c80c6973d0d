import Admission

/// Which connection serves whom, for one upstream on one loop: values only, connections are numbers.
///
/// An HTTP/1.1 connection serves one attempt at a time, an HTTP/2 one as many as the peer allows. The one that got room
/// last is used first, so that spare ones run empty, grow old and close. Until the first handshake has told the version,
/// and the peer's settings the number of streams, others wait for the connection that goes ahead: ten HTTP/2 connections
/// where one serves all would be waste. Each step takes the same time however many connections there are.
struct PoolState {
    enum Version { case unknown, h1, h2 }

    enum Lease: Equatable {
        /// This connection serves it now.
        case use(Int)
        /// It waits; a new connection is to be opened.
        case waitAndConnect
        case wait
    }

    private struct Connection {
        var streams = 0
        /// `nil` until the peer has said it.
        var maxStreams: Int?
        /// Since when it carries nothing, while it does.
        var unusedSince: Instant
        /// Whether it takes no new streams, whatever its peer allows.
        var isRetired = false

        var hasRoom: Bool { !isRetired && streams < maxStreams ?? 1 }
    }

    private(set) var version: Version
    let maxConnections: Int
    private var connections: [Int: Connection] = [:]
    /// Those with room, the one that got it last as the newest.
    private var roomy = ConnectionOrder()
    /// Those that carry nothing and may be lent, the one that is unused for longest as the oldest.
    private var unused = ConnectionOrder()
    private(set) var connecting = 0
    private(set) var waiting = 0
    /// Open connections that still take something new.
    private var serving = 0
    /// Those among them whose peer has not said yet how many streams it allows.
    private var unsettled = 0
    /// The streams that the peer allowed on the connection of which it was told last.
    private var usualStreams: Int?
    /// Whether the last attempt to connect failed: then one at a time is made until one succeeds.
    private var isFailing = false

    init(version: Version, maxConnections: Int) {
        precondition(maxConnections > 0, "a pool has room for a connection")
        self.version = version
        self.maxConnections = maxConnections
    }

    var open: Int { connections.count }
    /// Open connections that carry nothing.
    var idle: Int { unused.count }

    // MARK: Leases

    mutating func lease() -> Lease {
        if let connection = take() { return .use(connection) }
        waiting += 1
        return shouldConnect() ? .waitAndConnect : .wait
    }

    /// One that waited no longer does, because it left.
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
        guard let connection = roomy.newest else { return nil }
        connections[connection]?.streams += 1
        look(at: connection)
        return connection
    }

    // MARK: Connecting

    /// Whether another connection is to be opened now for those that wait; it then counts as on its way.
    mutating func shouldConnect() -> Bool {
        guard waiting > 0, hasSpace, isFailing ? connecting == 0 : !isCovered(waiting) else { return false }
        connecting += 1
        return true
    }

    /// Whether a connection is to be opened for somebody who will come soon: where none is free and none on its way that
    /// nobody waits for. It then counts as on its way.
    mutating func prepare() -> Bool {
        guard roomy.isEmpty, hasSpace, !isFailing, !isCovered(waiting + 1) else { return false }
        connecting += 1
        return true
    }

    /// What still carries old streams and takes no new ones counts, but must not keep the only way shut.
    private var hasSpace: Bool {
        open + connecting < maxConnections || serving + connecting == 0
    }

    /// Whether connections that are on their way will be enough for so many.
    private func isCovered(_ count: Int) -> Bool {
        let coming = connecting + unsettled
        guard coming > 0, let each = version == .h1 ? 1 : usualStreams else { return coming > 0 }
        let (places, isPlenty) = coming.multipliedReportingOverflow(by: max(1, each))
        return isPlenty || count <= places
    }

    /// - Parameter maxStreams: of an HTTP/2 connection; `nil` until its peer has said it.
    mutating func connected(_ connection: Int, version: Version, maxStreams: Int?, now: Instant) {
        connecting -= 1
        isFailing = false
        self.version = version
        connections[connection] = Connection(maxStreams: version == .h2 ? maxStreams : 1, unusedSince: now)
        serving += 1
        if connections[connection]?.maxStreams == nil { unsettled += 1 }
        look(at: connection)
    }

    /// An attempt to connect failed. Says how many must be told so and wait no longer: one where others are on their way
    /// or at work, else all.
    mutating func connectFailed() -> Int {
        connecting -= 1
        isFailing = true
        let failed = connecting > 0 || serving > 0 ? min(1, waiting) : waiting
        waiting -= failed
        return failed
    }

    // MARK: Connections

    /// An HTTP/1.1 connection is free again.
    mutating func released(_ connection: Int, now: Instant) {
        streamEnded(on: connection, now: now)
    }

    mutating func streamEnded(on connection: Int, now: Instant) {
        // It may have been closed before.
        guard connections[connection] != nil else { return }
        connections[connection]?.streams -= 1
        connections[connection]?.unusedSince = now
        look(at: connection)
    }

    mutating func maxStreams(_ count: Int, on connection: Int) {
        guard let state = connections[connection] else { return }
        if state.maxStreams == nil, !state.isRetired { unsettled -= 1 }
        connections[connection]?.maxStreams = count
        usualStreams = count
        look(at: connection)
    }

    /// Puts a connection where its state has it, after it has got room or lost it.
    private mutating func look(at connection: Int) {
        guard let state = connections[connection] else { return }
        if state.hasRoom { roomy.append(connection) } else { roomy.remove(connection) }
        if state.streams == 0, !state.isRetired { unused.append(connection) } else { unused.remove(connection) }
    }

    /// A connection that takes no new streams (GOAWAY); says whether it still carries some.
    mutating func retire(_ connection: Int) -> Bool {
        guard let state = connections[connection] else { return false }
        if !state.isRetired { leaveService(connection, state) }
        return state.streams > 0
    }

    mutating func closed(_ connection: Int) {
        guard let state = connections[connection] else { return }
        if !state.isRetired { leaveService(connection, state) }
        connections[connection] = nil
    }

    private mutating func leaveService(_ connection: Int, _ state: Connection) {
        connections[connection]?.isRetired = true
        serving -= 1
        if state.maxStreams == nil { unsettled -= 1 }
        look(at: connection)
    }

    /// Connections that nobody has used since `horizon`, no longer lent.
    mutating func expire(before horizon: Instant) -> [Int] {
        var expired: [Int] = []
        while let oldest = unused.oldest, let state = connections[oldest], state.unusedSince <= horizon {
            leaveService(oldest, state)
            expired.append(oldest)
        }
        return expired
    }

    /// Whether this connection carries no stream.
    func isUnused(_ connection: Int) -> Bool {
        connections[connection]?.streams == 0
    }
}
