import Admission

/// Somebody who sends requests: how many, how often, how patiently.
package struct Caller: Sendable {
    package enum Habit: Hashable, Sendable {
        /// Keeps so many requests waiting or under way at any time.
        case backlogged(Int)
        /// One request every so often, give or take half.
        case steady(every: Interval)
        /// So many requests at once, every so often.
        case bursty(Int, every: Interval)
        /// Independent of each other.
        case poisson(mean: Interval)
        /// In clusters: gaps with this coefficient of variation. A code assistant's trace has 13.
        case clustered(mean: Interval, variation: Int)
        /// Steady for a while, then silent for a while.
        case onOff(every: Interval, on: Interval, off: Interval)
        /// As recorded, from the trace's beginning.
        case trace(Trace)
    }

    package var identity: Identity
    package var habit: Habit
    /// Of a hundred requests so many are given up after a while, wherever they are then.
    package var cancels: Int
    package var deadline: Interval
    /// When a request is given up: some time before this.
    package var patience = Interval.seconds(5)
    /// Requests belong to one of so many jobs; zero for the identity's own.
    package var jobs = 0
    /// Requests are for one of these models, and of one of these priorities; where empty, the identity's own.
    package var models: [String] = []
    package var priorities: [Priority] = []
    /// `nil` where requests have nothing to do with tokens.
    package var tokens: TokenHabit?
    /// Of a hundred answers so many are read slowly and hold their slots longer by up to ``slowness``.
    package var slowReads = 0
    package var slowness = Interval.seconds(10)

    package init(_ identity: Identity, _ habit: Habit, cancels: Int = 0, deadline: Interval = .forever) {
        self.identity = identity
        self.habit = habit
        self.cancels = cancels
        self.deadline = deadline
    }

    /// How large requests and answers are, and what is said of that beforehand.
    package struct TokenHabit: Hashable, Sendable {
        package var input: ClosedRange<Int>
        package var output: ClosedRange<Int>
        /// What is claimed of the input, in hundredths of what it is.
        package var claim: Int
        /// The bound that requests state, as a multiple of the answer; `nil` where they state none.
        package var bound: Int?

        package init(
            input: ClosedRange<Int>, output: ClosedRange<Int>, claim: Int = 100, bound: Int? = nil
        ) {
            self.input = input
            self.output = output
            self.claim = claim
            self.bound = bound
        }

        func draw(_ random: inout SplitMix64) -> (actual: Tokens, claim: TokenClaim) {
            self.claim(of: Tokens(input: random.int(input), output: random.int(output)))
        }

        func claim(of actual: Tokens) -> (actual: Tokens, claim: TokenClaim) {
            (actual, TokenClaim(input: actual.input * claim / 100, outputBound: bound.map { $0 * actual.output }))
        }
    }

    /// One request's names.
    func identity(_ random: inout SplitMix64) -> Identity {
        var identity = identity
        if jobs > 0 { identity.job = "j\(random.int(0...jobs - 1))" }
        if !models.isEmpty { identity.model = random.one(of: models) }
        if !priorities.isEmpty { identity.priority = random.one(of: priorities) }
        return identity
    }
}
