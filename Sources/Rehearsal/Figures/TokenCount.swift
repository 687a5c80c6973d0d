import Admission

/// A provider that counts tokens over the last minute, in one of the ways in which providers do; it refuses nothing.
package struct TokenCount: SceneCounterpart {
    package enum Method: String, CaseIterable, Sendable {
        /// What the request really takes, when it arrives: the strictest that is fair.
        case atArrival = "real tokens at arrival"
        /// Input and the request's whole bound, whatever is used (Azure).
        case reservation = "reservation"
        /// The same until its end, then what was used (Bedrock).
        case reservedUsage = "reservation, settled at the end"
        /// Input at arrival, output when it is there (Anthropic's output limit).
        case atEnd = "output at the end"

        var counting: TokenCounting {
            switch self {
            case .atArrival, .atEnd: .usage
            case .reservation: .reservation
            case .reservedUsage: .reservedUsage
            }
        }
    }

    private let method: Method
    private let limit: Int
    /// Nothing before this instant counts for what follows: estimates are still settling.
    private let countsFrom: Instant
    private var entries: [(request: Int, at: Instant, units: Int)] = []
    private var oldest = 0
    private var places: [Int: Int] = [:]
    private var total = 0
    /// The most within any minute.
    package private(set) var peak = 0
    /// Attempts or answers that came when a minute was already more than full.
    package private(set) var excesses = 0
    /// Units of the whole time that counts.
    package private(set) var sum = 0

    package init(_ method: Method, limit: Int, countsFrom: Instant) {
        self.method = method
        self.limit = limit
        self.countsFrom = countsFrom
    }

    package mutating func receive(
        request: Int, _ identity: Identity, _ size: SceneSize?, at instant: Instant
    ) -> SceneReply {
        guard let size else { return .answered }
        let units =
            switch method {
            case .atArrival: size.used.total
            case .reservation, .reservedUsage: size.used.input + (size.claim.outputBound ?? size.used.output)
            case .atEnd: size.used.input
            }
        count(units, request, at: instant)
        return .answered
    }

    package mutating func finish(request: Int, _ size: SceneSize?, at instant: Instant) {
        guard let size else { return }
        switch method {
        case .atArrival, .reservation: break
        case .atEnd: count(size.used.output, request, at: instant)
        case .reservedUsage:
            guard let place = places[request] else { return }
            let unused = entries[place].units - size.used.total
            entries[place].units -= unused
            total -= unused
            if instant >= countsFrom { sum -= unused }
        }
    }

    private mutating func count(_ units: Int, _ request: Int, at instant: Instant) {
        while oldest < entries.count, entries[oldest].at <= instant - Interval.minutes(1) {
            total -= entries[oldest].units
            places[entries[oldest].request] = nil
            oldest += 1
        }
        places[request] = entries.count
        entries.append((request, instant, units))
        total += units
        guard instant >= countsFrom else { return }
        sum += units
        peak = max(peak, total)
        if total > limit { excesses += 1 }
    }
}
