import Admission

/// What the last two minutes of one upstream were like, second by second, for the lines on the page.
///
/// Kept here and not by whoever looks, because people look when something has already happened: then the minutes before
/// are what they want to see. It costs five numbers a second.
struct SecondsPast: Sendable {
    static let kept = 120

    struct Second: Hashable, Sendable {
        /// Within it.
        var requests = 0
        var refused = 0
        var throttled = 0
        /// At its end.
        var inFlight = 0
        var waiting = 0
    }

    /// Counts since the start.
    struct Totals: Hashable, Sendable {
        var requests = 0
        var refused = 0
        var throttled = 0
    }

    /// Oldest first.
    private(set) var seconds: [Second] = []
    private var totals = Totals()
    private var next: Instant?

    /// Notes what stands now, once a second; what is asked for in between changes nothing. After a gap each second of it
    /// gets its part.
    mutating func note(_ totals: Totals, inFlight: Int, waiting: Int, now: Instant) {
        guard let due = next else {
            (next, self.totals) = (now + .seconds(1), totals)
            return
        }
        guard now >= due else { return }
        let length = min(Self.kept, Int((now - due).nanoseconds / Interval.seconds(1).nanoseconds) + 1)
        for place in 0..<length {
            func part(_ count: Int) -> Int { count * (place + 1) / length - count * place / length }
            seconds.append(
                Second(
                    requests: part(totals.requests - self.totals.requests),
                    refused: part(totals.refused - self.totals.refused),
                    throttled: part(totals.throttled - self.totals.throttled),
                    inFlight: inFlight, waiting: waiting))
        }
        if seconds.count > Self.kept { seconds.removeFirst(seconds.count - Self.kept) }
        self.totals = totals
        next = max(due + .seconds(length), now)
    }
}
