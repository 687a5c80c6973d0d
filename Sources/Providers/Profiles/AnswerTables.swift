import Admission

/// Rows that several providers share.
extension [AnswerRule] {
    /// OpenAI's names for money that is used up. They are a rate's at DashScope, so this is not for everybody.
    static let openAIMoney: [AnswerRule] = [
        AnswerRule(
            [429],
            .named([
                "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
                "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached",
                "billing_not_active",
            ]), .quotaExhausted)
    ]

    /// "Request too large … Limit 10000, Requested 12000": its code is the rate's, but no wait helps.
    static let requestTooLarge: [AnswerRule] = [AnswerRule([429], .neverFits, .tooLarge)]

    /// A lock that was not got in time; the SDKs repeat it.
    static let lockTimeout: [AnswerRule] = [AnswerRule([409], .always, .timeout)]

    static let anthropicMoney: [AnswerRule] = [
        AnswerRule(
            [429], .named(["enforced_spend_limit_reached", "contract_spend_limit_reached", "billing_error"]),
            .quotaExhausted),
        // It has no code of its own.
        AnswerRule([400], .says(["credit balance is too low"]), .quotaExhausted),
    ]

    /// Google's quotas of a day reset at midnight Pacific.
    static let googleDay: [AnswerRule] = [AnswerRule([429], .quota("PerDay"), .quotaExhausted)]
}

extension [KeyRejection] {
    /// RFC 9110 §15.5.2. A 403 is mostly about what was asked, not about the key.
    static let unauthorized = [KeyRejection([401])]

    /// Google has 400 for a key that it does not know (`google.api.ErrorReason`), and 403 for one that is suspended or
    /// was found in public ("Your API key was reported as leaked").
    static let google =
        unauthorized + [
            KeyRejection([400, 403], .named(["API_KEY_INVALID", "CONSUMER_SUSPENDED", "CONSUMER_INVALID"])),
            KeyRejection([403], .says(["api key was reported as leaked", "api key expired"])),
        ]

    /// AWS has 403 for all that is wrong with who asks ("Common errors" of its API references); not for what the key
    /// may not do.
    static let amazon: [KeyRejection] = {
        let names = ["UnrecognizedClientException", "ExpiredTokenException", "InvalidClientTokenId"]
        return unauthorized + [KeyRejection([403], .named(Set(names)))]
    }()
}

/// Rows of headers that several providers share.
extension [LimitHeaders] {
    /// `x-ratelimit-remaining-requests` and so on, of a minute; the reset is a Go duration and says when the bucket is
    /// full.
    static let openAI = [
        LimitHeaders("x-ratelimit-*-requests", of: .requests, per: .minutes(1)),
        LimitHeaders("x-ratelimit-*-tokens", of: .tokens, per: .minutes(1)),
        LimitHeaders("x-ratelimit-*-project-tokens", of: .tokens, per: .minutes(1)),
    ]

    /// The same names; what stands for requests may be about ten seconds and not a minute, and the reset is in seconds.
    static let azure = [
        LimitHeaders("x-ratelimit-*-requests", of: .requests),
        LimitHeaders("x-ratelimit-*-tokens", of: .tokens, per: .minutes(1)),
    ]

    /// The same names; requests are those of a day.
    static let groq = [
        LimitHeaders("x-ratelimit-*-requests", of: .requests, per: .days(1)),
        LimitHeaders("x-ratelimit-*-tokens", of: .tokens, per: .minutes(1)),
    ]

    /// Resets are points of time in RFC 3339; `tokens` is the most restrictive limit in effect.
    static let anthropic = [
        LimitHeaders("anthropic-ratelimit-requests-*", of: .requests, per: .minutes(1)),
        LimitHeaders("anthropic-ratelimit-tokens-*", of: .tokens, per: .minutes(1)),
        LimitHeaders("anthropic-ratelimit-input-tokens-*", of: .inputTokens, per: .minutes(1)),
        LimitHeaders("anthropic-ratelimit-output-tokens-*", of: .outputTokens, per: .minutes(1)),
    ]

    /// `X-RateLimit-Remaining` as of old, of whatever.
    static let plain = [LimitHeaders("x-ratelimit-*")]
}

extension RequestShape {
    /// The realtime endpoints name the model in the query.
    static let openAI = RequestShape(modelPlaces: [.query("model")])
}
