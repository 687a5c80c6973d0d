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
        let number: Int
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
    /// Where it becomes less, what is open beyond it ends when it is unused.
    var maxConnections: Int
    /// By place; what stands at a free one means nothing.
    private var connections: [Connection] = []
    private var places: [Int: Int] = [:]
    private var freePlaces: [Int] = []
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

    var open: Int { places.count }
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
        guard let place = roomy.newest else { return nil }
        connections[place].streams += 1
        look(at: place)
        return connections[place].number
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
        let state = Connection(
            number: connection, maxStreams: version == .h2 ? maxStreams : 1, unusedSince: now)
        serving += 1
        if state.maxStreams == nil { unsettled += 1 }
        look(at: add(state))
    }

    private mutating func add(_ connection: Connection) -> Int {
        let place = freePlaces.popLast() ?? connections.count
        if place == connections.count { connections.append(connection) } else { connections[place] = connection }
        places[connection.number] = place
        return place
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
        guard let place = places[connection] else { return }
        connections[place].streams -= 1
        connections[place].unusedSince = now
        look(at: place)
    }

    mutating func maxStreams(_ count: Int, on connection: Int) {
        guard let place = places[connection] else { return }
        if connections[place].maxStreams == nil, !connections[place].isRetired { unsettled -= 1 }
        connections[place].maxStreams = count
        usualStreams = count
        look(at: place)
    }

    /// Puts a connection where its state has it, after it has got room or lost it.
    private mutating func look(at place: Int) {
        let state = connections[place]
        if state.hasRoom { roomy.append(place) } else { roomy.remove(place) }
        if state.streams == 0, !state.isRetired { unused.append(place) } else { unused.remove(place) }
    }

    /// A connection that takes no new streams (GOAWAY); says whether it still carries some.
    mutating func retire(_ connection: Int) -> Bool {
        guard let place = places[connection] else { return false }
        if !connections[place].isRetired { leaveService(place) }
        return connections[place].streams > 0
    }

    mutating func closed(_ connection: Int) {
        guard let place = places.removeValue(forKey: connection) else { return }
        if !connections[place].isRetired { leaveService(place) }
        freePlaces.append(place)
    }

    private mutating func leaveService(_ place: Int) {
        connections[place].isRetired = true
        serving -= 1
        if connections[place].maxStreams == nil { unsettled -= 1 }
        look(at: place)
    }

    /// Connections that nobody has used since `horizon`, no longer lent.
    mutating func expire(before horizon: Instant) -> [Int] {
        var expired: [Int] = []
        while let oldest = unused.oldest, connections[oldest].unusedSince <= horizon {
            leaveService(oldest)
            expired.append(connections[oldest].number)
        }
        return expired
    }

    /// Whether this connection carries no stream.
    func isUnused(_ connection: Int) -> Bool {
        places[connection].map { connections[$0].streams == 0 } ?? false
    }
}
