import Admission

/// Servers that run under whatever name their owner gives them, so no host tells them.
extension ProviderProfile {
    static let vllm = ProviderProfile(request: .openAI, hasUsageOption: true)

    /// Ollama: its own endpoints stream unless told not to; the OpenAI-shaped ones do as OpenAI
    /// (`StreamOptions` in its openai/openai.go).
    static let ollama = ProviderProfile(
        request: RequestShape(streamingByDefault: ["/api/chat", "/api/generate"]),
        errorShape: .ollama,
        hasUsageOption: true)

    /// Any other HTTP API: what is the same at all providers that have it, with OpenAI's meaning where meanings differ.
    static let generic = ProviderProfile(
        request: .openAI,
        credential: CredentialRule(
            .bearer,
            or: [
                CredentialRule.Field("x-api-key"), CredentialRule.Field("api-key"),
                CredentialRule.Field("x-goog-api-key"),
            ], queryParameter: "key"),
        answerRules: .openAIMoney + .anthropicMoney + .googleDay + .requestTooLarge,
        limitHeaders: .openAI + .anthropic + .plain, exceededRules: .anthropic + .openAI,
        errorShape: .problem)
}
