import Admission

/// Which address is tried next, and when.
///
/// Seeds go round. Where a Sentinel or a Redis Cluster sent us is tried once, at once; a chain of such directions is
/// followed for as many steps as a cluster may need, and not for ever.
struct StoreRoute: Sendable {
    private let seeds: [StoreAddress]
    private let asksSentinels: Bool
    private var next = 0
    private var directed: StoreAddress?
    private var directions = 0
    private var failures = 0

    static let mostDirections = 5
    /// The first wait and the longest: the store is to be back in use within a second of its return.
    static let firstWait = Interval.milliseconds(20)
    static let longestWait = Interval.milliseconds(400)

    init(_ settings: StoreSettings) {
        (seeds, asksSentinels) = (settings.seeds, settings.sentinelName != nil)
    }

    /// What to dial now, and whether a Sentinel is expected there.
    mutating func target() -> (address: StoreAddress, isSentinel: Bool) {
        if let directed {
            self.directed = nil
            return (directed, false)
        }
        defer { next = (next + 1) % seeds.count }
        return (seeds[next], asksSentinels)
    }

    /// Says whether the direction is to be followed.
    mutating func direct(to address: StoreAddress) -> Bool {
        directions += 1
        guard directions <= Self.mostDirections else { return false }
        directed = address
        return true
    }

    /// A connection works. Its seed is tried first when it breaks: most often that is only a restart.
    mutating func succeeded() {
        (failures, directions) = (0, 0)
        next = (next + seeds.count - 1) % seeds.count
    }

    /// How long to wait before the next try.
    ///
    /// - Parameter chance: 0 to 255, so that a hundred replicas do not come all at once.
    mutating func failed(chance: UInt8) -> Interval {
        (failures, directions) = (failures + 1, 0)
        let longest = min(Self.longestWait, Self.firstWait * (1 << min(failures - 1, 10)))
        return longest / 2 + longest / 512 * Int(chance)
    }
}
