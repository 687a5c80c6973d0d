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
        sift((key, member), from: items.count - 1, &places)
    }

    mutating func remove(_ member: Int, places: inout [Int]) {
        let place = places[member]
        precondition(place != Self.absent, "only what is in the heap is removed")
        places[member] = Self.absent
        let last = items.removeLast()
        if place < items.count { sift(last, from: place, &places) }
    }

    /// Inserts the member or gives it a new key.
    mutating func set(_ member: Int, key: Key, places: inout [Int]) {
        let place = places[member]
        guard place != Self.absent else { return insert(member, key: key, places: &places) }
        sift((key, member), from: place, &places)
    }

    /// Puts an item where it belongs, whose place is free so far.
    ///
    /// Not checked in release builds: all places are below the count, for parents come before and children are compared
    /// with it, and every member in the heap had its entry in `places` when it was inserted.
    private mutating func sift(_ item: (key: Key, member: Int), from start: Int, _ places: inout [Int]) {
        items.withUnsafeMutableBufferPointer { items in
            places.withUnsafeMutableBufferPointer { places in
                var place = start
                while place > 0, item.key < items[(place - 1) / 2].key {
                    Self.move((place - 1) / 2, to: place, items, places)
                    place = (place - 1) / 2
                }
                while place >= start, let child = Self.leastChild(of: place, items), items[child].key < item.key {
                    Self.move(child, to: place, items, places)
                    place = child
                }
                items[place] = item
                places[item.member] = place
            }
        }
    }

    private typealias Items = UnsafeMutableBufferPointer<(key: Key, member: Int)>

    private static func leastChild(of place: Int, _ items: Items) -> Int? {
        let left = 2 * place + 1
        guard left + 1 < items.count else { return left < items.count ? left : nil }
        return items[left + 1].key < items[left].key ? left + 1 : left
    }

    private static func move(
        _ place: Int, to free: Int, _ items: Items, _ places: UnsafeMutableBufferPointer<Int>
    ) {
        items[free] = items[place]
        places[items[free].member] = free
    }
}

extension IndexedHeap: Sendable where Key: Sendable {}
