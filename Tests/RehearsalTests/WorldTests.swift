import Admission
import Rehearsal
import Testing

@Suite("Worlds of a seed")
struct WorldTests {
    private static func kind(_ seed: UInt64) -> String {
        Scenario.random(seed: seed, for: .minutes(5)).kind?.rawValue ?? ""
    }

    @Test("every promise holds in the world of a seed", arguments: seeds(40))
    func promises(seed: UInt64) {
        let findings = Rehearsal.run(seed: seed, for: .minutes(5))
        #expect(
            findings.complaints.isEmpty,
            "\(Self.kind(seed)), again with: PENSTOCK_SEED=\(seed) swift test --filter WorldTests")
        #expect(findings.sends > 0, "seed \(seed)")
    }

    @Test("one seed and length give one course of events", arguments: [UInt64(3), 5, 7])
    func repeatable(seed: UInt64) {
        let (first, second) = (Rehearsal.run(seed: seed, for: .minutes(5)), Rehearsal.run(seed: seed, for: .minutes(5)))
        #expect(first.events == second.events)
        #expect(first.sends == second.sends)
        #expect(first.served == second.served)
        #expect(first.events > 100)
    }

    @Test("the seeds meet every kind of world")
    func kinds() {
        let met = Set((1...40).map { Self.kind(UInt64($0)) })
        #expect(met == Set(Scenario.Kind.allCases.map(\.rawValue)))
    }
}
