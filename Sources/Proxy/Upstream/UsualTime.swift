import Admission
import Synchronization

/// What something usually takes: a moving average over about eight times. Safe on any thread.
final class UsualTime: Sendable {
    private let nanoseconds = Atomic<Int64>(0)

    /// Zero until there was one.
    var value: Interval { Interval(nanoseconds: nanoseconds.load(ordering: .relaxed)) }

    /// Two workers at once may lose one of their samples, which is no matter.
    func note(_ length: Interval) {
        let usual = nanoseconds.load(ordering: .relaxed)
        let next = usual == 0 ? length.nanoseconds : usual + (length.nanoseconds - usual) / 8
        nanoseconds.store(next, ordering: .relaxed)
    }
}
