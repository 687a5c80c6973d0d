/// The tree of lines: tenants share by weight, inside them priorities, inside those jobs, then flows, oldest first.
///
/// Start-time fair queueing (Goyal, Vin, Cheng: SIGCOMM 1996) on every level, for a server that works on several
/// requests at once (Jin, Chase, Kaur: SIGMETRICS 2004). A node's tag is the virtual time at which its next service
/// starts; the child with the least tag is next, and being served moves its tag on by cost over weight. The cost is the
/// dominant share (Ghodsi et al.: NSDI 2011): the nanoseconds for which the request would need all of what is scarcest,
/// estimated when it goes and corrected when it ends. Who was away starts at the parent's present, so idling earns no
/// credit. Only nodes with something to serve
/// are in their parent's heap, so choosing is O(depth · log n).
struct FairLine: Sendable {
    struct Node: Sendable {
        @Compact var parent: Int
        /// 0 for the root, then one per level of the rules; flows that stand for no level's value come last.
        @Compact var level: Int
        /// The value that the node stands for on its level; empty for root and flows that stand for none.
        let key: String
        /// By which it is found.
        var hash: UInt32 = 0
        @Compact var weight: Int
        /// The ancestor on the outermost level, or the node itself.
        @Compact var outermost = -1
        /// Cells that are judged here: those that are the same for everything below and not already the parent's.
        var attachments: [Attachment] = []
        /// Those of the whole path, outermost first; the parent's own array where nothing is added.
        var path: [Attachment] = []
        /// Where children stand by arrival, the order of arrival of the first ask.
        var tag: Int64 = 0
        /// How far the tag may lie behind the parent's present: what services turned out to cost less than charged.
        var credit: Int64 = 0
        var virtualTime: Int64 = 0
        /// When it last was served or came to have something in line: among equal tags the earlier one is next.
        var turn = 0
        var ready = IndexedHeap<Order>()
        /// The first of its places among those parked on cells, or -1.
        @Compact var stand = -1
        /// The cell that the node waits for outside the line, or -1, its place there, and the tokens that it wants.
        @Compact var parkedOn = -1
        @Compact var parkedPlace = -1
        var parkedFor = Tokens.none
        @Compact var children = 0
        /// Asks in line below this node, parked or not.
        @Compact var standing = 0
        /// Of an outermost node: asks waiting (in line or delayed) and attempts under way below it.
        @Compact var waiting = 0
        @Compact var inFlight = 0
        /// Of an outermost node: how long its attempts usually hold their slots, a moving average over the last eight.
        var usualHold: Interval?
        /// Ends of the list of asks: in a flow those in line, in an outermost node all that wait; oldest first.
        @Compact var head = -1
        @Compact var tail = -1
        /// Of a flow: asks waiting and attempts under way, with none of which it may be forgotten.
        @Compact var holders = 0
        /// Whether asks stand in it, and not other nodes.
        var isFlow = false
        /// Whether it stands among its siblings by the arrival of its first ask and not by what it got: a flow that stands
        /// for no level's value.
        var isByArrival = false
        /// Whether it stands in the list of idle flows.
        var isListedIdle = false
        /// Of a flow by arrival: whose asks these are.
        var owner: Owner?
        /// Of a flow: the cells of limits that are only observed; and all cells that an attempt is charged in.
        var watched: [Attachment] = []
        var charged: [Attachment] = []

        /// What a freed place holds.
        static let freed = Node(parent: -1, level: -1, key: "", weight: 1)

        /// How far a service moves the tag on.
        func step(_ cost: Int64) -> Int64 {
            cost == 0 ? 0 : max(1, weight == 1 ? cost : cost / Int64(weight))
        }

        /// Moves the tag on by a service; returns the parent's present after it.
        mutating func serve(_ cost: Int64, present: Int64, turn: Int) -> Int64 {
            let start = max(tag, present - credit)
            tag = start + step(cost)
            credit = max(0, min(credit, present - tag))
            self.turn = turn
            return max(present, start)
        }
    }

    /// An identity, kept apart because few nodes have one and it is large.
    final class Owner: Sendable {
        let identity: Identity

        init(_ identity: Identity) { self.identity = identity }
    }

    /// Least tag first; among equals the one whose turn is earlier.
    struct Order: Comparable, Sendable {
        let tag: Int64
        let turn: Int

        static func < (left: Order, right: Order) -> Bool {
            left.tag != right.tag ? left.tag < right.tag : left.turn < right.turn
        }
    }

    /// The cost of a request where nothing is shared that it takes a part of.
    static let unit: Int64 = 1 << 20
    static let root = 0
    /// How many neighbours an estimate looks at.
    static let estimateBreadth = 64

    private(set) var nodes = Slab<Node>()
    /// Of each node in its parent's heap.
    private var places: [Int] = []
    var turns = 0
    var stands = Slab<Stand>()
    /// Of each stand in the heap of the one above it.
    var standPlaces: [Int] = []

    init() {
        _ = insert(Node(parent: -1, level: 0, key: "", weight: 1))
    }

    subscript(node: Int) -> Node {
        _read { yield nodes[node] }
        _modify { yield &nodes[node] }
    }

    mutating func insert(_ node: consuming Node) -> Int {
        let (level, parent) = (node.level, node.parent)
        let place = nodes.insert(node)
        nodes[place].outermost = level > 1 ? nodes[parent].outermost : place
        if place == places.count { places.append(IndexedHeap<Order>.absent) }
        if parent >= 0 { nodes[parent].children += 1 }
        return place
    }

    mutating func remove(_ node: Int) {
        precondition(nodes[node].children == 0 && !isReady(node) && nodes[node].parkedOn < 0, "only a bare node goes")
        nodes[nodes[node].parent].children -= 1
        nodes.remove(node, leaving: .freed)
    }

    /// The values on the way from the root to a node.
    func keys(of start: Int) -> [String] {
        var keys: [String] = []
        var node = start
        while node != Self.root {
            keys.append(nodes[node].key)
            node = nodes[node].parent
        }
        return keys.reversed()
    }

    /// The cells of a flow's whole path, outermost first.
    func attachments(of flow: Int) -> [Attachment] {
        nodes[flow].path
    }

    /// All cells that an attempt of a flow is charged in: those of its path and those that are only observed.
    func charged(by flow: Int) -> [Attachment] {
        nodes[flow].charged
    }

    /// The ancestor on the outermost level, to which queue bounds apply; the root where the rules name no level.
    func outermost(of flow: Int) -> Int {
        let node = nodes[flow].outermost
        return node == flow ? Self.root : node
    }

    // MARK: Standing in line

    var hasReady: Bool { !nodes[Self.root].ready.isEmpty }

    func isReady(_ node: Int) -> Bool { places[node] != IndexedHeap<Order>.absent }

    /// The child that is served next.
    func next(below node: Int) -> Int? { nodes[node].ready.first?.member }

    /// Whether nothing above a node keeps it from being served.
    func isReachable(_ start: Int) -> Bool {
        var node = start
        while node != Self.root {
            if nodes[node].parkedOn >= 0 { return false }
            node = nodes[node].parent
        }
        return true
    }

    /// Counts an ask that came into line in a flow.
    mutating func join(_ flow: Int) {
        var node = flow
        while node != Self.root {
            if nodes[node].standing == 0 {
                nodes[node].turn = nextTurn()
                if !nodes[node].isByArrival { arrive(node) }
            }
            nodes[node].standing += 1
            node = nodes[node].parent
        }
    }

    /// Notes that an ask of a flow comes and goes at once, without standing in line.
    mutating func pass(_ flow: Int) {
        var node = nodes[flow].isByArrival ? nodes[flow].parent : flow
        while node != Self.root {
            if nodes[node].standing == 0 { arrive(node) }
            node = nodes[node].parent
        }
    }

    /// Who was away starts at the parent's present.
    private mutating func arrive(_ node: Int) {
        nodes[node].tag = max(nodes[node].tag, nodes[nodes[node].parent].virtualTime)
        nodes[node].credit = 0
    }

    /// Counts an ask of a flow that left the line.
    mutating func part(_ flow: Int) {
        var node = flow
        while node != Self.root {
            nodes[node].standing -= 1
            node = nodes[node].parent
        }
    }

    /// Puts a node that has something to serve into the line, and its ancestors with it; stops at one that is parked.
    mutating func activate(_ start: Int) {
        var node = start
        while node != Self.root, nodes[node].parkedOn < 0 {
            let parent = nodes[node].parent
            let isInLine = isReady(node)
            if isInLine, !nodes[node].isByArrival { return }
            nodes[parent].ready.set(node, key: order(of: node), places: &places)
            if isInLine { return }
            node = parent
        }
    }

    /// Takes a node out of its parent's heap; says whether it was there.
    mutating func withdraw(_ node: Int) -> Bool {
        guard isReady(node) else { return false }
        nodes[nodes[node].parent].ready.remove(node, places: &places)
        return true
    }

    /// Where a node stands among its siblings.
    func order(of node: Int) -> Order {
        Order(tag: nodes[node].tag, turn: nodes[node].isByArrival ? 0 : nodes[node].turn)
    }

    private mutating func nextTurn() -> Int {
        turns += 1
        return turns
    }

    // MARK: Service

    /// Moves the tags along the path of a flow that is served.
    mutating func charge(_ flow: Int, cost: Int64) {
        var node = nodes[flow].isByArrival ? nodes[flow].parent : flow
        while node != Self.root {
            let parent = nodes[node].parent
            turns += 1
            nodes[parent].virtualTime = nodes[node].serve(cost, present: nodes[parent].virtualTime, turn: turns)
            if isReady(node) { nodes[parent].ready.set(node, key: order(of: node), places: &places) }
            if nodes[node].stand >= 0 { reorderParked(node) }
            node = parent
        }
    }

    /// Puts another cost in the place of the one that a service was charged: zero where it did not happen.
    mutating func correct(_ flow: Int, _ charged: Int64, to cost: Int64) {
        guard charged != cost else { return }
        var node = nodes[flow].isByArrival ? nodes[flow].parent : flow
        while node != Self.root {
            let parent = nodes[node].parent
            let change = step(of: node, cost: cost) - step(of: node, cost: charged)
            nodes[node].tag += change
            if change < 0 { nodes[node].credit -= change }
            if isReady(node) { nodes[parent].ready.set(node, key: order(of: node), places: &places) }
            if nodes[node].stand >= 0 { reorderParked(node) }
            node = parent
        }
    }

    /// How far a service moves a node's tag on.
    private func step(of node: Int, cost: Int64) -> Int64 { nodes[node].step(cost) }

    /// Whether the first of two nodes on the same level is to be served before the second.
    func precedes(_ left: Int, _ right: Int) -> Bool {
        let (leftmost, rightmost) = (nodes[left].outermost, nodes[right].outermost)
        if leftmost != rightmost { return order(of: leftmost) < order(of: rightmost) }
        var (left, right) = (left, right)
        while nodes[left].parent != nodes[right].parent {
            (left, right) = (nodes[left].parent, nodes[right].parent)
        }
        return order(of: left) < order(of: right)
    }

    /// How many asks below a node's parent go before a new one below the node that has so many of the node's own before
    /// it, at the least. True where nothing but the line decides among the siblings.
    func ahead(of node: Int, own: Int, cost: Int64) -> Int {
        let parent = nodes[node].parent
        guard !nodes[node].isByArrival else { return nodes[parent].standing }
        // Who comes now is after those whose tag is the same.
        let isNew = nodes[node].standing == 0
        let present = isNew ? nodes[parent].virtualTime : .min
        let start = max(nodes[node].tag, present) + Int64(own) * step(of: node, cost: cost)
        var count = own
        for sibling in nodes[parent].ready.items.prefix(Self.estimateBreadth) where sibling.member != node {
            let step = step(of: sibling.member, cost: cost)
            if sibling.key.tag < start {
                let served = Int((start - sibling.key.tag + step - 1) / step)
                count += min(served, nodes[sibling.member].standing)
            } else if isNew, sibling.key.tag == start {
                count += 1
            }
        }
        return count
    }
}
