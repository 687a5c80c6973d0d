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
                let cell = SharedTurn.Cell(
                    key: "c", isOwn: false, pause: .zero, kind: .paced(pace, more: 0, back: 0, risk: 0))
                let turn = SharedTurn(
                    number: 1, epoch: "", promise: .seconds(3600), pause: .zero, cells: [cell],
                    asks: [SharedTurn.Ask(share: "t", step: 1, cells: [0], units: [[1]])])
                let answer = store.answer(turn, of: "r", now: StoreTime(microseconds: now))
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
}
