import Admission

extension ProviderProfile {
    /// AWS Bedrock, its runtime and the OpenAI-shaped Mantle endpoints: quotas per minute and per day. A model's name
    /// in the path may be an ARN with its delimiters encoded. It has no headers about its limits. Input and the
    /// request's maximum are deducted from the start, what was not used comes back at the end.
    static let bedrock = ProviderProfile(
        hosts: [
            Glob("bedrock-runtime*.amazonaws.com"), Glob("bedrock-runtime*.amazonaws.com.cn"),
            Glob("*.bedrock-runtime*.amazonaws.com"), Glob("bedrock-mantle.*.api.aws"),
        ],
        request: RequestShape(
            modelPlaces: [.behind("/model/", upTo: "/")],
            streamingSuffixes: [
                "/converse-stream", "/invoke-with-response-stream", "/invoke-with-bidirectional-stream",
            ]),
        answerRules: [
            AnswerRule([429], .says(["per day"]), .quotaExhausted),
            AnswerRule([429], .named(["ModelNotReadyException"]), .overloaded),
            AnswerRule([424], .named(["ModelErrorException"]), .serverError),
            AnswerRule([400], .named(["ThrottlingException", "ServiceQuotaExceededException"]), .rateLimited),
        ],
        exceededRules: [
            ExceededRule(.says(["too many tokens"]), .tokens), ExceededRule(.says(["too many requests"]), .requests),
        ],
        errorShape: .bedrock,
        tokenCounting: .reservedUsage,
        keyRejections: .amazon)
}
