import Admission

extension ProviderProfile {
    /// Cohere: requests a minute per endpoint, and for trial keys calls a month. Its own SDK reads the reset as Unix
    /// seconds.
    static let cohere = ProviderProfile(
        hosts: [Glob("api.cohere.com"), Glob("api.cohere.ai")],
        answerRules: [
            AnswerRule([429], .says(["calls / month", "calls/month", "per month"]), .quotaExhausted)
        ] + .lockTimeout,
        limitHeaders: [
            LimitHeaders(
                remaining: "x-trial-endpoint-call-remaining", reset: "x-ratelimit-reset",
                limit: "x-trial-endpoint-call-limit"),
            LimitHeaders("x-ratelimit-*"),
        ],
        errorShape: .cohere)
}
