import Admission

/// Providers whose wire is OpenAI's with dialects of their own.
extension ProviderProfile {
    /// Mistral states its limit in requests a second.
    static let mistral = ProviderProfile(
        hosts: [Glob("api.mistral.ai"), Glob("*.mistral.ai")], enforcedWindow: .seconds(1),
        limitHeaders: [
            LimitHeaders("x-ratelimit-*-req-minute", of: .requests, per: .minutes(1), refill: .atReset),
            LimitHeaders("x-ratelimit-*-tokens-minute", of: .tokens, per: .minutes(1), refill: .atReset),
            LimitHeaders("x-ratelimit-*"),
        ],
        exceededRules: [ExceededRule(.says(["requests rate limit"]), .requests)],
        errorShape: .mistral)

    /// Groq: as OpenAI, but "requests" are those of a day. The tokens that its 429 calls "requested" have the request's
    /// bound in them. Its streams tell usage unasked (`x_groq`).
    static let groq = ProviderProfile(
        hosts: [Glob("api.groq.com")],
        answerRules: .openAIMoney + .requestTooLarge + [AnswerRule([498], .always, .overloaded)] + .lockTimeout,
        limitHeaders: .groq, exceededRules: .openAI,
        tokenCounting: .reservedUsage)

    /// Together: a dynamic rate in requests a second.
    static let together = ProviderProfile(
        hosts: [Glob("api.together.ai"), Glob("api.together.xyz")], enforcedWindow: .seconds(1),
        answerRules: .openAIMoney,
        limitHeaders: [
            LimitHeaders("x-ratelimit-*", of: .requests, per: .seconds(1), refill: .atReset),
            LimitHeaders("x-tokenlimit-*", of: .tokens),
        ])

    /// Fireworks: 412 is a suspended account. Its pages disagree whether its headers are about seconds or minutes.
    static let fireworks = ProviderProfile(
        hosts: [Glob("api.fireworks.ai")],
        answerRules: .openAIMoney + [AnswerRule([412], .always, .quotaExhausted)],
        limitHeaders: [
            LimitHeaders("x-ratelimit-*-tokens-prompt", of: .inputTokens),
            LimitHeaders("x-ratelimit-*-tokens-generated", of: .outputTokens),
        ] + .plain,
        hasUsageOption: true)

    /// OpenRouter: a 402 with `Retry-After` is the budget of what is in flight, any other 402 is money, and so is a 403
    /// that says so of the key ("Key limit exceeded"); other 403s are about what was asked.
    static let openrouter = ProviderProfile(
        hosts: [Glob("openrouter.ai")],
        answerRules: [
            AnswerRule([402], .named(["openrouter_in_flight_budget"]), .rateLimited),
            AnswerRule([402], .hinted, .rateLimited),
            AnswerRule([403], .says(["key limit exceeded"]), .quotaExhausted),
        ],
        limitHeaders: .plain)

    /// DeepSeek takes the option, and by its reference tells usage in the last chunk also without it; users have seen
    /// it missing.
    static let deepseek = ProviderProfile(
        hosts: [Glob("api.deepseek.com")],
        answerRules: .openAIMoney,
        hasUsageOption: true)

    /// DashScope (its page on streams asks for `include_usage`) enforces RPM and TPM also as a sixtieth of them in each second. Its `insufficient_quota` is the token
    /// rate, whatever it is elsewhere.
    static let dashscope = ProviderProfile(
        hosts: [Glob("dashscope*.aliyuncs.com"), Glob("*.maas.aliyuncs.com")], enforcedWindow: .seconds(1),
        answerRules: [
            AnswerRule(
                [429],
                .named([
                    "limit_requests", "insufficient_quota", "limit_burst_rate", "Throttling", "Throttling.RateQuota",
                    "Throttling.AllocationQuota", "Throttling.BurstRate",
                ]), .rateLimited),
            AnswerRule([400, 403, 429], .named(["Arrearage"]), .quotaExhausted),
        ],
        exceededRules: [
            ExceededRule(.named(["limit_requests", "Throttling.RateQuota"]), .requests),
            ExceededRule(.named(["insufficient_quota", "Throttling.AllocationQuota"]), .tokens),
        ],
        hasUsageOption: true)

    /// Zhipu tells everything by a number: 1302 is concurrency, 1303 frequency, 1305 and 1312 the platform's load.
    static let zhipu = ProviderProfile(
        hosts: [Glob("open.bigmodel.cn"), Glob("api.z.ai")],
        answerRules: [
            AnswerRule([429], .named(["1302", "1303"]), .rateLimited),
            AnswerRule([429], .named(["1305", "1312"]), .overloaded),
            AnswerRule([429], .named(["1113", "1304", "1308", "1309", "1310", "1313"]), .quotaExhausted),
        ])

    /// Moonshot counts the prompt and the request's bound, whatever is used of it. Its streams tell usage unasked.
    static let moonshot = ProviderProfile(
        hosts: [Glob("api.moonshot.ai"), Glob("api.moonshot.cn")],
        answerRules: [
            AnswerRule([403, 429], .named(["exceeded_current_quota_error"]), .quotaExhausted),
            AnswerRule([403], .says(["balance"]), .quotaExhausted),
            AnswerRule([429], .named(["engine_overloaded_error"]), .overloaded),
            AnswerRule([429], .named(["rate_limit_reached_error"]), .rateLimited),
        ] + .openAIMoney,
        limitHeaders: .plain,
        exceededRules: [
            ExceededRule(.says(["max rpm"]), .requests, per: .minutes(1)),
            ExceededRule(.says(["max tpm"]), .tokens, per: .minutes(1)),
            ExceededRule(.says(["max tpd"]), .tokens, per: .days(1)),
        ],
        tokenCounting: .reservation)
}
