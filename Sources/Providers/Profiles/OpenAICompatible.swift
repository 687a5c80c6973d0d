import Admission

/// Providers whose wire is OpenAI's with dialects of their own.
extension ProviderProfile {
    /// Mistral states its limit in requests a second.
    static let mistral = ProviderProfile(
        hosts: [Glob("api.mistral.ai"), Glob("*.mistral.ai")], enforcedWindow: .seconds(1),
        limitHeaders: [
            LimitHeaders("x-ratelimit-*-req-minute"), LimitHeaders("x-ratelimit-*-tokens-minute"),
            LimitHeaders("x-ratelimit-*"),
        ],
        errorShape: .mistral)

    /// Groq: as OpenAI, but "requests" are those of a day. The tokens that its 429 calls "requested" have the request's
    /// bound in them. Its streams tell usage unasked (`x_groq`).
    static let groq = ProviderProfile(
        hosts: [Glob("api.groq.com")],
        answerRules: .openAIMoney + .requestTooLarge + [AnswerRule([498], .always, .overloaded)] + .lockTimeout,
        limitHeaders: .openAI,
        tokenCounting: .reservedUsage)

    /// Together: a dynamic rate in requests a second.
    static let together = ProviderProfile(
        hosts: [Glob("api.together.ai"), Glob("api.together.xyz")], enforcedWindow: .seconds(1),
        answerRules: .openAIMoney,
        limitHeaders: [LimitHeaders("x-ratelimit-*"), LimitHeaders("x-tokenlimit-*")])

    /// Fireworks: 412 is a suspended account.
    static let fireworks = ProviderProfile(
        hosts: [Glob("api.fireworks.ai")],
        answerRules: .openAIMoney + [AnswerRule([412], .always, .quotaExhausted)],
        limitHeaders: .openAI,
        hasUsageOption: true)

    /// OpenRouter: a 402 with `Retry-After` is the budget of what is in flight, any other 402 is money.
    static let openrouter = ProviderProfile(
        hosts: [Glob("openrouter.ai")],
        answerRules: [
            AnswerRule([402], .named(["openrouter_in_flight_budget"]), .rateLimited),
            AnswerRule([402], .hinted, .rateLimited),
        ],
        limitHeaders: .plain)

    static let deepseek = ProviderProfile(
        hosts: [Glob("api.deepseek.com")],
        answerRules: .openAIMoney,
        hasUsageOption: true)

    /// DashScope enforces RPM and TPM also as a sixtieth of them in each second. Its `insufficient_quota` is the token
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
            AnswerRule([429], .named(["exceeded_current_quota_error"]), .quotaExhausted),
            AnswerRule([429], .named(["engine_overloaded_error"]), .overloaded),
            AnswerRule([429], .named(["rate_limit_reached_error"]), .rateLimited),
        ] + .openAIMoney,
        limitHeaders: .plain,
        tokenCounting: .reservation)
}
