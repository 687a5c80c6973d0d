import Admission

extension ClusterWorld {
    /// How many sends are too many: of all windows of a length that begin with a send, the one with most.
    package func most(within length: Interval, since start: Interval = .zero) -> Int {
        let sends = sends.sorted()
        var (first, most) = (0, 0)
        for (index, instant) in sends.enumerated() where instant >= Self.start + start {
            while sends[first] <= instant - length { first += 1 }
            most = max(most, index - first + 1)
        }
        return most
    }

    /// How many of the sends a provider refuses that enforces a rate in one of the usual ways.
    package func refused(by enforcement: RateEnforcement) -> Int {
        var enforcement = enforcement
        return sends.sorted().count { !enforcement.admits(at: $0) }
    }

    package func sends(from: Interval, to: Interval) -> Int {
        sends.count { $0 >= Self.start + from && $0 < Self.start + to }
    }
}
