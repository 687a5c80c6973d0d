import CoreMetrics
import Synchronization

/// A number that goes up and down: a swift-metrics `Meter`, or a `Gauge` (a recorder that does not aggregate).
final class GaugeSeries: MeterHandler, RecorderHandler {
    let place: SeriesPlace
    /// The bits of a `Double`.
    private let value = Atomic<UInt64>(0)

    init(place: SeriesPlace) {
        self.place = place
    }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.store(value.bitPattern, ordering: .relaxed) }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func increment(by amount: Double) { value.add(amount) }
    func decrement(by amount: Double) { value.add(-amount) }

    var figure: Figure { .real(Double(bitPattern: value.load(ordering: .relaxed))) }
}
