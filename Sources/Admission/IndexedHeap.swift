/// A binary min-heap of small integers ("members") whose places are known, so that any of them can be removed or moved
/// in O(log n).
///
/// Where each member stands is kept by the owner, one entry per possible member, because a member of a slab is in at
/// most one heap of a kind and the slab already has a record for it.
struct IndexedHeap<Key: Comparable> {
    private(set) var items: [(key: Key, member: Int)] = []

    /// The place of a member that is in no heap.
    static var absent: Int { -1 }

    var isEmpty: Bool { items.isEmpty }
    var count: Int { items.count }
    var first: (key: Key, member: Int)? { items.first }

    mutating func insert(_ member: Int, key: Key, places: inout [Int]) {
        precondition(places[member] == Self.absent, "a member is inserted once")
        items.append((key, member))
        places[member] = items.count - 1
        siftUp(items.count - 1, &places)
    }

    mutating func remove(_ member: Int, places: inout [Int]) {
        let place = places[member]
        precondition(place != Self.absent, "only what is in the heap is removed")
        places[member] = Self.absent
        let last = items.removeLast()
        guard place < items.count else { return }
        items[place] = last
        places[last.member] = place
        siftUp(place, &places)
        siftDown(places[last.member], &places)
    }

    /// Inserts the member or gives it a new key.
    mutating func set(_ member: Int, key: Key, places: inout [Int]) {
        let place = places[member]
        guard place != Self.absent else { return insert(member, key: key, places: &places) }
        items[place].key = key
        siftUp(place, &places)
        siftDown(places[member], &places)
    }

    private mutating func siftUp(_ start: Int, _ places: inout [Int]) {
        var place = start
        let item = items[place]
        while place > 0 {
            let parent = (place - 1) / 2
            guard item.key < items[parent].key else { break }
            items[place] = items[parent]
            places[items[place].member] = place
            place = parent
        }
        items[place] = item
        places[item.member] = place
    }

    private mutating func siftDown(_ start: Int, _ places: inout [Int]) {
        var place = start
        let item = items[place]
        while true {
            var child = 2 * place + 1
            guard child < items.count else { break }
            if child + 1 < items.count, items[child + 1].key < items[child].key { child += 1 }
            guard items[child].key < item.key else { break }
            items[place] = items[child]
            places[items[place].member] = place
            place = child
        }
        items[place] = item
        places[item.member] = place
    }
}

extension IndexedHeap: Sendable where Key: Sendable {}
