import Testing

@testable import ProviderSimulator

@Suite("The journal")
struct JournalTests {
    @Test("has a line for each arrival and for the end of what was accepted, in order, and is taken once")
    func lines() throws {
        var settings = SimulatorSettings()
        settings.limits = [try LimitRule("in_flight=1")]
        settings.keepsJournal = true
        let ledger = SharedLedger(settings: settings)
        let first = ledger.arrive(key: "a")
        let second = ledger.arrive(key: "b")
        ledger.leave(second, status: 429, cancelled: false)
        ledger.leave(first, status: 200, cancelled: false)
        let journal = ledger.takeJournal()
        #expect(journal.map(\.kind) == [.accepted, .refused, .left])
        #expect(journal.map(\.key) == ["a", "b", "a"])
        #expect(journal.map(\.at) == journal.map(\.at).sorted())
        #expect(ledger.takeJournal().isEmpty)
    }

    @Test("is kept only where it is asked for")
    func silence() {
        let ledger = SharedLedger(settings: SimulatorSettings())
        ledger.leave(ledger.arrive(key: "a"), status: 200, cancelled: false)
        #expect(ledger.takeJournal().isEmpty)
    }
}
