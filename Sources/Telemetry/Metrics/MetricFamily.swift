/// All series of one name.
struct MetricFamily {
    let name: MetricName
    let kind: MetricKind
    var series: [Labels: Series] = [:]
    /// A family beyond its bound is logged once, not once per lost series.
    var isFoldReported = false
}

/// One line, or one block of lines, of a family.
enum Series {
    case counter(CounterSeries)
    case gauge(GaugeSeries)
    case histogram(HistogramSeries)

    init(_ kind: MetricKind, at place: SeriesPlace, bounds: HistogramBounds) {
        switch kind {
        case .counter: self = .counter(CounterSeries(place: place))
        case .gauge: self = .gauge(GaugeSeries(place: place))
        case .histogram: self = .histogram(HistogramSeries(place: place, bounds: bounds))
        }
    }

    var handler: AnyObject {
        switch self {
        case .counter(let series): series
        case .gauge(let series): series
        case .histogram(let series): series
        }
    }

    var reading: Reading {
        switch self {
        case .counter(let series): .figure(series.figure)
        case .gauge(let series): .figure(series.figure)
        case .histogram(let series): .histogram(series)
        }
    }
}

/// What a scrape finds in one series. A histogram is read while it is written out, since its counts are many.
enum Reading {
    case figure(Figure)
    case histogram(HistogramSeries)
}

/// A family as one scrape sees it, its series in order.
struct FamilyReading {
    let name: MetricName
    let kind: MetricKind
    var readings: [(labels: Labels, reading: Reading)]
}
