import Admission
import Rehearsal
import Testing

@Suite("Worlds of a seed")
struct WorldTests {
    @Test("one seed and length give one course of events", arguments: [UInt64(3), 5, 7])
    func repeatable(seed: UInt64) {
        let (first, second) = (Rehearsal.run(seed: seed, for: .minutes(5)), Rehearsal.run(seed: seed, for: .minutes(5)))
        #expect(first.events == second.events)
        #expect(first.sends == second.sends)
        #expect(first.served == second.served)
        #expect(first.events > 100)
    }
}
