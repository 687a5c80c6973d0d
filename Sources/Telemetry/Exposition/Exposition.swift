/// The text of one scrape while it is written.
///
/// Text 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/, OpenMetrics 1.0.0:
/// https://prometheus.io/docs/specs/om/open_metrics_spec/.
struct Exposition {
    let face: TextFace
    private var bytes: [UInt8] = []

    init(face: TextFace) {
        self.face = face
        bytes.reserveCapacity(16 * 1024)
    }

    /// Adds a family; one without series leaves no trace.
    mutating func append(_ family: FamilyReading, help: String) {
        if family.readings.isEmpty { return }
        describe(family, help: help)
        for (labels, reading) in family.readings {
            switch reading {
            case .figure(let figure): line(family.name.text, "", labels, nil, figure)
            case .histogram(let series): histogram(family.name.text, labels, series)
            }
        }
    }

    /// The finished text.
    consuming func finish() -> [UInt8] {
        if face == .openMetrics { bytes.append(contentsOf: "# EOF\n".utf8) }
        return bytes
    }

    private mutating func describe(_ family: FamilyReading, help: String) {
        let name = face == .openMetrics ? family.name.openMetricsFamily : family.name.text[...]
        bytes.append(contentsOf: "# HELP ".utf8)
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: " "))
        bytes.appendEscaped(help, quotes: face == .openMetrics)
        bytes.append(contentsOf: "\n# TYPE ".utf8)
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: family.kind.rawValue.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func histogram(_ name: String, _ labels: Labels, _ series: HistogramSeries) {
        let bounds = face == .openMetrics ? series.bounds.openMetricsLabels : series.bounds.textLabels
        // The sum is read before the counts: it may then lack an observation that is counted, never the reverse.
        let sum = series.sum
        var count: Int64 = 0
        for (bound, ofBucket) in zip(bounds, series.buckets) {
            count += ofBucket
            line(name, "_bucket", labels, bound, .integer(count))
        }
        line(name, "_sum", labels, nil, .real(sum))
        line(name, "_count", labels, nil, .integer(count))
    }

    private mutating func line(_ name: String, _ suffix: String, _ labels: Labels, _ bound: String?, _ figure: Figure) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: suffix.utf8)
        if !labels.text.isEmpty || bound != nil {
            bytes.append(UInt8(ascii: "{"))
            bytes.append(contentsOf: labels.text.utf8)
            if let bound {
                if !labels.text.isEmpty { bytes.append(UInt8(ascii: ",")) }
                bytes.append(contentsOf: bound.utf8)
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: figure.description.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }
}
