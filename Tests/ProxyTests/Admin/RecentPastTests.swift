import Admission
import Providers
import Testing

@testable import Proxy

@Suite("Refusals that are remembered")
struct RefusalJournalTests {
    private static func after(_ seconds: Int) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

    private static func refusal(_ limit: String, wait: Int = 3) -> Refusal {
        .limitReached(RefusedLimit(name: limit, bound: .inFlight(4)), wait: .seconds(wait))
    }

    @Test("like ones are one entry with a count, the latest first")
    func alike() {
        var journal = RefusalJournal()
        for second in 0..<4 {
            journal.note(
                Self.refusal("account", wait: second + 1), tenant: "a", outcome: .limited, now: Self.after(second))
        }
        journal.note(Self.refusal("account"), tenant: "b", outcome: .limited, now: Self.after(9))
        journal.note(Self.refusal("other"), tenant: "a", outcome: .limited, now: Self.after(5))
        journal.note(.draining, tenant: "a", outcome: .failed, now: Self.after(6))
        #expect(journal.latest.map(\.kind.tenant) == ["b", "a", "a", "a"])
        #expect(journal.latest.map(\.count) == [1, 1, 1, 4])
        #expect(journal.latest.last?.first == Self.after(0) && journal.latest.last?.last == Self.after(3))
        #expect(journal.limited == 6)
    }

    @Test("the reason is the message without what all say and what was for that moment")
    func reason() {
        var journal = RefusalJournal()
        journal.note(Self.refusal("account"), tenant: "a", outcome: .limited, now: Self.after(0))
        journal.note(
            .connectFailed(.refused, upstream: "up"), tenant: "a", outcome: .failed, now: Self.after(1))
        #expect(
            journal.latest.map(\.reason) == [
                "Penstock could not reach up: the connection was refused",
                #"limit "account" (4 requests in flight) is reached"#,
            ])
    }

    @Test("a flood of names pushes out the oldest, and long names are cut")
    func bounded() {
        var journal = RefusalJournal()
        for number in 0..<100 {
            let tenant = "\(number) " + String(repeating: "x", count: 1000)
            journal.note(Self.refusal("account"), tenant: tenant, outcome: .limited, now: Self.after(number))
        }
        #expect(journal.entries.count == RefusalJournal.kept)
        #expect(journal.latest.first?.kind.tenant.hasPrefix("99 ") == true)
        #expect(journal.entries.allSatisfy { $0.kind.tenant.count == 100 && $0.last >= Self.after(84) })
    }
}

@Suite("The seconds past")
struct SecondsPastTests {
    private static func after(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 7_000_000_000) + .milliseconds(milliseconds)
    }

    private static func totals(_ requests: Int) -> SecondsPast.Totals { SecondsPast.Totals(requests: requests) }

    @Test("a second is what came within it and what stands at its end, however often it is looked at")
    func seconds() {
        var past = SecondsPast()
        for quarter in 0...12 {
            past.note(Self.totals(quarter * quarter), inFlight: quarter, waiting: 0, now: Self.after(quarter * 250))
        }
        #expect(past.seconds.map(\.requests) == [16, 48, 80])
        #expect(past.seconds.map(\.inFlight) == [4, 8, 12])
    }

    @Test("what came in a gap is spread over its seconds, and nothing is lost")
    func gap() {
        var past = SecondsPast()
        past.note(Self.totals(10), inFlight: 0, waiting: 0, now: Self.after(0))
        past.note(Self.totals(21), inFlight: 1, waiting: 2, now: Self.after(3400))
        #expect(past.seconds.map(\.requests) == [3, 4, 4])
        #expect(past.seconds.allSatisfy { $0.inFlight == 1 && $0.waiting == 2 })
        past.note(Self.totals(30), inFlight: 0, waiting: 0, now: Self.after(4400))
        #expect(past.seconds.map(\.requests) == [3, 4, 4, 9])
    }

    @Test("only the last are kept, also after a gap of hours")
    func bounded() {
        var past = SecondsPast()
        past.note(Self.totals(0), inFlight: 0, waiting: 0, now: Self.after(0))
        past.note(Self.totals(240), inFlight: 0, waiting: 0, now: Self.after(9_000_000))
        #expect(past.seconds.count == SecondsPast.kept && past.seconds.allSatisfy { $0.requests == 2 })
        for second in 1...200 {
            past.note(Self.totals(240), inFlight: 0, waiting: 0, now: Self.after(9_000_000 + second * 1000))
        }
        #expect(past.seconds.count == SecondsPast.kept && past.seconds.allSatisfy { $0.requests == 0 })
    }
}
