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
    }

    package var identity: Identity
    package var habit: Habit
    /// Of a hundred requests so many are given up after a while.
    package var cancels: Int
    package var deadline: Interval

    package init(_ identity: Identity, _ habit: Habit, cancels: Int = 0, deadline: Interval = .forever) {
        self.identity = identity
        self.habit = habit
        self.cancels = cancels
        self.deadline = deadline
    }
}
