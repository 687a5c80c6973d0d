/// A min-heap of small integers that knows where each of them stands, for owners with one such heap.
struct Ranking<Key: Comparable> {
    private var heap = IndexedHeap<Key>()
    private var places: [Int] = []

    var first: (key: Key, member: Int)? { heap.first }
    /// In no particular order.
    var members: [Int] { heap.items.map(\.member) }

    /// `nil` where the member is not in.
    func key(of member: Int) -> Key? {
        guard member < places.count, places[member] != IndexedHeap<Key>.absent else { return nil }
        return heap.items[places[member]].key
    }

    /// Inserts the member or gives it a new key.
    mutating func set(_ member: Int, key: Key) {
        while places.count <= member { places.append(IndexedHeap<Key>.absent) }
        heap.set(member, key: key, places: &places)
    }

    /// Takes the member out; nothing where it is not in.
    mutating func remove(_ member: Int) {
        guard member < places.count, places[member] != IndexedHeap<Key>.absent else { return }
        heap.remove(member, places: &places)
    }
}

extension Ranking: Sendable where Key: Sendable {}
