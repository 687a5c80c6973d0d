import Rehearsal
import Testing

@testable import Admission

/// Small parts of the limits that all replicas share; the whole is rehearsed in `RehearsalTests`.
struct SharedTests {
    @Test("The store's time is bounded by every answer, and best by the shortest round trip")
    func clock() {
        var clock = StoreClock()
        func note(_ store: Int64, sent: Int, received: Int) {
            clock.note(
                StoreTime(microseconds: store), sentAt: .start + .microseconds(sent),
                receivedAt: .start + .microseconds(received))
        }
        // The store is a second ahead; answers take 10 ms there and nothing back, then 100 µs both ways.
        let origin = Instant.start.nanoseconds / 1000 + 1_000_000
        note(origin + 10_000, sent: 0, received: 10_000)
        note(origin + 20_100, sent: 20_000, received: 20_200)
        let error = clock.instant(StoreTime(microseconds: origin + 30_000)) - (.start + .microseconds(30_000))
        #expect(abs(error.nanoseconds) <= 110_000)
        // Another store, an hour behind: the old bounds no longer hold.
        note(origin - 3_600_000_000, sent: 40_000, received: 40_100)
        let after = clock.time(.start + .microseconds(40_050))
        #expect(abs(after.microseconds - (origin - 3_600_000_000)) <= 101)
    }

    @Test("The parts of all replicas are one even grid of nine tenths")
    func grid() {
        let pace = SharedPace(gap: .milliseconds(90), span: .seconds(1), burst: 2)
        var clock = StoreClock()
        clock.note(StoreTime(microseconds: 5_000_000), sentAt: .start, receivedAt: .start)
        var sends: [Instant] = []
        for rank in 0..<4 {
            var part = PartPacer(
                pace, rank: rank, of: 4, stretch: 1, clock: clock, validity: .milliseconds(5), from: .start)
            var now = Instant.start
            while now < .start + .seconds(20) {
                let opening = part.opening(now: now)
                if opening > now {
                    now = opening
                } else {
                    part.charge(1, at: now)
                    sends.append(now)
                }
            }
        }
        sends.sort()
        for (one, next) in zip(sends, sends.dropFirst()) {
            #expect(abs((next - one - .milliseconds(100)).nanoseconds) <= 1000)
        }
        #expect(sends.count >= 198)
    }

    @Test("A credit is for whoever comes first, good for a moment, and told of where it was not used")
    func credits() {
        var credits = Credits(share: "t", limits: [0], validity: .milliseconds(5))
        credits.clear(.credits)
        #expect(credits.opening(now: .start) == .never)
        credits.deposit(at: .start + .milliseconds(20), .none)
        credits.deposit(at: .start + .milliseconds(10), .none)
        #expect(credits.opening(now: .start) == .start + .milliseconds(10))
        credits.take(.none, now: .start + .milliseconds(10))
        #expect(credits.opening(now: .start + .milliseconds(26)) == .never)
        let (back, more) = credits.takeDifference()
        #expect(back.requests == 1 && more.isEmpty)
        // One that had to wait for a connection goes without, and is told of.
        credits.take(.none, now: .start + .milliseconds(30))
        #expect(credits.takeDifference().more.requests == 1)
    }

    @Test("Slots without the store: never more in all than the limit, however they were held", arguments: 1...50)
    func slots(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let (most, members) = (Int.random(in: 1...40, using: &random), Int.random(in: 1...8, using: &random))
        var held = Array(repeating: 0, count: members)
        for _ in 0..<Int.random(in: 0...most, using: &random) { held[Int.random(in: 0..<members, using: &random)] += 1 }
        let all = held.reduce(0, +)
        var total = 0
        for rank in 0..<members {
            var cell = SharedCell(keys: ["in_flight"], rates: 0, budgets: 0)
            cell.noteHeld(all, own: held[rank])
            let part = SharedCell.Part(
                rank: rank, members: members, clock: StoreClock(), validity: .milliseconds(5))
            cell.goByPart(part, paces: [], quotas: [], most: most, inFlight: held[rank], now: .start)
            var own = held[rank]
            while cell.opening(inFlight: own, units: [], now: .start) == .start { own += 1 }
            total += own
        }
        #expect(total <= most, "seed \(seed): \(held) of \(most)")
    }
}
