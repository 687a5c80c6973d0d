/// What a metric family is, and with it how its lines look.
package enum MetricKind: String, Hashable, Sendable {
    case counter, gauge, histogram
}

/// The name of a metric family, made valid for both text faces.
///
/// Names given to swift-metrics are free text (`http.requests`); Prometheus allows `[a-zA-Z_:][a-zA-Z0-9_:]*`, keeps the
/// colon for recording rules, and expects a counter's name to end in `_total`, which OpenMetrics 1.0.0 demands.
struct MetricName: Hashable, Sendable {
    let text: String
    private let kind: MetricKind

    init(_ label: String, kind: MetricKind) {
        let name = MetricName.identifier(label)
        self.text = kind == .counter && !name.hasSuffix("_total") ? name + "_total" : name
        self.kind = kind
    }

    /// The name on the `# TYPE` line of OpenMetrics, which leaves a counter's `_total` to its samples.
    var openMetricsFamily: Substring {
        kind == .counter ? text.dropLast("_total".utf8.count) : text[...]
    }

    /// Every name that lines of this family carry, in either face; no other family may claim one of them.
    var claims: [String] {
        switch kind {
        case .counter: [text, String(openMetricsFamily)]
        case .gauge: [text]
        case .histogram: [text, text + "_bucket", text + "_sum", text + "_count"]
        }
    }

    /// The text with each byte outside `[a-zA-Z0-9_]` as `_`, and `_` before a leading digit; never empty.
    static func identifier(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 1)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if bytes.isEmpty { bytes.append(UInt8(ascii: "_")) }
                bytes.append(byte)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "_"))
            }
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }
}
