import CoreMetrics
import Testing

@testable import Telemetry

@Suite("Series")
struct SeriesTests {
    private let place = SeriesPlace(family: "a", labels: .none, isFold: false)

    @Test(
        "A counter never falls",
        arguments: [
            ([5, -3], 5), ([.max, .max], Int64.max), ([.max, 1, 1], Int64.max), ([0], 0),
        ] as [([Int64], Int64)])
    func counterOnlyGrows(amounts: [Int64], total: Int64) {
        let counter = CounterSeries(place: place)
        for amount in amounts { counter.increment(by: amount) }
        #expect(counter.figure == .integer(total))
    }

    @Test("A counter ignores what is no amount", arguments: [-1.5, .nan, .infinity, -.infinity, 0])
    func counterIgnores(amount: Double) {
        let counter = CounterSeries(place: place)
        counter.increment(by: amount)
        #expect(counter.figure == .integer(0))
    }

    @Test("A counter can be reset")
    func counterReset() {
        let counter = CounterSeries(place: place)
        counter.increment(by: Int64(2))
        counter.increment(by: 0.5)
        counter.reset()
        #expect(counter.figure == .integer(0))
    }

    @Test("A gauge is set and moved")
    func gauge() {
        let gauge = GaugeSeries(place: place)
        gauge.set(Int64(4))
        gauge.increment(by: 1.5)
        gauge.decrement(by: 3)
        #expect(gauge.figure == .real(2.5))
        gauge.record(0.25)
        #expect(gauge.figure == .real(0.25))
    }

    @Test(
        "A timer's length belongs to the first bucket whose bound it does not exceed",
        arguments: [
            (-5, [1, 0, 0]), (0, [1, 0, 0]), (1_000_000_000, [1, 0, 0]), (1_000_000_001, [0, 1, 0]),
            (2_500_000_000, [0, 1, 0]), (2_500_000_001, [0, 0, 1]), (.max, [0, 0, 1]),
        ] as [(Int64, [Int64])])
    func timerBuckets(nanoseconds: Int64, buckets: [Int64]) {
        let histogram = HistogramSeries(place: place, bounds: HistogramBounds([1, 2.5]))
        histogram.recordNanoseconds(nanoseconds)
        #expect(histogram.buckets == buckets)
    }

    @Test(
        "A recorder's value belongs to the same buckets, in its own unit",
        arguments: [
            (1.0, [1, 0, 0]), (1.1, [0, 1, 0]), (2.5, [0, 1, 0]), (3, [0, 0, 1]), (-7, [1, 0, 0]), (.nan, [0, 0, 0]),
            (.infinity, [0, 0, 0]),
        ] as [(Double, [Int64])])
    func recorderBuckets(value: Double, buckets: [Int64]) {
        let histogram = HistogramSeries(place: place, bounds: HistogramBounds([1, 2.5]))
        histogram.record(value)
        #expect(histogram.buckets == buckets)
    }

    @Test("Sums of timers and recorders are exact")
    func sums() {
        let histogram = HistogramSeries(place: place, bounds: .request)
        for _ in 0..<1_000 { histogram.recordNanoseconds(100_000_001) }
        #expect(histogram.sum == 100.000001)
        histogram.record(Int64(1_000_000_000_000))
        #expect(histogram.sum == 1_000_000_000_100.000001)
        histogram.recordNanoseconds(.max)
        histogram.recordNanoseconds(.max)
        #expect(histogram.sum > 9e9, "a sum beyond its range stays at the end of it")
    }

    @Test("The bounds that are there from the start fit", arguments: [HistogramBounds.request, .overhead])
    func bounds(bounds: HistogramBounds) {
        #expect(bounds.upper.count <= HistogramBounds.most)
        #expect(bounds.textLabels.count == bounds.upper.count + 1)
        #expect(bounds.openMetricsLabels.count == bounds.upper.count + 1)
    }

    @Test(
        "Figures are written in the shortest form that reads back",
        arguments: [
            (.integer(.max), "9223372036854775807"), (.real(0), "0"), (.real(-2), "-2"), (.real(0.1), "0.1"),
            (.real(1e-05), "1e-05"), (.real(0.30000000000000004), "0.30000000000000004"), (.real(1e22), "1e+22"),
            (.real(.nan), "NaN"), (.real(.infinity), "+Inf"), (.real(-.infinity), "-Inf"),
        ] as [(Figure, String)])
    func figures(figure: Figure, text: String) {
        #expect(figure.description == text)
    }
}
