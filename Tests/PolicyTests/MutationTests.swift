import Foundation
import Policy
import Rehearsal
import Testing

/// Valid files with random damage: the loader must always come back with a policy or with a mistake inside the file.
@Suite("Damaged files")
struct MutationTests {
    private static let seeds: [[UInt8]] = [
        Array(WholeShapeTests.wholeShape.utf8),
        Array("upstreams:\n  a: &a\n    url: https://a.example\n    limits: [{in_flight: 4}]\n  b:\n    <<: *a\n".utf8),
    ]

    /// Bytes that mean something to YAML or to UTF-8.
    private static let special =
        Array("\n\r\t :-#&*!|>'\"%@`[]{},?<~0é\u{2028}\u{FEFF}".utf8) + [0x00, 0x1B, 0x80, 0xFF]

    @Test("Every damaged file is read or refused with a place inside it", arguments: 0..<8)
    func survives(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let loader = PolicyLoader.test()
        for round in 0..<500 {
            let bytes = Self.damaged(Self.seeds[round % Self.seeds.count], &random)
            // A line may end in ways that count twice here; the bound need only be a bound.
            let lines = bytes.count { [0x0A, 0x0D, 0x85, 0xA8, 0xA9].contains($0) } + 1
            do {
                #expect(try !loader.load(bytes).policy.upstreams.isEmpty)
            } catch {
                let isInside = error.diagnostics.allSatisfy {
                    (1...lines).contains($0.position.line) && (1...bytes.count + 1).contains($0.position.column)
                }
                #expect(
                    !error.mistakes.isEmpty && isInside, "seed \(seed), round \(round): \(error)")
            }
        }
    }

    private static func damaged(_ original: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let start = Int.random(in: bytes.indices, using: &random)
            let end = min(bytes.count, start + Int.random(in: 1...24, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.removeSubrange(start..<end)
            case 1: bytes.insert(contentsOf: bytes[start..<end], at: start)
            case 2: bytes[start] = UInt8.random(in: 0...255, using: &random)
            case 3: bytes[start] = special.randomElement(using: &random) ?? 0
            default:
                let target = Int.random(in: bytes.indices, using: &random)
                bytes.insert(contentsOf: bytes[start..<end], at: target)
            }
        }
        return bytes
    }
}
