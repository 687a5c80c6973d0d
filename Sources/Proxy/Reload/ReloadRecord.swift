import Synchronization
import Telemetry

/// How reloads went, for the metrics.
final class ReloadRecord: Sendable {
    private let failed = Atomic(false)
    /// Unix time in seconds; the start counts.
    private let succeeded = Atomic(ReloadRecord.seconds)

    private static var seconds: Int64 { WallTime.now.nanoseconds / 1_000_000_000 }

    var hasFailed: Bool { failed.load(ordering: .relaxed) }
    var lastSuccess: Int64 { succeeded.load(ordering: .relaxed) }

    func noteSuccess() {
        succeeded.store(Self.seconds, ordering: .relaxed)
        failed.store(false, ordering: .relaxed)
    }

    func noteFailure() {
        failed.store(true, ordering: .relaxed)
    }
}
