import CoreMetrics
import Synchronization

/// Where a series stands in the registry, so that it can be found again to be removed.
struct SeriesPlace: Sendable {
    let family: String
    let labels: Labels
    /// Stands for every series beyond the bound of its family, so nobody may remove it.
    let isFold: Bool
}

/// A number that only grows, fed by integer and floating-point counters alike.
final class CounterSeries: CounterHandler, FloatingPointCounterHandler {
    let place: SeriesPlace
    private let whole = Atomic<Int64>(0)
    /// The bits of a `Double`. Only amounts that are not whole come here.
    private let fraction = Atomic<UInt64>(0)

    init(place: SeriesPlace) {
        self.place = place
    }

    /// Amounts below zero are ignored, since a counter that falls reads as a restart; at the end of its range it stays.
    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        let sum = whole.wrappingAdd(amount, ordering: .relaxed).newValue
        if sum < 0 { whole.store(.max, ordering: .relaxed) }
    }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        if amount == amount.rounded(), amount < 9e15 {
            increment(by: Int64(amount))
        } else {
            fraction.add(amount)
        }
    }

    func reset() {
        whole.store(0, ordering: .relaxed)
        fraction.store(0, ordering: .relaxed)
    }

    var figure: Figure {
        let fraction = Double(bitPattern: fraction.load(ordering: .relaxed))
        let whole = whole.load(ordering: .relaxed)
        return fraction == 0 ? .integer(whole) : .real(Double(whole) + fraction)
    }
}

extension Atomic where Value == UInt64 {
    /// Adds to the `Double` whose bits are kept here.
    borrowing func add(_ amount: Double) {
        var bits = load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: bits) + amount).bitPattern
            let (exchanged, original) = weakCompareExchange(expected: bits, desired: sum, ordering: .relaxed)
            if exchanged { return }
            bits = original
        }
    }
}
