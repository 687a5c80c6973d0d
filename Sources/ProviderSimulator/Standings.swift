/// What the provider tells about one of its rates.
struct Standing: Hashable, Sendable {
    var quota: Int
    /// Units that would still be accepted at this instant.
    var remaining: Int
    /// Nanoseconds until the rate is as if nothing had been sent.
    var reset: Int64
}

/// What the provider tells about its rates: of each kind the one that is closest to its end; `nil` where it has none.
struct Standings: Hashable, Sendable {
    var requests: Standing?
    /// Of all limits in tokens, whichever they count.
    var tokens: Standing?
    var inputTokens: Standing?
    var outputTokens: Standing?

    mutating func add(_ standing: Standing, of bound: LimitRule.Bound) {
        switch bound {
        case .inFlight: return
        case .requests: requests = Self.closer(requests, standing)
        case .tokens(let kind, _, _, _):
            tokens = Self.closer(tokens, standing)
            if kind == .input { inputTokens = Self.closer(inputTokens, standing) }
            if kind == .output { outputTokens = Self.closer(outputTokens, standing) }
        }
    }

    /// The limit that refused is the one to tell of, whatever else is close to its end.
    mutating func show(_ standing: Standing, of bound: LimitRule.Bound) {
        switch bound {
        case .inFlight: return
        case .requests: requests = standing
        case .tokens(let kind, _, _, _):
            tokens = standing
            if kind == .input { inputTokens = standing }
            if kind == .output { outputTokens = standing }
        }
    }

    private static func closer(_ one: Standing?, _ other: Standing) -> Standing {
        guard let one else { return other }
        return (other.remaining, -other.reset) < (one.remaining, -one.reset) ? other : one
    }
}
