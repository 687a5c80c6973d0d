import NIOCore
import Synchronization

/// The one ledger of a simulator, for all of its event loops: each event takes the lock, reads the clock inside it, so
/// that times never run backwards, and leaves. Nothing is written while the lock is held.
final class SharedLedger: Sendable {
    let settings: SimulatorSettings
    private let origin = NIODeadline.now()
    private let ledger: Mutex<Ledger>
    /// Written only while the ledger is locked, so that its lines stand in the order of the books.
    private let journal = Mutex<[Sighting]>([])

    init(settings: SimulatorSettings) {
        self.settings = settings
        ledger = Mutex(Ledger(settings: settings))
    }

    /// Nanoseconds since the start.
    var now: Int64 { (NIODeadline.now() - origin).nanoseconds }

    var counts: SimulatorCounts { ledger.withLock { $0.counts } }

    var faults: [FaultRule] { ledger.withLock { $0.faultRules(now: now) } }

    func arrive(key: String) -> Arrival {
        ledger.withLock { ledger in
            let now = now
            let arrival = ledger.arrive(key: key, now: now)
            note(arrival.sighting(key: key, weight: nil, at: now))
            return arrival
        }
    }

    /// See ``Ledger/decide(_:weight:now:)``.
    func decide(_ arrival: Arrival, weight: Weight) -> Arrival {
        ledger.withLock { ledger in
            let now = now
            let decided = ledger.decide(arrival, weight: weight, now: now)
            note(decided.sighting(key: arrival.heldUnder ?? "", weight: weight, at: now))
            return decided
        }
    }

    /// Under the ledger's lock.
    private func note(_ sighting: Sighting?) {
        guard settings.keepsJournal, let sighting else { return }
        journal.withLock { $0.append(sighting) }
    }

    func leave(_ arrival: Arrival, status: Int?, cancelled: Bool) {
        ledger.withLock { ledger in
            ledger.leave(arrival, status: status, cancelled: cancelled)
            // Who left undecided was never said to have come.
            guard case .accepted = arrival.verdict, let key = arrival.heldUnder else { return }
            note(Sighting(.left, key: key, at: now))
        }
    }

    func connect() {
        ledger.withLock { $0.connect() }
    }

    func disconnect() {
        ledger.withLock { $0.disconnect() }
    }

    func setFaults(_ rules: [FaultRule]) {
        ledger.withLock { $0.setFaults(rules, now: now) }
    }

    func takeJournal() -> [Sighting] {
        journal.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    func resetCounts() {
        ledger.withLock { $0.resetCounts() }
    }
}
