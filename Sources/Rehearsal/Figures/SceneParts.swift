import Admission

/// Who stands in the provider's place in a ``Scene``.
package protocol SceneCounterpart {
    /// An attempt arrives: what becomes of it.
    mutating func receive(request: Int, _ identity: Identity, _ size: SceneSize?, at instant: Instant) -> SceneReply
    /// The attempt is over.
    mutating func finish(request: Int, _ size: SceneSize?, at instant: Instant)
}

extension SceneCounterpart {
    package mutating func finish(request: Int, _ size: SceneSize?, at instant: Instant) {}
}

package enum SceneReply: Hashable, Sendable {
    case answered
    /// 429 with a hint.
    case throttled(Interval)
    /// 503 or 529.
    case overloaded
    /// No connection: nothing was sent.
    case unreachable
}

/// The way to the counterpart.
package struct SceneWay: Sendable {
    package var delay: Interval
    /// Added to the delay, anew for each attempt.
    package var jitter: Interval
    /// From an attempt's arrival to the head of its answer, where the whole answer does not take less.
    package var head: Interval

    package init(
        delay: Interval = .milliseconds(15), jitter: Interval = .milliseconds(10), head: Interval = .milliseconds(100)
    ) {
        self.delay = delay
        self.jitter = jitter
        self.head = head
    }
}

/// The tokens of one request: what can be said beforehand and what it takes in the end.
package struct SceneSize: Hashable, Sendable {
    package var claim: TokenClaim
    package var used: Tokens

    package init(claim: TokenClaim, used: Tokens) {
        self.claim = claim
        self.used = used
    }
}

package struct SceneCaller: Sendable {
    package enum Habit: Hashable, Sendable {
        /// Keeps so many requests waiting or under way at any time.
        case backlogged(Int)
        /// One request every so often, give or take half.
        case steady(every: Interval)
        case script([Instant])
    }

    package var identity: Identity
    package var habit: Habit
    /// How long its answers take, first and last byte included.
    package var hold: ClosedRange<Interval>
    /// Added to that for each token of the answer.
    package var perToken = Interval.zero
    package var patience: Interval
    /// Of its requests in turn; none where empty.
    package var sizes: [SceneSize]

    package init(
        _ identity: Identity, _ habit: Habit,
        hold: ClosedRange<Interval> = .milliseconds(200)...(.milliseconds(200)), patience: Interval = .forever,
        sizes: [SceneSize] = []
    ) {
        self.identity = identity
        self.habit = habit
        self.hold = hold
        self.patience = patience
        self.sizes = sizes
    }
}

/// One request of a scene, from its first ask to its end.
package struct SceneRequest: Sendable {
    package enum Outcome: Hashable, Sendable {
        case served
        case refused(GateRefusal.Reason)
        /// Its last attempt failed and there was no other.
        case failed
    }

    package let caller: Int
    package let submittedAt: Instant
    package let deadline: Instant
    package let size: SceneSize?
    let attemptsBefore: Int
    /// Of its caller, those that waited when it came.
    package let ownAhead: Int
    package var attempts = 0
    /// Attempts of anybody between its ask and its first.
    package var overtakes = 0
    /// Of the last attempt.
    package var sentAt = Instant.never
    /// `nil` while it is under way.
    package var outcome: Outcome?
    package var endedAt = Instant.never
    /// How long its last attempt held its slots.
    package var held = Interval.zero
    var permit: Permit?
}

/// Answers everything and counts what is beyond its rates; refuses it where told to.
package struct RatedCounterpart: SceneCounterpart {
    package var rates: [RateEnforcement]
    /// What it says about coming back; `nil` where it only counts.
    package var hint: Interval?
    /// When something was beyond a rate.
    package private(set) var violations: [Instant] = []

    package init(_ rates: [RateEnforcement] = [], hint: Interval? = nil) {
        self.rates = rates
        self.hint = hint
    }

    package mutating func receive(
        request: Int, _ identity: Identity, _ size: SceneSize?, at instant: Instant
    ) -> SceneReply {
        var isTooMuch = false
        for index in rates.indices where !rates[index].admits(at: instant) { isTooMuch = true }
        guard isTooMuch else { return .answered }
        violations.append(instant)
        return hint.map { .throttled($0) } ?? .answered
    }
}
