/// How many callers' connections are taken, given what the policy says and the descriptors that there are.
struct ConnectionBound: Equatable, Sendable {
    /// As the policy has it.
    let configured: Int
    /// In force.
    let most: Int
    /// Connections beyond ``most`` that are still spoken to, so that their callers get an answer in place of a reset.
    let margin: Int
    /// The descriptors that there are and that ``configured`` needs; `nil` where there are enough.
    let missing: Missing?

    /// For the admin address, logs, files of the configuration, names, and connections to upstreams that are being
    /// dialled or wait unused.
    private static let reserved = 64
    /// An event loop has one for epoll, one to be woken and one for time; the fourth is a listener's part.
    private static let reservedPerWorker = 4

    /// - Parameter descriptors: how many the process may have; `nil` for as many as it wants.
    init(configured: Int, descriptors: Int?, workers: Int) {
        self.configured = configured
        let reserve = Self.reserved + Self.reservedPerWorker * workers
        let wanted = Self.margin(of: configured)
        let needed = 2 * configured + wanted + reserve
        guard let descriptors, descriptors < needed else {
            most = configured
            margin = wanted
            missing = nil
            return
        }
        margin = min(wanted, Self.margin(of: descriptors / 2))
        // A request needs one to its caller and one to its upstream.
        most = min(configured, max(1, (descriptors - reserve - margin) / 2))
        missing = Missing(limit: descriptors, needed: needed)
    }

    private static func margin(of connections: Int) -> Int {
        min(256, max(16, connections / 16))
    }

    /// From here on requests of low priority are refused, which ends their connections.
    func level(at open: Int) -> GuardLevel {
        if open > most - most / 20 { return .sheddingLow }
        return open > most - most / 10 ? .saving : .calm
    }

    /// What is to be said at the start, where descriptors are missing.
    var warning: String? {
        missing.map {
            "ulimit -n is \($0.limit): at most \(most) connections are taken, not the \(configured) of "
                + "guard.max_connections; raise it to \($0.needed)"
        }
    }

    struct Missing: Equatable, Sendable {
        var limit: Int
        var needed: Int
    }
}
