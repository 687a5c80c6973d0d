/// One of the two texts in which metrics are written.
package enum TextFace: Hashable, Sendable {
    /// Prometheus text format 0.0.4.
    case text
    /// OpenMetrics 1.0.0.
    case openMetrics

    package var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The face that an `Accept` header prefers (RFC 9110 §12.5.1): OpenMetrics only where it is named, in a version
    /// that we write, with at least the weight of plain text. Whatever else is asked for gets plain text.
    package init(accept: String?) {
        let ranges = (accept ?? "").utf8.split(separator: UInt8(ascii: ",")).map { MediaRange($0) }
        func weight(_ type: String, version: String) -> Int? {
            ranges.filter { $0.type == type && ($0.version ?? version) == version }.map(\.weight).max()
        }
        let openMetrics = weight("application/openmetrics-text", version: "1.0.0") ?? 0
        // The most precise range decides about plain text, whatever the others weigh.
        let text =
            weight("text/plain", version: "0.0.4") ?? weight("text/*", version: "") ?? weight("*/*", version: "") ?? 0
        self = openMetrics > 0 && openMetrics >= text ? .openMetrics : .text
    }
}

/// One item of an `Accept` header, as far as the choice of a face needs it.
private struct MediaRange {
    /// Lower case, without parameters.
    let type: String
    private(set) var version: String?
    /// The `q` parameter in thousandths; 1000 without one, 0 for one that is no weight.
    private(set) var weight = 1_000

    init(_ item: Substring.UTF8View) {
        let parts = item.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        self.type = MediaRange.trimmed(parts[0]).lowercased()
        for parameter in parts.dropFirst() {
            let sides = parameter.split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard sides.count == 2 else { continue }
            switch MediaRange.trimmed(sides[0]).lowercased() {
            case "q": self.weight = MediaRange.weight(MediaRange.trimmed(sides[1]))
            case "version": self.version = MediaRange.trimmed(sides[1])
            default: break
            }
        }
    }

    private static func trimmed(_ text: Substring.UTF8View) -> String {
        let isKept = { (byte: UInt8) in byte != 0x20 && byte != 0x09 && byte != UInt8(ascii: "\"") }
        guard let first = text.firstIndex(where: isKept), let last = text.lastIndex(where: isKept) else { return "" }
        return String(Substring(text[first...last]))
    }

    /// `0`, `1` or either with up to three decimals (RFC 9110 §12.4.2).
    private static func weight(_ text: String) -> Int {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0] == "0" || parts[0] == "1" else { return 0 }
        let decimals = parts.count == 2 ? parts[1] : ""
        guard decimals.utf8.count <= 3, decimals.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return 0 }
        let thousandths = Int(decimals + String(repeating: "0", count: 3 - decimals.utf8.count)) ?? 0
        return min((parts[0] == "1" ? 1_000 : 0) + thousandths, 1_000)
    }
}
