/// Azure OpenAI: deployments instead of models, an error of a code and a message, resets in whole seconds
/// (learn.microsoft.com, "Azure OpenAI quotas and limits").
extension ProviderShape {
    static let azureOpenAI = ProviderShape(
        calls: openAICalls(under: "/openai/v1") + [
            .post("/openai/deployments/", "/chat/completions") { _ in .chatCompletions },
            .post("/openai/deployments/", "/completions") { _ in .completions },
            .post("/openai/deployments/", "/embeddings") { _ in .embeddings },
        ],
        errors: openAIErrors.merging([
            .rate: ErrorWords(429, "", code: "429", "Requests to this deployment have exceeded its rate limit."),
            .day: ErrorWords(
                429, "", code: "429",
                "Requests have exceeded the call rate limit of this tier. Please retry after 86400 seconds."),
            .credential: ErrorWords(
                401, "", code: "401", "Access denied due to invalid subscription key or wrong API endpoint."),
        ]) { _, azure in azure },
        type: openAIType,
        errorText: { error in
            let fields = object([
                "code": quoted(error.code ?? "\(error.status)"), "message": quoted(error.message),
            ])
            return object(["error": fields])
        },
        answerHeaders: { [("apim-request-id", $0), ("x-ms-region", "Simulated")] },
        limitHeaders: { standings, _ in openAILimits(standings) { "\(($0 + 999_999_999) / 1_000_000_000)" } },
        retryHeaders: { wait, _ in seconds(wait) + milliseconds(wait) })
}
