/// What the registry knows about metrics beforehand, by name: help texts and the bounds of histograms.
package struct MetricCatalogue: Sendable {
    package var help: [String: String]
    package var bounds: [String: HistogramBounds]
    package var defaultBounds: HistogramBounds

    package init(
        help: [String: String] = [:], bounds: [String: HistogramBounds] = [:],
        defaultBounds: HistogramBounds = .request
    ) {
        self.help = help
        self.bounds = bounds
        self.defaultBounds = defaultBounds
    }

    /// A metric that a library made up has no text here; its name in words is better than a missing line, which
    /// `promtool check metrics` complains about.
    func help(for name: String) -> String {
        help[name] ?? String(name.map { $0 == "_" ? " " : $0 })
    }
}
