/// What the gate needs to know of one request.
package struct Ask: Sendable {
    package var identity: Identity
    /// The latest instant at which it may still begin; the queue's own timeout may end the wait earlier.
    package var deadline: Instant
    /// `nil` for a request that has nothing to do with a model.
    package var tokens: TokenClaim?

    package init(identity: Identity, deadline: Instant = .never, tokens: TokenClaim? = nil) {
        self.identity = identity
        self.deadline = deadline
        self.tokens = tokens
    }
}

/// The right to one attempt. It holds a slot of every matching in-flight limit and its units of every matching rate
/// until it is settled, withdrawn or tried again: exactly one of these, once.
package struct Permit: Hashable, Sendable {
    /// Small and dense: below the largest number of permits at one time.
    package let place: Int
    let generation: UInt32
}

/// What an attempt says about the provider's health.
package enum Verdict: Hashable, Sendable {
    /// The provider answered; a client's mistake and a throttled request count as well.
    case answered
    /// It said that it has no capacity (503, 529).
    case overloaded
    /// No connection, no answer in time, or one that says that the provider is broken.
    case failed
    /// The attempt was given up before anything could be said.
    case none
}

/// The answer to an ask.
package enum Submission: Sendable {
    case admitted(Permit)
    /// It stands in line; a decision follows. `heldBy` names the limit that holds it back, `nil` where a pause, the
    /// breaker, the adaptive limit or the line itself does.
    case waiting(Ticket, heldBy: Int?)
    case refused(GateRefusal)
}

/// What became due for asks that waited, in the order in which it was decided.
package enum Decision: Sendable {
    case granted(Ticket, Permit)
    case refused(Ticket, GateRefusal)
}

/// Why an ask may not go, and when coming back makes sense.
package struct GateRefusal: Hashable, Sendable {
    package var reason: Reason
    /// The limit that holds it back, where one does.
    package var limit: Binding?
    /// From now until a new ask has a chance; a bound for rates and pauses, an estimate for slots.
    package var comeBack: Interval

    package enum Reason: Hashable, Sendable {
        case queueFull
        case tenantQueueFull
        /// The wait would certainly be longer than the ask allows.
        case waitTooLong
        /// It waited as long as it may.
        case timedOut
        /// Its tokens are more than a whole window of the limit: no wait helps.
        case neverFits(Tokens)
        /// The provider fails, and its breaker stays open for longer than the ask allows.
        case breakerOpen
        case draining
    }

    /// A limit as it binds one ask.
    package struct Binding: Hashable, Sendable {
        /// Place of the limit in the rules.
        package var limit: Int
        /// The values that the limit is per, in its order.
        package var values: [String]
        package var bound: Bound
    }

    /// Which term of a limit binds.
    package enum Bound: Hashable, Sendable {
        case inFlight(Int)
        case rate(Limit.Rate)
        case distinct(Int)
    }
}
