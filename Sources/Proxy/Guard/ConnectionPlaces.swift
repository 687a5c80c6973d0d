import NIOCore
import Synchronization
import Telemetry

/// How many connections there may be at an address, counted from their acceptance to their end.
final class ConnectionPlaces: Sendable {
    /// Spoken to.
    var most: Int { bound.load(ordering: .relaxed) }
    private let bound: Atomic<Int>
    private let metrics: ShedMetrics?
    private let taken = Atomic(0)
    private let turnedAwaySoFar = Atomic(0)
    private let failuresSoFar = Atomic(0)

    /// Connections that were told to go may be this many at one time; then no more are accepted until some have gone.
    static let mostLeaving = 64

    init(most: Int, metrics: ShedMetrics? = nil) {
        bound = Atomic(most)
        self.metrics = metrics
    }

    /// Has another number of places from now on; who has one keeps it.
    func allow(_ most: Int) {
        bound.store(most, ordering: .relaxed)
    }

    /// Counts a connection in, and says whether there is a place for it. Either way ``leave()`` counts it out.
    func enter() -> Bool {
        let isWelcome = taken.wrappingAdd(1, ordering: .relaxed).newValue <= most
        if !isWelcome {
            turnedAwaySoFar.add(1, ordering: .relaxed)
            metrics?.count(.connections, .none)
        }
        return isWelcome
    }

    func leave() {
        taken.subtract(1, ordering: .relaxed)
    }

    func noteFailure() {
        failuresSoFar.add(1, ordering: .relaxed)
    }

    var count: Int { taken.load(ordering: .relaxed) }
    var isCrowded: Bool { count >= most + Self.mostLeaving }
    /// Connections that were reset as soon as they came, since the start.
    var turnedAway: Int { turnedAwaySoFar.load(ordering: .relaxed) }
    /// How often a connection could not be accepted at all, since the start.
    var failures: Int { failuresSoFar.load(ordering: .relaxed) }
}

extension ConnectionPlaces {
    /// Has a listener keep to these places from now on.
    func hold(at listener: any Channel) async throws {
        let places = self
        try await listener.eventLoop.submit {
            try listener.pipeline.syncOperations.addHandler(AcceptGuard(places: places), position: .first)
        }.get()
    }
}
