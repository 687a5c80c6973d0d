import Admission

/// What a worker looks at a few times a second, because something about it must not take too long.
class Watched {
    /// Place among what the worker watches; negative while it is not.
    final var watchPlace = -1
    /// When ``deadlinePassed(now:)`` is to be called.
    final var deadline = Instant.never
    /// Since when its peer takes nothing, while it does not.
    final var stalledSince: Instant?
    /// What is written and not taken, as far as the guard has been told.
    final var unwritten = 0
    /// The same of a head that has begun and is not whole.
    final var begunHead = 0

    /// Called when ``deadline`` has passed.
    func deadlinePassed(now: Instant) {}

    /// Called when the peer has taken nothing for too long, and when the process ends.
    func closeNow() {}

    /// The process is going to end: what carries nothing closes now, the rest when it has ended.
    func drain() {}

    /// Longest time in which a peer takes nothing of what it is sent.
    static let stallTimeout = Interval.seconds(60)
    /// What is at least written and not taken when a channel stops being writable (NIO's default).
    static let outboundMark = 64 << 10

    /// Memory is tight: what is not needed goes.
    func saveMemory() {}

    /// Whether it is held for a peer that owes something: the rest of a head or of a body that must be whole first.
    var isOwed: Bool { false }

    /// What a peer has instead of the usual times, when requests are refused because memory is tight: others need what
    /// it holds.
    static let tightTimeout = Interval.seconds(2)

    final func hurry(now: Instant) {
        if isOwed { deadline = min(deadline, now + Self.tightTimeout) }
    }

    final func isStalled(now: Instant, for length: Interval = stallTimeout) -> Bool {
        guard let stalledSince else { return false }
        return now - stalledSince > length
    }
}
