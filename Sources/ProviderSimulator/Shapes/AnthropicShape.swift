/// Anthropic: docs.claude.com, "Errors" and "Rate limits"; `retry-after` in whole seconds is all it says of a wait.
extension ProviderShape {
    static let anthropic = ProviderShape(
        homes: ["/v1/messages"],
        calls: [.post("/v1/messages", .messages), .post("/v1/messages/count_tokens", .countTokens)],
        errors: [
            .rate: ErrorWords(
                429, "rate_limit_error", "This request would exceed your organization's rate limit (simulated)."),
            .overloaded: ErrorWords(529, "overloaded_error", "Overloaded"),
            .money: ErrorWords(
                400, "invalid_request_error",
                "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade "
                    + "or purchase credits."),
            .day: ErrorWords(
                429, "rate_limit_error",
                "This request would exceed your organization's rate limit of 200 tokens per day (simulated)."),
            .context: ErrorWords(
                400, "invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum"),
            .credential: ErrorWords(401, "authentication_error", "invalid x-api-key"),
        ],
        type: { status in
            switch status {
            case 401: "authentication_error"
            case 402: "billing_error"
            case 403: "permission_error"
            case 404: "not_found_error"
            case 413: "request_too_large"
            case 429: "rate_limit_error"
            case 504: "timeout_error"
            case 529: "overloaded_error"
            case 500...: "api_error"
            default: "invalid_request_error"
            }
        },
        errorText: { error in
            object([
                "type": quoted("error"),
                "error": object(["type": quoted(error.type), "message": quoted(error.message)]),
                "request_id": quoted("req_\(error.id)"),
            ])
        },
        answerHeaders: { [("request-id", "req_\($0)"), ("anthropic-organization-id", "simulated")] },
        limitHeaders: { standings, date in
            [
                ("requests", standings.requests), ("tokens", standings.tokens), ("input-tokens", standings.inputTokens),
                ("output-tokens", standings.outputTokens),
            ].flatMap { anthropicLimit($0, $1, date) }
        },
        retryHeaders: { wait, _ in seconds(wait) })

    /// Of `tokens` the most restrictive limit in effect. The numbers are exact, where the provider rounds tokens to
    /// thousands: small limits would vanish.
    private static func anthropicLimit(_ kind: String, _ standing: Standing?, _ date: Int64) -> Fields {
        guard let standing else { return [] }
        let seconds = (standing.reset + 999_999_999) / 1_000_000_000
        return [
            ("anthropic-ratelimit-\(kind)-limit", "\(standing.quota)"),
            ("anthropic-ratelimit-\(kind)-remaining", "\(standing.remaining)"),
            ("anthropic-ratelimit-\(kind)-reset", WallClock.timestamp(date + seconds)),
        ]
    }
}
