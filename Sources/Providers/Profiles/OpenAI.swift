import Admission

extension ProviderProfile {
    /// OpenAI: a bucket that refills continuously and holds a minute's quota (one request at 500/min moves the reset
    /// by 120 ms). What a request costs of it is an estimate of its own at the start, which nobody can foretell exactly;
    /// what was used is on the safe side of it where no bound was set.
    static let openai = ProviderProfile(
        hosts: [Glob("api.openai.com"), Glob("*.api.openai.com")],
        request: .openAI,
        answerRules: .openAIMoney + .requestTooLarge + [
            AnswerRule([429], .named(["slow_down"]), .rateLimited)
        ] + .lockTimeout,
        limitHeaders: .openAI, exceededRules: .openAI,
        hasUsageOption: true)

    /// Azure OpenAI: "evaluated over a small period of time, typically 1 or 10 seconds", so the smaller of the two. A
    /// wait of more than an hour is a day's quota. Tokens are the prompt's and the request's bound, counted at receipt
    /// and never given back. Older API versions, and requests with data sources, fail with `stream_options`
    /// (openai-python #1469, azure-sdk-for-js #30751), so it is not added.
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
        limitHeaders: .azure,
        exceededRules: [
            ExceededRule(.says(["token rate limit"]), .tokens),
            ExceededRule(.says(["call rate limit", "request rate limit"]), .requests),
        ] + .openAI,
        errorShape: .azure,
        tokenCounting: .reservation)
}
