/// Mistral: OpenAI's answers, errors without a level, usage at the end of each stream, limits by the minute in headers.
extension ProviderShape {
    static let mistral = ProviderShape(
        calls: openAICalls(under: "/v1") + [.post("/v1/fim/completions", .completions)],
        errors: [
            .rate: ErrorWords(429, "rate_limited", code: "1300", "Rate limit exceeded"),
            .overloaded: ErrorWords(
                429, "service_tier_capacity_exceeded", code: "3505", "Service tier capacity exceeded for this model."),
            .money: ErrorWords(402, "payment_required", "Check that your account has credits (simulated)."),
            .day: ErrorWords(429, "rate_limited", code: "1300", "Rate limit exceeded"),
            .context: ErrorWords(
                400, "invalid_request_prompt", code: "3051",
                "Prompt contains 131073 tokens, too large for model with 131072 maximum context length"),
            .credential: ErrorWords(401, "invalid_api_key", "Unauthorized"),
        ],
        type: { $0 >= 500 ? "internal_server_error" : "invalid_request_error" },
        errorText: { error in
            object([
                "object": quoted("error"), "message": quoted(error.message), "type": quoted(error.type),
                "param": error.parameter.map(quoted) ?? "null", "code": error.code.map(quoted) ?? "null",
            ])
        },
        answerHeaders: { [("mistral-correlation-id", $0), ("x-kong-request-id", $0)] },
        limitHeaders: { standings, _ in
            [("req", standings.requests), ("tokens", standings.tokens)].flatMap { kind, standing -> Fields in
                guard let standing else { return [] }
                return [
                    ("x-ratelimit-limit-\(kind)-minute", "\(standing.quota)"),
                    ("x-ratelimit-remaining-\(kind)-minute", "\(standing.remaining)"),
                ]
            }
        },
        chatUsage: .atEnd)
}
