import Admission
import Providers
import Synchronization
import Telemetry

/// What one upstream's recent past was, for people. Safe on any thread; bounded whatever happens.
final class RecentPast: Sendable {
    private struct State {
        var journal = RefusalJournal()
        var seconds = SecondsPast()
    }

    private let state = Mutex(State())
    private let throttledSoFar = Atomic(0)

    /// Penstock has answered a request itself.
    func refused(_ refusal: Refusal, tenant: String, outcome: ExchangeOutcome?, now: Instant) {
        state.withLock { $0.journal.note(refusal, tenant: tenant, outcome: outcome, now: now) }
    }

    /// The provider has refused an attempt as too much.
    func throttled() {
        throttledSoFar.add(1, ordering: .relaxed)
    }

    /// To be called at least once a second.
    func note(_ level: GateShell.Level, now: Instant) {
        state.withLock { state in
            let totals = SecondsPast.Totals(
                requests: level.requests, refused: state.journal.limited,
                throttled: throttledSoFar.load(ordering: .relaxed))
            state.seconds.note(totals, inFlight: level.inFlight, waiting: level.waiting, now: now)
        }
    }

    /// The refusals, the latest first, and the seconds, the oldest first.
    var report: (refusals: [RefusalJournal.Entry], seconds: [SecondsPast.Second]) {
        state.withLock { ($0.journal.latest, $0.seconds.seconds) }
    }
}
