import Admission
import Rehearsal
import Testing

/// The proof in docs/cluster.md, tried by callers who idle, come in bursts and keep any period.
struct StorePaceTests {
    @Test("No span ever holds more than has its gaps, whatever callers do", arguments: [(8, 2), (60, 15), (100, 50)])
    func adversary(units: Int, burst: Int) {
        for seed in seeds(12) {
            var random = SplitMix64(seed: seed)
            let span = Interval.seconds(60)
            let pace = SharedPace(gap: span / units + Interval(nanoseconds: 1), span: span, burst: burst)
            var (store, sends, now) = (ModelStore(), [Int64](), Int64(1_700_000_000_000_000))
            let end = now + 5 * 60_000_000
            func ask() -> Bool {
                let answer = store.answer(.one(pace, items: 1), of: "r", now: StoreTime(microseconds: now))
                guard let delay = answer?.grants.first?.delays.first else { return false }
                sends.append(now + delay.nanoseconds / 1000)
                return true
            }
            while now < end {
                let length = random.interval(upTo: .seconds(60)).nanoseconds / 1000
                let gap = pace.gap.nanoseconds / 1000
                switch random.int(0...3) {
                case 0: now += length
                case 1:
                    let stop = now + length
                    while now < stop { if !ask() { now += 20_000 } }
                case 2:
                    let (stop, period) = (now + length, gap + Int64(random.int(0...Int(gap))))
                    while now < stop {
                        _ = ask()
                        now += period
                    }
                default:
                    for _ in 0..<random.int(1...burst) { _ = ask() }
                    now += random.interval(upTo: pace.gap).nanoseconds / 1000
                }
            }
            sends.sort()
            var (first, most) = (0, 0)
            for (index, instant) in sends.enumerated() {
                while sends[first] <= instant - 60_000_000 { first += 1 }
                most = max(most, index - first + 1)
            }
            // Both edges of a span may have one.
            #expect(most <= units + 1, "seed \(seed): \(most)")
        }
    }

    @Test("Short rests cost about what they last, however often they come")
    func rests() {
        let pace = SharedPace(gap: .milliseconds(20), span: .seconds(10), burst: 125)
        let begin: Int64 = 1_700_000_000_000_000
        var (store, sends, now) = (ModelStore(), 0, begin)
        while now < begin + 60_000_000 {
            // A rest of 150 ms in every two seconds, of which 50 ms were booked.
            let isResting = (now - begin) % 2_000_000 < 150_000
            if !isResting {
                let answer = store.answer(.one(pace, items: 5), of: "r", now: StoreTime(microseconds: now))
                if now >= begin + 20_000_000 { sends += answer?.grants.first?.delays.count ?? 0 }
            }
            now += 10_000
        }
        // 5 % of rest, which its burst takes back and then costs by half as much again.
        #expect(sends >= 2000 * 92 / 100, "\(sends)")
    }

    @Test("Who has used half of a span at once waits until it is paid back, and goes on then")
    func whole() {
        let pace = SharedPace(gap: .milliseconds(100), span: .seconds(10), burst: 50)
        var (store, sends, now) = (ModelStore(), [Int64](), Int64(1_700_000_000_000_000))
        for _ in 0..<4000 {
            let answer = store.answer(.one(pace, items: 60), of: "r", now: StoreTime(microseconds: now))
            sends += answer?.grants.first?.delays.map { now + $0.nanoseconds / 1000 } ?? []
            now += 10_000
        }
        sends.sort()
        let most = sends.indices.map { first in sends[first...].prefix { $0 < sends[first] + 10_000_000 }.count }.max()
        #expect(most ?? 0 <= 101, "\(sends.count)")
        #expect(sends.count >= 200)
    }
}

extension SharedTurn {
    /// Asks for so many of one rate.
    fileprivate static func one(_ pace: SharedPace, items: Int) -> SharedTurn {
        let cell = Cell(key: "c", isOwn: false, pause: .zero, kind: .paced(pace, more: 0, back: 0, risk: 0))
        return SharedTurn(
            number: 1, epoch: "", promise: .seconds(3600), pause: .zero, cells: [cell],
            asks: [Ask(share: "t", step: 1, cells: [0], units: Array(repeating: [1], count: items))])
    }
}
