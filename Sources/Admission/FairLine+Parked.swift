/// Who of those parked on a cell comes first in the line.
///
/// For each cell on which several nodes may be parked, the part of the line's tree that leads to them: the same order on
/// every level, among the children that are parked or have such a node below them. A node's place is moved wherever its
/// order in the line changes, so that the first one is found without looking at the others.
extension FairLine {
    /// A node's place among its siblings for the sake of one cell.
    struct Stand: Sendable {
        @Compact var node: Int
        @Compact var cell: Int
        /// The stand of the node's parent; -1 for the root's.
        @Compact var above = -1
        /// Another stand of the same node, for another cell.
        @Compact var next = -1
        /// The stands of the node's children.
        var below = IndexedHeap<Order>()
    }

    /// Enters a node that is parked now.
    ///
    /// - Parameter root: the stand of the line's root for this cell, -1 where there is none.
    mutating func enlist(_ start: Int, on cell: Int, root: inout Int) {
        var node = start
        var own = addStand(of: node, on: cell)
        while node != Self.root {
            let parent = nodes[node].parent
            let known = parent == Self.root ? root : stand(of: parent, on: cell)
            let above = known >= 0 ? known : addStand(of: parent, on: cell)
            if parent == Self.root { root = above }
            stands[own].above = above
            stands[above].below.insert(own, key: order(of: node), places: &standPlaces)
            if known >= 0 { return }
            (node, own) = (parent, above)
        }
    }

    /// Takes out a node that is parked no longer.
    mutating func delist(_ node: Int, from cell: Int, root: inout Int) {
        var own = stand(of: node, on: cell)
        while true {
            let above = stands[own].above
            if above >= 0 { stands[above].below.remove(own, places: &standPlaces) } else { root = -1 }
            removeStand(own)
            guard above >= 0, stands[above].below.isEmpty else { return }
            own = above
        }
    }

    /// The first of those parked below a root's stand.
    func firstParked(below root: Int) -> Int? {
        guard root >= 0 else { return nil }
        var own = root
        while let first = stands[own].below.first { own = first.member }
        return stands[own].node
    }

    /// Moves a node whose order has changed to its new places among those that are parked.
    mutating func reorderParked(_ node: Int) {
        var own = nodes[node].stand
        while own >= 0 {
            stands[stands[own].above].below.set(own, key: order(of: node), places: &standPlaces)
            own = stands[own].next
        }
    }

    // MARK: Stands

    /// A node has as many as there are cells that its own asks wait for.
    private func stand(of node: Int, on cell: Int) -> Int {
        var own = nodes[node].stand
        while own >= 0, stands[own].cell != cell { own = stands[own].next }
        return own
    }

    /// The root's is known to the cell only: its order never changes.
    private mutating func addStand(of node: Int, on cell: Int) -> Int {
        let own = stands.insert(Stand(node: node, cell: cell))
        if own == standPlaces.count { standPlaces.append(IndexedHeap<Order>.absent) }
        guard node != Self.root else { return own }
        stands[own].next = nodes[node].stand
        self[node].stand = own
        return own
    }

    private mutating func removeStand(_ own: Int) {
        let (node, next) = (stands[own].node, stands[own].next)
        stands.remove(own, leaving: Stand(node: -1, cell: -1))
        guard node != Self.root else { return }
        if nodes[node].stand == own { return self[node].stand = next }
        var before = nodes[node].stand
        while stands[before].next != own { before = stands[before].next }
        stands[before].next = next
    }
}
