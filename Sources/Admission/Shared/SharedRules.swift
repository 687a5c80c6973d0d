/// Which limits of a gate hold over all replicas together, and what happens while the store is away that counts them.
package struct SharedRules: Hashable, Sendable {
    /// Names of limits.
    package var limits: [String]
    package var whenAway: WhenAway

    package enum WhenAway: Hashable, Sendable {
        /// This replica's part of each limit, by the last known membership, and a tenth less.
        case part
        /// Nobody goes.
        case deny
        /// Each replica for itself by the whole limit.
        case local
    }

    package init(limits: [String], whenAway: WhenAway = .part) {
        self.limits = limits
        self.whenAway = whenAway
    }
}
