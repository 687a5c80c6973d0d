/// All that a replica says to the store about one upstream at one time: that it lives, what it holds, what turned out
/// different, and whom it would let go.
///
/// A replica has one turn under way per upstream, so that what it says of itself is never older than what it was told.
package struct SharedTurn: Hashable, Sendable {
    /// By which its answer is known.
    package var number: Int
    /// The room that it knows; empty before its first answer.
    package var epoch: String
    /// Worked on later than this it would do harm: it would speak for a replica that has long been on its own. `nil`
    /// where the store's time is not known.
    package var deadline: StoreTime?
    /// It will say something again within so long.
    package var promise: Interval
    /// The whole upstream is paused for so long; zero where it is not.
    package var pause: Interval
    package var cells: [Cell]
    package var asks: [Ask]
    package var leaves = false

    /// How far ahead the store gives instants, and for how long an answer is waited for.
    package static let horizon = Interval.milliseconds(50)

    /// One count that all replicas share.
    package struct Cell: Hashable, Sendable {
        /// The limit's name, the values that it is per, and what is counted.
        package var key: String
        /// Whether it holds for some only, so that others are not to wait while it is closed.
        package var isOwn: Bool
        package var pause: Interval
        package var kind: Kind

        package init(key: String, isOwn: Bool, pause: Interval, kind: Kind) {
            (self.key, self.isOwn, self.pause, self.kind) = (key, isOwn, pause, kind)
        }
    }

    package enum Kind: Hashable, Sendable {
        /// A rate that is spaced. `more` units are charged beyond what was granted, negative where fewer were used;
        /// `back` were granted and never sent; `risk` is the debt, in thousandths of a unit, that there may be if the
        /// store has lost its data.
        case paced(SharedPace, more: Int, back: Int, risk: Int)
        /// Attempts under way at one time, of which this replica has so many.
        case counted(most: Int, held: Int)
        /// An amount per calendar day: which day it is, when it ends in the store's time, and how much of it is known to
        /// be used.
        case daily(most: Int, day: Int64, end: StoreTime, more: Int, known: Int)
        /// An amount in any such length of a day or more, which nobody wants to be spaced.
        case sliding(most: Int, span: Interval, more: Int, known: Int)
    }

    /// Instants for some that wait.
    package struct Ask: Hashable, Sendable {
        /// Whose share it is taken from: a name of the outermost level of the fair line.
        package var share: String
        /// What one of them takes of all that is shared, in nanoseconds of the scarcest, by weight.
        package var step: Int64
        /// Places in ``SharedTurn/cells``.
        package var cells: [Int]
        /// For each of those that wait, oldest first, the units that it takes in each cell.
        package var units: [[Int]]

        package init(share: String, step: Int64, cells: [Int], units: [[Int]]) {
            (self.share, self.step, self.cells, self.units) = (share, step, cells, units)
        }
    }

    package init(
        number: Int, epoch: String, deadline: StoreTime? = nil, promise: Interval, pause: Interval, cells: [Cell],
        asks: [Ask], leaves: Bool = false
    ) {
        (self.number, self.epoch, self.deadline) = (number, epoch, deadline)
        (self.promise, self.pause) = (promise, pause)
        (self.cells, self.asks, self.leaves) = (cells, asks, leaves)
    }
}

/// What the store says to a turn.
package struct SharedAnswer: Hashable, Sendable {
    package var epoch: String
    package var now: StoreTime
    /// Replicas that there are, this one among them, and its place in the order of their names.
    package var members: Int
    package var rank: Int
    /// Replicas that did not come when they had promised to.
    package var absent: Int
    package var pause: Interval
    package var cells: [Cell]
    package var grants: [Grant]

    package struct Cell: Hashable, Sendable {
        package var kind: Kind
        package var pause: Interval

        package init(kind: Kind, pause: Interval) { (self.kind, self.pause) = (kind, pause) }
    }

    package enum Kind: Hashable, Sendable {
        /// From now to when the next unit is due at the steady pace, and the debt and the pool in thousandths.
        case paced(due: Interval, debt: Int, pool: Int)
        case counted(held: Int, own: Int)
        /// Of an amount per day, or in any length of a day or more.
        case amount(used: Int)
    }

    package struct Grant: Hashable, Sendable {
        /// For each that may go, from the store's now to when.
        package var delays: [Interval]
        /// When asking again may help those that may not; zero where there are none.
        package var retry: Interval

        package init(delays: [Interval], retry: Interval) { (self.delays, self.retry) = (delays, retry) }
    }

    package init(
        epoch: String, now: StoreTime, members: Int, rank: Int, absent: Int, pause: Interval, cells: [Cell],
        grants: [Grant]
    ) {
        (self.epoch, self.now, self.members, self.rank) = (epoch, now, members, rank)
        (self.absent, self.pause, self.cells, self.grants) = (absent, pause, cells, grants)
    }
}

/// What the store tells all replicas at once when one of them brings it a pause.
package struct SharedPause: Hashable, Sendable {
    /// From when it is heard of.
    package var length: Interval
    /// Of the count that is paused; `nil` where it is the whole upstream.
    package var key: String?

    package init(length: Interval, key: String? = nil) { (self.length, self.key) = (length, key) }
}

/// A point in the store's time: microseconds since 1970 by its own clock.
package struct StoreTime: Comparable, Hashable, Sendable {
    package var microseconds: Int64

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    package static func < (left: StoreTime, right: StoreTime) -> Bool { left.microseconds < right.microseconds }
}

/// How a rate is spaced over all replicas.
package struct SharedPace: Hashable, Sendable {
    /// Between two units while others wait.
    package var gap: Interval
    /// Within this length there are never more units than it has gaps.
    package var span: Interval
    /// How many units may go at once from rest; at most half of what the span holds.
    package var burst: Int

    package init(gap: Interval, span: Interval, burst: Int) {
        (self.gap, self.span, self.burst) = (gap, span, burst)
    }

    /// What a unit of a burst is paid back with afterwards, in thousandths: 1 / (1 - burst/span), rounded up.
    var ratio: Int {
        let units = max(1, Int(span.nanoseconds / max(1, gap.nanoseconds)))
        return units * 1000 / max(1, units - min(burst, units / 2)) + 1
    }
}
