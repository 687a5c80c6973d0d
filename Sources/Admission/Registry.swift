import DequeModule

/// What is found by name: the flow of an identity and the cells that it is tied to.
struct Registry: Sendable {
    /// Idle flows kept for their next ask; beyond it the longest idle one goes.
    static let idleFlows = 4096

    /// The level on which each limit is judged: the outermost one on which all that it depends on is known.
    let levels: [Int]
    /// Of each limit whether several nodes of the line may be tied to one of its cells.
    let gathers: [Bool]
    /// The innermost level on which anything is judged: below it only the line decides.
    let deepest: Int
    /// What tells flows apart: the line's levels, then whatever else a limit depends on.
    let path: [Dimension]
    /// Whether the line's levels tell apart all that has to be told apart, so that the nodes of the innermost one are
    /// flows. Not where that is also the outermost: what waits below a node is another list than what stands in it.
    let levelsAreFlows: Bool
    /// Whether any limit counts tokens, so that what is usual for each model must be known.
    let countsTokens: Bool
    /// Of the hashes of names.
    private let seed = NameHash.seedOfProcess()
    /// Nodes of the line, cells and counted combinations by what they stand for.
    var nodes = NodeIndex()
    var cells: [Key: Int] = [:]
    var entries: [Key: Int] = [:]
    /// The cells that stand for choices of keys, by the limits that the keys have for the same kind of request.
    var choices: [[Int]: Int] = [:]
    /// The level on which the choice of a key is judged; -1 where there are no keys.
    let keyLevel: Int
    /// Flows that nobody holds, in the order in which they became idle.
    var idle: Deque<Int> = []
    /// Cells that no flow is tied to any more but whose past still matters.
    var lingering: Deque<Int> = []

    struct Key: Hashable, Sendable {
        /// The limit's place in the rules; for a combination that a distinct limit counts, the cell's place.
        let owner: Int
        let values: [String]
    }

    init(rules: GateRules) {
        let line = rules.fairness.levels
        var path = line
        func mark(_ dimension: Dimension) {
            if !path.contains(dimension) { path.append(dimension) }
        }
        countsTokens = rules.countsTokens
        if countsTokens { mark(.model) }
        let levels = rules.limits.map { limit in
            let needed = limit.per + limit.match.map(\.dimension) + (limit.terms.distinct?.of ?? [])
            for dimension in needed { mark(dimension) }
            return (0...line.count).first { depth in needed.allSatisfy(line.prefix(depth).contains) } ?? line.count + 1
        }
        self.levels = levels
        let keyLevels = rules.limits.indices.filter { !rules.limits[$0].keys.isEmpty }.map { levels[$0] }
        keyLevel = rules.keys.isEmpty ? -1 : keyLevels.max() ?? 0
        deepest = rules.limits.indices.filter { rules.limits[$0].mode == .enforce }.map { levels[$0] }.max() ?? 0
        self.path = path
        gathers = zip(rules.limits, levels).map { limit, level in
            !(level <= line.count ? path.prefix(level) : path[...]).allSatisfy(limit.per.contains)
        }
        levelsAreFlows = line.count > 1 && path.count == line.count
    }

    /// The identity without what no rule of this gate looks at.
    func normalised(_ identity: Identity) -> Identity {
        var normalised = Identity(tenant: "")
        for dimension in path { normalised[dimension] = identity[dimension] }
        return normalised
    }

    /// The hash of the node that stands for an identity's names on so many steps of the path.
    func hash(_ identity: Identity, steps: Int) -> UInt32 {
        var hash = NameHash(seed: seed)
        for step in 0..<steps {
            // A class is one of three, whatever it is called.
            if path[step] == .priority { hash.combine(identity.priority) } else { hash.combine(identity[path[step]]) }
        }
        return hash.value
    }
}
