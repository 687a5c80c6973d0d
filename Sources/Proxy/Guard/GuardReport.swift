import Admission
import Logging

/// What became of connections that could not be taken: one line a minute while there are any, the first at once.
struct GuardReport: Sendable {
    private var turnedAway = 0
    private var failures = 0
    private var next = Instant(nanoseconds: .min)

    private static let pause = Interval.minutes(1)

    mutating func line(_ callers: ConnectionPlaces, _ admins: ConnectionPlaces, now: Instant) -> Logger.Metadata? {
        let turnedAway = callers.turnedAway + admins.turnedAway
        let failures = callers.failures + admins.failures
        guard now >= next, (turnedAway, failures) != (self.turnedAway, self.failures) else { return nil }
        defer {
            self.turnedAway = turnedAway
            self.failures = failures
            next = now + Self.pause
        }
        return [
            "reset": "\(turnedAway - self.turnedAway)", "accept_failures": "\(failures - self.failures)",
            "connections": "\(callers.count)",
        ]
    }
}

/// How the proxy protects itself at one instant, for `/status`. Sizes in bytes.
struct GuardStatus: Sendable {
    /// How tight memory is.
    var level: GuardLevel
    /// Of requests and answers, as far as it is known.
    var buffered: Int
    var resident: Int
    /// `nil` where nothing is known of the memory that there is.
    var bound: Int?
    var connections: ConnectionBound
    /// Callers' connections, those included that are being set up or turned away.
    var connected: Int
    /// Since the start.
    var turnedAway: Int
    var acceptFailures: Int
    var openFiles: Int?
    var mostOpenFiles: Int?
    /// Of the loop that is latest.
    var lag: Interval
}
