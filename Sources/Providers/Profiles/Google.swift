import Admission

extension ProviderProfile {
    /// The Gemini API: quotas per minute and per day (midnight Pacific). It has no headers about its limits.
    static let gemini = ProviderProfile(
        hosts: [Glob("generativelanguage.googleapis.com")],
        request: google,
        credential: CredentialRule(CredentialRule.Field("x-goog-api-key"), or: [.bearer], queryParameter: "key"),
        // The code is that of its Interactions API.
        answerRules: .googleDay + [AnswerRule([429], .named(["quota_exceeded"]), .quotaExhausted)],
        exceededRules: .google, errorShape: .google,
        dayZone: .pacific, keyRejections: .google)

    /// Vertex AI: shared capacity without a fixed number, or quotas per minute.
    static let vertex = ProviderProfile(
        hosts: [
            Glob("aiplatform.googleapis.com"), Glob("*-aiplatform.googleapis.com"),
            Glob("aiplatform.*.rep.googleapis.com"),
        ],
        request: google,
        credential: CredentialRule(.bearer, or: [CredentialRule.Field("x-goog-api-key")], queryParameter: "key"),
        answerRules: .googleDay + [
            // What was bought is used up; it comes back with its window, not with a pause.
            AnswerRule([429], .says(["exceeded the provisioned throughput"]), .quotaExhausted),
            AnswerRule([499], .always, .timeout),
        ],
        exceededRules: .google, errorShape: .google, keyRejections: .google)

    /// `…/models/{model}:streamGenerateContent`; the `rawPredict` forms are Anthropic's on Vertex.
    private static let google = RequestShape(
        modelPlaces: [
            .behind("/models/", upTo: ":/"), .behind("/tunedModels/", upTo: ":/"),
            .behind("/endpoints/", upTo: ":/"),
        ],
        streamingSuffixes: [":streamGenerateContent", ":streamRawPredict", ":serverStreamingPredict"])
}
