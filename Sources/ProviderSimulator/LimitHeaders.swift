/// What an answer's headers tell about the limits, under each provider's names.
enum LimitHeaders {
    typealias Fields = [(name: String, value: String)]

    /// Whole seconds and milliseconds, both rounded up: who waits so long is not early.
    static func retryAfter(_ wait: Int64) -> Fields {
        [
            ("retry-after", "\((wait - 1) / 1_000_000_000 + 1)"),
            ("retry-after-ms", "\((wait - 1) / 1_000_000 + 1)"),
        ]
    }

    /// - Parameter date: seconds since 1970.
    static func of(_ standings: Standings, dialect: Dialect, date: Int64) -> Fields {
        switch dialect {
        case .openAI:
            openAI(standings.requests, "requests") + openAI(standings.tokens, "tokens")
        case .anthropic:
            anthropic(standings.requests, "requests", date) + anthropic(standings.tokens, "tokens", date)
                + anthropic(standings.inputTokens, "input-tokens", date)
                + anthropic(standings.outputTokens, "output-tokens", date)
        case .google:
            // Its errors tell the wait in the body, and nothing tells the rest.
            []
        }
    }

    /// platform.openai.com/docs/guides/rate-limits, "Rate limits in headers".
    private static func openAI(_ standing: Standing?, _ kind: String) -> Fields {
        guard let standing else { return [] }
        return [
            ("x-ratelimit-limit-\(kind)", "\(standing.quota)"),
            ("x-ratelimit-remaining-\(kind)", "\(standing.remaining)"),
            ("x-ratelimit-reset-\(kind)", DurationText.go(standing.reset)),
        ]
    }

    /// docs.anthropic.com/en/api/rate-limits, "Response headers": of `tokens` the most restrictive limit in effect.
    /// The numbers are exact, where the provider rounds tokens to thousands: small limits would vanish.
    private static func anthropic(_ standing: Standing?, _ kind: String, _ date: Int64) -> Fields {
        guard let standing else { return [] }
        let seconds = (standing.reset + 999_999_999) / 1_000_000_000
        return [
            ("anthropic-ratelimit-\(kind)-limit", "\(standing.quota)"),
            ("anthropic-ratelimit-\(kind)-remaining", "\(standing.remaining)"),
            ("anthropic-ratelimit-\(kind)-reset", WallClock.timestamp(date + seconds)),
        ]
    }
}
