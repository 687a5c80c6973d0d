import Rehearsal
import Testing

@testable import Admission

@Suite("Indexed heap and ranking")
struct HeapTests {
    @Test("the least key comes first, whatever was inserted, moved and removed", arguments: seeds(20))
    func order(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var ranking = Ranking<Int>()
        var keys: [Int: Int] = [:]
        for _ in 0..<300 {
            let member = Int.random(in: 0..<40, using: &random)
            if random.chance(percent: 60) {
                keys[member] = Int.random(in: 0..<1_000_000, using: &random)
                ranking.set(member, key: keys[member] ?? 0)
            } else {
                keys[member] = nil
                ranking.remove(member)
            }
            #expect(ranking.first?.key == keys.values.min(), "seed \(seed)")
            #expect(Set(ranking.members) == Set(keys.keys), "seed \(seed)")
        }
    }

    @Test("many heaps share one list of places")
    func sharedPlaces() {
        var places = Array(repeating: IndexedHeap<Int>.absent, count: 4)
        var (left, right) = (IndexedHeap<Int>(), IndexedHeap<Int>())
        left.insert(0, key: 2, places: &places)
        right.insert(1, key: 9, places: &places)
        left.insert(2, key: 1, places: &places)
        right.insert(3, key: 5, places: &places)
        #expect(left.first?.member == 2 && right.first?.member == 3)
        left.remove(2, places: &places)
        #expect(places[2] == IndexedHeap<Int>.absent)
        #expect(left.first?.member == 0 && right.count == 2)
    }

    @Test("what is not in is not removed, and being empty is no mistake")
    func absent() {
        var ranking = Ranking<Int>()
        ranking.remove(7)
        ranking.set(3, key: 1)
        ranking.remove(7)
        ranking.remove(3)
        #expect(ranking.first == nil)
    }

    @Test("a slab uses freed places again")
    func slab() {
        var slab = Slab<String>()
        let places = ["a", "b", "c"].map { slab.insert($0) }
        slab.remove(places[1], leaving: "")
        #expect(slab.count == 2)
        #expect(slab.insert("d") == places[1])
        #expect(slab[places[1]] == "d" && slab.capacity == 3)
    }
}
