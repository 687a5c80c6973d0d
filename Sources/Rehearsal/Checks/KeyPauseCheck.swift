import Admission

/// Nothing is sent with a key before the instant that the provider named for it.
struct KeyPauseCheck {
    private var pauses: [(until: Instant, setAt: Instant)]

    init(keys: Int) {
        let none = Instant(nanoseconds: .min)
        pauses = Array(repeating: (none, none), count: keys)
    }

    mutating func pause(_ key: Int, until instant: Instant, now: Instant) {
        if instant > pauses[key].until { pauses[key] = (instant, now) }
    }

    /// - Parameter promisedAt: when it was told the instant of its departure; nothing tells it of a later pause.
    func sent(_ key: Int, promisedAt: Instant, now: Instant) -> String? {
        guard key >= 0, now < pauses[key].until, promisedAt >= pauses[key].setAt else { return nil }
        return "sent during a pause of its key"
    }

    func isQuiet(now: Instant) -> Bool {
        pauses.allSatisfy { $0.until + PauseCheck.rampUp + .milliseconds(100) < now }
    }
}
