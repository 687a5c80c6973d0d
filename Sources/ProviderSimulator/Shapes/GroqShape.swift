/// Groq: console.groq.com/docs; OpenAI's words, with usage in a member of its own at the end of each stream.
extension ProviderShape {
    static let groq = ProviderShape(
        calls: openAICalls(under: "/openai/v1"),
        errors: openAIErrors.merging([
            // Of its flex tier.
            .overloaded: ErrorWords(498, "server_error", code: "capacity_exceeded", "Over capacity (simulated)."),
            .money: ErrorWords(
                400, "invalid_request_error", code: "blocked_api_access",
                "API access is blocked because the spend limit is reached (simulated)."),
        ]) { _, groq in groq },
        tokenRate: ErrorWords(429, "tokens", code: "rate_limit_exceeded", "Rate limit reached (simulated)."),
        type: openAIType,
        countsAloud: true,
        errorText: openAIError,
        answerHeaders: { [("x-request-id", "req_\($0)"), ("x-groq-region", "simulated")] },
        limitHeaders: { standings, _ in openAILimits(standings) { DurationText.go($0) } },
        retryHeaders: { wait, _ in seconds(wait) },
        chatUsage: .within("x_groq"))
}
