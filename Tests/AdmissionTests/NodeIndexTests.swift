import Rehearsal
import Testing

@testable import Admission

@Suite("Index of nodes")
struct NodeIndexTests {
    @Test("finds what is in and nothing else, whatever was entered and taken out", arguments: seeds(20))
    func contents(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var index = NodeIndex()
        var hashes: [Int: UInt32] = [:]
        for _ in 0..<500 {
            let node = Int.random(in: 0..<60, using: &random)
            if let hash = hashes.removeValue(forKey: node) {
                index.remove(node, hash: hash)
            } else {
                // Few and near the table's end, so that many stand where others belong, also across the end.
                hashes[node] = UInt32.max - UInt32.random(in: 0..<9, using: &random)
                index.insert(node, hash: hashes[node] ?? 0)
            }
            #expect(index.count == hashes.count, "seed \(seed)")
            for hash in UInt32.max - 9...UInt32.max {
                let expected = hashes.filter { $0.value == hash }.map(\.key).sorted()
                #expect(nodes(hash, in: index).sorted() == expected, "seed \(seed)")
            }
        }
    }

    private func nodes(_ hash: UInt32, in index: NodeIndex) -> [Int] {
        var probe = index.probe(hash)
        var nodes: [Int] = []
        while let node = index.next(&probe) { nodes.append(node) }
        return nodes
    }
}
