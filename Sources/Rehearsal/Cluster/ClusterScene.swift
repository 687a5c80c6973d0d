import Admission

/// What a world of several replicas is made of.
package struct ClusterScene: Sendable {
    package var rules: GateRules
    package var replicas: Int
    /// Who keeps how many requests waiting or under way, at which replica.
    package var callers: [Caller]
    /// How long the provider works on a request: from the first to twice that.
    package var hold = Interval.milliseconds(400)
    /// From a replica to the store or back: from the first to twice that.
    package var storeDelay = Interval.microseconds(100)
    /// How far the replicas' clocks are off, at most, each by another amount.
    package var skew = Interval.zero
    /// What the provider may see late, at most.
    package var jitter = Interval.milliseconds(5)
    package var faults: [Fault] = []

    package struct Caller: Sendable {
        package var replica: Int
        package var tenant: String
        package var backlog: Int
        /// It comes then, and leaves then.
        package var from = Interval.zero
        package var until = Interval.forever

        package init(
            replica: Int, tenant: String, backlog: Int, from: Interval = .zero, until: Interval = .forever
        ) {
            (self.replica, self.tenant, self.backlog) = (replica, tenant, backlog)
            (self.from, self.until) = (from, until)
        }
    }

    package struct Fault: Sendable {
        package var at: Interval
        package var kind: Kind

        package init(at: Interval, _ kind: Kind) { (self.at, self.kind) = (at, kind) }
    }

    package enum Kind: Sendable {
        /// The store's process ends, and another one without its data begins after so long.
        case restart(after: Interval)
        /// It stops for so long, and then works on what came meanwhile.
        case hang(Interval)
        case flush
        /// Another server takes over at once, which knows all but the last moments.
        case failOver(lacking: Interval)
        /// One replica can't reach the store for so long.
        case cut(replica: Int, Interval)
        /// One replica ends without a word; the provider sees its connections end.
        case kill(replica: Int)
        /// The provider tells one replica to come back then.
        case pause(replica: Int, Interval)
    }

    package init(rules: GateRules, replicas: Int, callers: [Caller]) {
        (self.rules, self.replicas, self.callers) = (rules, replicas, callers)
    }
}
