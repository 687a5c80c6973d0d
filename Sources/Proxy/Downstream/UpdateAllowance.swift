import Admission

/// How many frames a caller may send that only say how much it takes (RFC 9113 §6.9), that it goes (§6.8), or what
/// nobody here understands (§5.5).
///
/// What it was sent pays for them: some libraries renew two windows for each frame that they read, and in parts. Beyond
/// that there is a number at once, as for windows that are made larger in the beginning, and one for each second. Each
/// such frame costs a caller nothing and us a parser's work, of which RFC 9113 §10.5 warns.
struct UpdateAllowance {
    /// For each frame of data (Envoy's `max_inbound_window_update_frames_per_data_frame_sent`).
    static let perFrame = 10
    /// One more for so many bytes: a caller that reads 64 at a time renews two windows each time.
    static let bytes = 32
    /// What is saved up at most.
    static let mostSaved = 100_000
    static let atOnce = 5_000
    static let perSecond = 200

    private var saved = 0
    private var free = TokenBucket(capacity: atOnce, perSecond: perSecond)

    /// A frame of data goes to the caller.
    mutating func sent(_ bytes: Int) {
        saved = min(saved + Self.perFrame + bytes / Self.bytes, Self.mostSaved)
    }

    /// Takes one; says whether there was one.
    ///
    /// - Parameter now: looked at only where nothing is saved up.
    mutating func take(now: @autoclosure () -> Instant) -> Bool {
        guard saved == 0 else {
            saved -= 1
            return true
        }
        return free.take(now: now())
    }
}
