import Admission

extension ProviderProfile {
    /// OpenAI: a bucket that refills continuously and holds a minute's quota (one request at 500/min moves the reset
    /// by 120 ms).
    static let openai = ProviderProfile(
        hosts: [Glob("api.openai.com"), Glob("*.api.openai.com")],
        request: .openAI,
        answerRules: .openAIMoney + .requestTooLarge + [
            AnswerRule([429], .named(["slow_down"]), .rateLimited)
        ] + .lockTimeout,
        limitHeaders: .openAI)

    /// Azure OpenAI: "evaluated over a small period of time, typically 1 or 10 seconds", so the smaller of the two. A
    /// wait of more than an hour is a day's quota.
    static let azureOpenAI = ProviderProfile(
        hosts: [
            Glob("*.openai.azure.com"), Glob("*.cognitiveservices.azure.com"), Glob("*.services.ai.azure.com"),
        ],
        enforcedWindow: .seconds(1),
        request: RequestShape(modelPlaces: [.behind("/deployments/", upTo: "/"), .query("model")]),
        credential: CredentialRule(CredentialRule.Field("api-key"), or: [.bearer], queryParameter: "api-key"),
        answerRules: .openAIMoney + .requestTooLarge + [
            AnswerRule([429], .hintedBeyond(.hours(1)), .quotaExhausted)
        ] + .lockTimeout,
        limitHeaders: .openAI,
        errorShape: .azure)
}
