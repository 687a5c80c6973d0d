import Foundation
import Rehearsal
import Testing

/// The inputs that were found or made by hand, each through the property it is for, as it is and with random damage;
/// `scripts/fuzz.sh` looks for further ones.
@Suite("What holds for every input")
struct CorpusTests {
    private static func inputs(_ property: Property) throws -> [(name: String, bytes: [UInt8])] {
        let folder = try #require(Bundle.module.resourceURL).appending(path: "Corpus/\(property)")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
    }

    @Test("holds for the corpus", arguments: Property.all)
    func corpus(property: Property) throws {
        let inputs = try Self.inputs(property)
        #expect(!inputs.isEmpty)
        for input in inputs {
            #expect(throws: Never.self, "\(property)/\(input.name)") { try property.check(input.bytes) }
        }
    }

    @Test("holds for damaged inputs", arguments: Property.all)
    func damaged(property: Property) throws {
        let seed: UInt64 = 1
        let inputs = try Self.inputs(property)
        var random = SplitMix64(seed: seed)
        for round in 0..<20 {
            let input = try #require(inputs.randomElement(using: &random))
            let other = try #require(inputs.randomElement(using: &random))
            let bytes = Self.damaged(input.bytes, with: other.bytes, &random)
            #expect(throws: Never.self, "seed \(seed), round \(round), bytes \(bytes)") { try property.check(bytes) }
        }
    }

    private static func damaged(
        _ original: [UInt8], with other: [UInt8], _ random: inout SplitMix64
    ) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let start = Int.random(in: bytes.indices, using: &random)
            let end = min(bytes.count, start + Int.random(in: 1...16, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.removeSubrange(start..<end)
            case 1: bytes.insert(contentsOf: bytes[start..<end], at: start)
            case 2: bytes[start] = UInt8.random(in: 0...255, using: &random)
            default: bytes.insert(contentsOf: other.prefix(end - start), at: start)
            }
        }
        return bytes
    }
}
