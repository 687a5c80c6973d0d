#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How long the provider thinks before its first byte. Times in nanoseconds.
package enum Latency: Hashable, Sendable {
    case fixed(Int64)
    case uniform(ClosedRange<Int64>)
    /// Most near the median and a long tail: the logarithm is normally distributed with deviation `sigma`, which is
    /// what first-byte times of real providers look like (sigma about 0.5).
    case lognormal(median: Int64, sigma: Double)

    /// Reads `200ms`, `100ms..2s` or `lognormal(400ms,0.5)`.
    package init(_ text: String) throws(SimulatorTextError) {
        guard let latency = Self.read(text), latency.typical <= 86_400_000_000_000 else {
            throw SimulatorTextError(
                "latency \"\(text)\" is not one of 200ms, 100ms..2s, lognormal(400ms,0.5), one day at most")
        }
        self = latency
    }

    private static func read(_ text: String) -> Latency? {
        if let inner = text.droppingPrefix("lognormal("), inner.last == ")" {
            let (median, sigma) = inner.dropLast().splitOnce(",")
            guard
                let median = DurationText.parse(median), let sigma = sigma.flatMap({ Double($0) }),
                sigma >= 0, sigma <= 5
            else { return nil }
            return .lognormal(median: median, sigma: sigma)
        }
        if let length = DurationText.parse(text) { return .fixed(length) }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        // A fraction has dots too, so the two in a row are looked for.
        guard let gap = parts.firstIndex(of: ""), gap > 0, gap < parts.count - 1 else { return nil }
        let bounds = [parts[..<gap], parts[(gap + 1)...]].map { DurationText.parse($0.joined(separator: ".")) }
        guard let low = bounds[0], let high = bounds[1], low <= high else { return nil }
        return .uniform(low...high)
    }

    /// The length that bounds the others, or the median.
    private var typical: Int64 {
        switch self {
        case .fixed(let length): length
        case .uniform(let range): range.upperBound
        case .lognormal(let median, _): median
        }
    }

    func draw(using random: inout SeededRandom) -> Int64 {
        switch self {
        case .fixed(let length): return length
        case .uniform(let range): return Int64.random(in: range, using: &random)
        case .lognormal(let median, let sigma):
            // Box and Muller; one minus the fraction is never 0.
            let normal = (-2 * log(1 - random.fraction())).squareRoot() * cos(2 * .pi * random.fraction())
            return Int64(min(Double(median) * exp(sigma * normal), Double(3_600_000_000_000)))
        }
    }
}

extension Latency: CustomStringConvertible {
    /// The form that ``init(_:)`` reads.
    package var description: String {
        switch self {
        case .fixed(let length): DurationText.short(length)
        case .uniform(let range):
            "\(DurationText.short(range.lowerBound))..\(DurationText.short(range.upperBound))"
        case .lognormal(let median, let sigma): "lognormal(\(DurationText.short(median)),\(sigma))"
        }
    }
}
