import Admission

/// Whether a peer sends, or takes, fast enough to be waited for.
///
/// A deadline that every byte would move on lets one byte a minute hold a slot for hours. Here a peer has an allowance
/// of time that passes while it is waited for; each byte earns a little of it back, up to the whole. Who keeps to the
/// least rate is never late, who stops is late after the grace, who trickles a little later. The shape is Apache's
/// `mod_reqtimeout` (`body=20,MinRate=500`), with the bound on what was earned added: megabytes at the beginning must
/// not pay for hours of silence.
struct BodyProgress: Sendable {
    struct Rule: Sendable, Equatable {
        /// The allowance at the beginning and the most that can be saved up.
        var grace: Interval = .seconds(30)
        /// What each byte earns.
        var perByte: Interval

        /// - Parameter bytes: to be moved in `per`, averaged; at least 1.
        init(atLeast bytes: Int, per length: Interval, grace: Interval = .seconds(30)) {
            precondition(bytes > 0, "a rate is a number of bytes")
            self.grace = grace
            perByte = length / bytes
        }

        /// 1 KiB in ten seconds: the slowest modem link that anybody could call an API over has ten times that.
        static let standard = Rule(atLeast: 1 << 10, per: .seconds(10))
    }

    private enum State {
        case running(until: Instant)
        case paused(left: Interval)
    }

    private let rule: Rule
    private var state: State

    /// Paused, with the whole grace left.
    init(rule: Rule = .standard) {
        self.rule = rule
        state = .paused(left: rule.grace)
    }

    /// When the peer is late; `never` while nobody waits for it.
    var deadline: Instant {
        if case .running(let deadline) = state { deadline } else { .never }
    }

    /// From now on the peer is waited for.
    mutating func resume(now: Instant) {
        if case .paused(let left) = state { state = .running(until: now + left) }
    }

    /// From now on it has nothing to do: this side does not read, or has nothing to send. What is left stays.
    mutating func pause(now: Instant) {
        if case .running(let deadline) = state { state = .paused(left: max(.zero, deadline - now)) }
    }

    /// It has sent or taken so many bytes.
    mutating func moved(_ bytes: Int, now: Instant) {
        let earned = rule.perByte * bytes
        switch state {
        case .running(let deadline): state = .running(until: min(now + rule.grace, deadline + earned))
        case .paused(let left): state = .paused(left: min(rule.grace, left + earned))
        }
    }
}
