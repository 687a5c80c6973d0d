/// A number as it stands on a line of either text face.
package enum Figure: Hashable, Sendable, CustomStringConvertible {
    case integer(Int64)
    case real(Double)

    /// The shortest text that reads back as the same number; whole numbers without a fraction.
    package var description: String {
        switch self {
        case .integer(let value): "\(value)"
        case .real(let value) where value.isNaN: "NaN"
        case .real(let value) where value.isInfinite: value < 0 ? "-Inf" : "+Inf"
        // Up to 2⁵³ a whole number is exact as an integer, and reads better so.
        case .real(let value) where value == value.rounded() && value.magnitude <= 9_007_199_254_740_992:
            "\(Int64(value))"
        case .real(let value): "\(value)"
        }
    }
}

/// One number that is read when somebody scrapes, instead of being kept up to date on the data path.
package struct Sample: Sendable {
    package var name: String
    package var kind: Kind
    package var labels: [(String, String)]
    package var figure: Figure

    /// Histograms are recorded, never read at scrape.
    package enum Kind: Sendable {
        case counter, gauge
    }

    package init(_ name: String, _ kind: Kind, _ figure: Figure, labels: [(String, String)] = []) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.figure = figure
    }

    package static func gauge(_ name: String, _ value: Int, _ labels: [(String, String)] = []) -> Sample {
        Sample(name, .gauge, .integer(Int64(value)), labels: labels)
    }

    package static func gauge(_ name: String, _ value: Double, _ labels: [(String, String)] = []) -> Sample {
        Sample(name, .gauge, .real(value), labels: labels)
    }

    package static func gauge(_ name: String, _ value: Bool, _ labels: [(String, String)] = []) -> Sample {
        Sample(name, .gauge, .integer(value ? 1 : 0), labels: labels)
    }

    package static func counter(_ name: String, _ value: Int, _ labels: [(String, String)] = []) -> Sample {
        Sample(name, .counter, .integer(Int64(value)), labels: labels)
    }

    var metricKind: MetricKind {
        switch kind {
        case .counter: .counter
        case .gauge: .gauge
        }
    }
}
