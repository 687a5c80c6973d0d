import Admission

/// All that a world is made of, but the seed of its course.
package struct Scenario: Sendable {
    /// What a world made of a seed is about.
    package internal(set) var kind: Kind?
    package var rules: GateRules
    package var callers: [Caller]
    package var upstream: Upstream
    /// What happens to the gate from outside.
    package var steps: [Step] = []
    package var promises = Promises()
    /// What to add to an instant to have the time of day.
    package var wallClock = WallClockOffset()

    package init(rules: GateRules, callers: [Caller], upstream: Upstream) {
        self.rules = rules
        self.callers = callers
        self.upstream = upstream
    }

    /// Promises that depend on the provider being as it is said to be.
    package struct Promises: Hashable, Sendable {
        /// How often the provider may find its limits broken; `nil` where it allows less than was said.
        package var throttles: Int?
        /// Whether what is claimed of tokens is exact, so that their limits hold exactly as well.
        package var judgesTokens = false

        package init() {}
    }

    package struct Step: Sendable {
        package var at: Interval
        package var action: Action

        package init(at: Interval, _ action: Action) {
            self.at = at
            self.action = action
        }
    }

    package enum Action: Sendable {
        /// Other numbers for the same limits.
        case replace(GateRules)
        /// The gate learns how uneven the way is; the way becomes so uneven.
        case tellJitter(Interval)
        case setJitter(Interval)
        case pause(for: Interval)
        case drain
    }
}
