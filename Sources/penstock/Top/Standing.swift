import ProviderSimulator

/// How a proxy stands, as its `/status` tells it. What an older or newer version does not tell is nothing or zero.
///
/// All text is made printable here: names come from whoever calls the proxy.
struct Standing: Hashable, Sendable {
    var version: String
    var state: String
    var process: Process
    /// By name.
    var upstreams: [Upstream]

    struct Process: Hashable, Sendable {
        var connections: Bound
        /// In bytes.
        var memory: Bound
        var files: Bound
        /// Milliseconds.
        var lag: Int
        var level: String
    }

    /// How much of something there is, and how much there may be where that is known.
    struct Bound: Hashable, Sendable {
        var used: Int
        var most: Int?
    }

    struct Upstream: Hashable, Sendable {
        var name: String
        var url: String
        var inFlight: Int
        var waiting: Int
        /// What keeps all from going, in words.
        var notes: [String]
        var pool: String
        var limits: [Limit]
        var tenants: [Tenant]
        var tenantCount: Int
        /// What tenants are, in the policy's words.
        var outermost: String
        var refusals: [Refusal]
        var seconds: Seconds
    }

    /// One limit for one of those that it is for.
    struct Limit: Hashable, Sendable {
        var name: String
        var terms: [Term]
        var waiting: Int
        /// Milliseconds; `nil` where nobody knows.
        var nextFree: Int?

        var fullness: Double { terms.map { Double($0.bound.used) / Double(max(1, $0.bound.most ?? 1)) }.max() ?? 0 }
    }

    struct Term: Hashable, Sendable {
        var name: String
        var bound: Bound
    }

    struct Tenant: Hashable, Sendable {
        var name: String
        var inFlight: Int
        var waiting: Int
        /// Milliseconds that the oldest has waited; `nil` where nothing waits.
        var longest: Int?
        var heldBy: String
    }

    struct Refusal: Hashable, Sendable {
        var tenant: String
        var status: Int
        var count: Int
        /// Milliseconds since the last one.
        var age: Int
        var reason: String
    }

    /// One number a second, the latest last.
    struct Seconds: Hashable, Sendable {
        var requests: [Int] = []
        var inFlight: [Int] = []
        var waiting: [Int] = []
        var refused: [Int] = []
        var throttled: [Int] = []
    }
}
