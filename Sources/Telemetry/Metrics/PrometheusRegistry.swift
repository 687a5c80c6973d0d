import CoreMetrics
import Logging
import Synchronization

/// A swift-metrics backend that keeps every series in memory and writes them out for Prometheus.
///
/// Making and removing a series takes a lock; using one does not. The same name with the same labels, in any order, is
/// the same series. A name that is already used for another kind of metric gets a handler that does nothing, and one
/// line in the log.
package final class PrometheusRegistry: MetricsFactory {
    static let droppedSeries = "penstock_metrics_dropped_series_total"
    /// How many misused names are remembered, so that each is logged once.
    private static let mostRefusals = 1_000

    private struct State {
        var families: [String: MetricFamily] = [:]
        /// Which family owns a name that can stand on a line.
        var claims: [String: String] = [:]
        var collectors: [@Sendable () -> [Sample]] = []
        var refused: Set<String> = []
    }

    private enum Complaint {
        case twoKinds
        case tooManySeries
    }

    private let catalogue: MetricCatalogue
    private let seriesPerFamily: Int
    private let logger: Logger
    private let folded: CounterSeries
    private let state: Mutex<State>

    /// - Parameter seriesPerFamily: how many series one metric may have; what goes beyond is added up in one series
    ///   whose labels all say `other`.
    package init(catalogue: MetricCatalogue = MetricCatalogue(), seriesPerFamily: Int = 10_000, logger: Logger) {
        precondition(seriesPerFamily > 0, "a metric has at least one series")
        self.catalogue = catalogue
        self.seriesPerFamily = seriesPerFamily
        self.logger = logger
        var state = State()
        let name = MetricName(PrometheusRegistry.droppedSeries, kind: .counter)
        let place = SeriesPlace(family: name.text, labels: .none, isFold: true)
        let folded = CounterSeries(place: place)
        state.families[name.text] = MetricFamily(name: name, kind: .counter, series: [.none: .counter(folded)])
        for claim in name.claims { state.claims[claim] = name.text }
        self.folded = folded
        self.state = Mutex(state)
    }

    /// Adds what is read only when somebody scrapes. Collectors run outside the registry's lock, in the order in which
    /// they were added, on the thread that renders.
    package func collect(_ read: @escaping @Sendable () -> [Sample]) {
        state.withLock { $0.collectors.append(read) }
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> CounterHandler {
        guard case .counter(let series) = series(.counter, label, dimensions) else {
            return NOOPMetricsHandler.instance
        }
        return series
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> FloatingPointCounterHandler {
        guard case .counter(let series) = series(.counter, label, dimensions) else {
            return NOOPMetricsHandler.instance
        }
        return series
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> MeterHandler {
        guard case .gauge(let series) = series(.gauge, label, dimensions) else { return NOOPMetricsHandler.instance }
        return series
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> RecorderHandler {
        switch series(aggregate ? .histogram : .gauge, label, dimensions) {
        case .gauge(let series): series
        case .histogram(let series): series
        case .counter, nil: NOOPMetricsHandler.instance
        }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> TimerHandler {
        guard case .histogram(let series) = series(.histogram, label, dimensions) else {
            return NOOPMetricsHandler.instance
        }
        return series
    }

    package func destroyCounter(_ handler: CounterHandler) {
        if let series = handler as? CounterSeries { remove(series, at: series.place) }
    }

    package func destroyFloatingPointCounter(_ handler: FloatingPointCounterHandler) {
        if let series = handler as? CounterSeries { remove(series, at: series.place) }
    }

    package func destroyMeter(_ handler: MeterHandler) {
        if let series = handler as? GaugeSeries { remove(series, at: series.place) }
    }

    package func destroyRecorder(_ handler: RecorderHandler) {
        if let series = handler as? GaugeSeries { remove(series, at: series.place) }
        if let series = handler as? HistogramSeries { remove(series, at: series.place) }
    }

    package func destroyTimer(_ handler: TimerHandler) {
        if let series = handler as? HistogramSeries { remove(series, at: series.place) }
    }

    /// The whole registry as one text.
    package func render(_ face: TextFace) -> [UInt8] {
        var exposition = Exposition(face: face)
        for family in read() {
            exposition.append(family, help: catalogue.help(for: family.name.text))
        }
        return exposition.finish()
    }
}

// MARK: - Making and removing series

extension PrometheusRegistry {
    private func series(_ kind: MetricKind, _ label: String, _ dimensions: [(String, String)]) -> Series? {
        let name = MetricName(label, kind: kind)
        let labels = Labels(dimensions)
        let (series, complaint) = state.withLock { state -> (Series?, Complaint?) in
            guard PrometheusRegistry.claim(name, kind, in: &state) else {
                let isNew =
                    state.refused.count < PrometheusRegistry.mostRefusals
                    && state.refused.insert(name.text).inserted
                return (nil, isNew ? .twoKinds : nil)
            }
            return findOrMake(
                kind, name, labels, dimensions,
                in: &state.families[name.text, default: MetricFamily(name: name, kind: kind)])
        }
        report(complaint, name)
        return series
    }

    private static func claim(_ name: MetricName, _ kind: MetricKind, in state: inout State) -> Bool {
        if let family = state.families[name.text] { return family.kind == kind }
        let claims = name.claims
        guard claims.allSatisfy({ state.claims[$0] == nil }) else { return false }
        for claim in claims { state.claims[claim] = name.text }
        return true
    }

    private func findOrMake(
        _ kind: MetricKind, _ name: MetricName, _ labels: Labels, _ dimensions: [(String, String)],
        in family: inout MetricFamily
    ) -> (Series?, Complaint?) {
        if let known = family.series[labels] { return (known, nil) }
        let bounds = catalogue.bounds[name.text] ?? catalogue.defaultBounds
        guard family.series.count >= seriesPerFamily else {
            let place = SeriesPlace(family: name.text, labels: labels, isFold: false)
            let made = Series(kind, at: place, bounds: bounds)
            family.series[labels] = made
            return (made, nil)
        }
        folded.increment(by: Int64(1))
        let complaint: Complaint? = family.isFoldReported ? nil : .tooManySeries
        family.isFoldReported = true
        let others = Labels(dimensions.map { ($0.0, TopNames.other) })
        if let known = family.series[others] { return (known, complaint) }
        let place = SeriesPlace(family: name.text, labels: others, isFold: true)
        let made = Series(kind, at: place, bounds: bounds)
        family.series[others] = made
        return (made, complaint)
    }

    private func remove(_ series: AnyObject, at place: SeriesPlace) {
        if place.isFold { return }
        state.withLock { state in
            // A handler that was destroyed before may have a successor of the same name: that one stays.
            guard let family = state.families[place.family], family.series[place.labels]?.handler === series else {
                return
            }
            state.families[place.family]?.series[place.labels] = nil
            if family.series.count == 1 {
                state.families[place.family] = nil
                for claim in family.name.claims { state.claims[claim] = nil }
            }
        }
    }

    private func report(_ complaint: Complaint?, _ name: MetricName) {
        switch complaint {
        case nil: break
        case .twoKinds:
            logger.error("metric refused: its name is used for another kind", metadata: ["metric": "\(name.text)"])
        case .tooManySeries:
            logger.warning(
                "metric has too many series: further ones are counted as other",
                metadata: ["metric": "\(name.text)", "series": "\(seriesPerFamily)"])
        }
    }
}

// MARK: - Reading

extension PrometheusRegistry {
    /// Every family that has a series, by name, each with its series by label.
    private func read() -> [FamilyReading] {
        // First the collectors: one of them may set a gauge.
        let samples = state.withLock { $0.collectors }.flatMap { $0() }
        let (families, claims) = state.withLock { ($0.families, $0.claims) }
        var readings = families.mapValues { family in
            FamilyReading(
                name: family.name, kind: family.kind,
                readings: family.series.map { (labels: $0.key, reading: $0.value.reading) })
        }
        add(samples, to: &readings, claims: claims, families: families)
        return readings.values.sorted { $0.name.text < $1.name.text }.map { family in
            var sorted = family
            sorted.readings.sort { $0.labels < $1.labels }
            return sorted
        }
    }

    /// Adds collected samples under the rules for recorded series: one kind per name, one line per set of labels.
    private func add(
        _ samples: [Sample], to readings: inout [String: FamilyReading], claims: [String: String],
        families: [String: MetricFamily]
    ) {
        var claims = claims
        var seen: [String: Set<Labels>] = [:]
        for sample in samples {
            let kind = sample.metricKind
            let name = MetricName(sample.name, kind: kind)
            guard name.claims.allSatisfy({ claims[$0, default: name.text] == name.text }) else { continue }
            guard readings[name.text, default: FamilyReading(name: name, kind: kind, readings: [])].kind == kind else {
                continue
            }
            for claim in name.claims { claims[claim] = name.text }
            let labels = Labels(sample.labels)
            let isRecorded = families[name.text]?.series[labels] != nil
            guard !isRecorded, seen[name.text, default: []].insert(labels).inserted else { continue }
            readings[name.text, default: FamilyReading(name: name, kind: kind, readings: [])]
                .readings.append((labels: labels, reading: .figure(sample.figure)))
        }
    }
}
