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

    final func isStalled(now: Instant) -> Bool {
        guard let stalledSince else { return false }
        return now - stalledSince > Self.stallTimeout
    }
}
