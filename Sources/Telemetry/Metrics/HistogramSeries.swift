import CoreMetrics
import Synchronization

/// Observations counted by size: a swift-metrics `Timer`, shown in seconds, or a `Recorder` that aggregates, shown in
/// the unit that its caller records.
final class HistogramSeries: TimerHandler, RecorderHandler {
    /// Buckets that an object has room for, the one up to infinity included.
    static let slots = 32

    let place: SeriesPlace
    let bounds: HistogramBounds
    private let counts: InlineArray<32, Atomic<Int64>> = InlineArray { _ in Atomic(0) }
    /// What timers add: exact, and a single instruction.
    private let nanoseconds = Atomic<Int64>(0)
    /// What recorders add: the bits of a `Double`, because sizes in bytes would soon overflow thousand-millionths.
    private let units = Atomic<UInt64>(0)

    init(place: SeriesPlace, bounds: HistogramBounds) {
        self.place = place
        self.bounds = bounds
    }

    /// A length below zero, from a clock that was set back, counts as zero.
    func recordNanoseconds(_ duration: Int64) {
        let length = max(duration, 0)
        var bucket = 0
        let bounds = bounds.nanoseconds
        while bucket < bounds.count, length > bounds[bucket] { bucket &+= 1 }
        counts[bucket].wrappingAdd(1, ordering: .relaxed)
        let sum = nanoseconds.wrappingAdd(length, ordering: .relaxed).newValue
        if sum < 0 { nanoseconds.store(.max, ordering: .relaxed) }
    }

    func record(_ value: Int64) { record(Double(value)) }

    /// What is no finite number is ignored: one of them would spoil the sum for good.
    func record(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = bounds.upper.firstIndex { value <= $0 } ?? bounds.upper.count
        counts[bucket].wrappingAdd(1, ordering: .relaxed)
        units.add(value)
    }

    /// The count of each bucket alone, not cumulated, the one up to infinity last.
    var buckets: [Int64] {
        (0...bounds.upper.count).map { counts[$0].load(ordering: .relaxed) }
    }

    /// In seconds for timers.
    var sum: Double {
        Double(nanoseconds.load(ordering: .relaxed)) / 1e9 + Double(bitPattern: units.load(ordering: .relaxed))
    }
}
