import Logging
import Synchronization

/// The level from which lines are written, for all loggers that share it. It may change while they are in use.
package final class LogThreshold: Sendable {
    /// A place in `Logger.Level.allCases`, which begins with the least.
    private let place: Atomic<Int>

    package init(_ level: Logger.Level) {
        place = Atomic(Self.place(of: level))
    }

    package var level: Logger.Level {
        get { Logger.Level.allCases[place.load(ordering: .relaxed)] }
        set { place.store(Self.place(of: newValue), ordering: .relaxed) }
    }

    private static func place(of level: Logger.Level) -> Int {
        guard let place = Logger.Level.allCases.firstIndex(of: level) else {
            preconditionFailure("all levels are there")
        }
        return place
    }
}
