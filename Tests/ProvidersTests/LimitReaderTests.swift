import Admission
import Testing

@testable import Providers

@Suite("What an answer says of its provider's limits")
struct LimitReaderTests {
    typealias Fields = [(name: String, value: String)]

    /// Thu, 21 Aug 2025 12:40:00 GMT
    private let now = WallTime(unixMilliseconds: 1_755_780_000_000)

    private func read(_ provider: Provider, _ fields: Fields) -> [LimitNotice] {
        LimitReader(provider.profile.limitHeaders).read(
            fields, date: fields.first { $0.name.lowercased() == "date" }?.value, now: now)
    }

    @Test("is read in each provider's own words")
    func providers() {
        let openAI: Fields = [
            ("X-RateLimit-Limit-Requests", "500"), ("x-ratelimit-remaining-requests", "100"),
            ("x-ratelimit-reset-requests", "48s"), ("x-ratelimit-limit-tokens", "200,000"),
            ("x-ratelimit-remaining-tokens", "199996"), ("x-ratelimit-reset-tokens", "1ms"),
        ]
        let minute = Interval.minutes(1)
        let requests = LimitNotice(.requests, per: minute, limit: 500, remaining: 100, reset: .seconds(48))
        let tokens = LimitNotice(.tokens, per: minute, limit: 200_000, remaining: 199_996)
        #expect(read(.openai, openAI) == [requests, tokens])
        #expect(read(.generic, openAI) == [requests, tokens])
        // A request there may be one of ten seconds.
        #expect(read(.azureOpenAI, openAI) == [tokens])
        #expect(read(.groq, openAI).map(\.window) == [.days(1), minute])
        #expect(read(.anthropic, openAI).isEmpty)
        let anthropic: Fields = [
            ("anthropic-ratelimit-output-tokens-limit", "8000"),
            ("anthropic-ratelimit-output-tokens-remaining", "3000"),
            ("anthropic-ratelimit-output-tokens-reset", "2025-08-21T12:40:37Z"), ("date", "yesterday"),
        ]
        #expect(
            read(.anthropic, anthropic) == [
                LimitNotice(.outputTokens, per: minute, limit: 8000, remaining: 3000, reset: .seconds(37))
            ])
        let mistral: Fields = [
            ("x-ratelimit-limit-req-minute", "60"), ("x-ratelimit-remaining-req-minute", "0"),
            ("x-ratelimit-reset-req-minute", "17"),
        ]
        #expect(
            read(.mistral, mistral) == [
                LimitNotice(
                    .requests, per: minute, limit: 60, remaining: 0, reset: .seconds(17), refill: .atReset)
            ])
        for provider in [Provider.openrouter, .moonshot, .cohere, .fireworks, .ollama] {
            #expect(read(provider, [("x-ratelimit-limit", "1"), ("x-ratelimit-remaining", "0")]).isEmpty)
        }
    }

    @Test("counts a point of time from the answer's own clock")
    func ownDate() {
        let fields: Fields = [
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2025-08-21T13:00:05Z"),
            ("Date", "Thu, 21 Aug 2025 13:00:00 GMT"),
        ]
        #expect(read(.anthropic, fields).first?.reset == .seconds(5))
    }

    @Test(
        "is not made up from sentinels and garbage",
        arguments: [("-1", "-1"), ("0", "0"), ("0", "5"), ("", ""), ("many", "some"), ("1e9", "NaN")])
    func garbage(limit: String, remaining: String) {
        let fields: Fields = [
            ("x-ratelimit-limit-tokens", limit), ("x-ratelimit-remaining-tokens", remaining),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ]
        #expect(read(.openai, fields).isEmpty)
    }

    @Test("is read of the draft's fields, where they count requests")
    func draft() {
        let fields: Fields = [
            (
                "RateLimit-Policy",
                #""burst";q=10;w=1, "minute";q=500;w=60, "bytes";q=9;w=60;qu="content-bytes", "day";q=9"#
            ),
            ("RateLimit", #""minute";r=20;t=12, "bytes";r=0;t=1"#),
        ]
        let expected = [
            LimitNotice(.requests, per: .seconds(1), limit: 10, refill: .atReset),
            LimitNotice(
                .requests, per: .minutes(1), limit: 500, remaining: 20, reset: .seconds(12), refill: .atReset),
        ]
        for provider in [Provider.openai, .generic, .ollama] { #expect(read(provider, fields) == expected) }
        #expect(read(.openai, [("RateLimit-Policy", #""minute";q=;w=60"#)]).isEmpty)
        #expect(read(.openai, [("RateLimit", #""minute";r=0;t=60"#)]).isEmpty)
    }

    @Test(
        "names the limit that a refused request met",
        arguments: [
            (
                Provider.openai, #"{"error":{"type":"tokens","message":"on tokens per min (TPM): Limit 30000, Used"}}"#,
                ExceededLimit(.tokens, per: .minutes(1))
            ),
            (
                .openai, #"{"error":{"message":"on requests per day (RPD): Limit 200"}}"#,
                .init(.requests, per: .days(1))
            ),
            (.openai, #"{"error":{"type":"requests","message":"Slow."}}"#, .init(.requests)),
            (.openai, #"{"error":{"message":"Slow."}}"#, nil),
            (.azureOpenAI, #"{"error":{"message":"exceeded token rate limit of your tier"}}"#, .init(.tokens)),
            (.azureOpenAI, #"{"error":{"message":"exceeded call rate limit of your tier"}}"#, .init(.requests)),
            (
                .anthropic, #"{"error":{"message":"rate limit of 40,000 input tokens per minute."}}"#,
                .init(.inputTokens, per: .minutes(1))
            ),
            (
                .gemini,
                #"{"error":{"details":[{"violations":[{"quotaId":"GenerateContentInputTokensPerModelPerMinute"}]}]}}"#,
                .init(.inputTokens, per: .minutes(1))
            ),
            (
                .gemini,
                #"{"error":{"details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProject"}]}]}}"#,
                .init(.requests, per: .minutes(1))
            ),
            (.bedrock, #"{"message":"Too many tokens, please wait before trying again."}"#, .init(.tokens)),
            (.dashscope, #"{"error":{"code":"insufficient_quota"}}"#, .init(.tokens)),
            (.dashscope, #"{"code":"Throttling.RateQuota"}"#, .init(.requests)),
            (
                .groq, #"{"error":{"message":"on requests per minute (RPM): Limit 30"}}"#,
                .init(.requests, per: .minutes(1))
            ),
            (.moonshot, #"{"error":{"message":"reached max RPM: 3"}}"#, .init(.requests, per: .minutes(1))),
        ] as [(Provider, String, ExceededLimit?)])
    func exceeded(provider: Provider, body: String, limit: ExceededLimit?) {
        let judgement = provider.profile.judge(status: 429, headers: [], body: Array(body.utf8).span, now: now)
        #expect(judgement.kind == .rateLimited && judgement.exceeded == limit)
    }

    @Test("names by its fields the one dimension that is exhausted, and none of several")
    func exhausted() {
        let tokens: Fields = [
            ("anthropic-ratelimit-input-tokens-remaining", "0"), ("anthropic-ratelimit-requests-remaining", "7"),
        ]
        let none: [UInt8] = []
        let judge = { (fields: Fields) in
            Provider.anthropic.profile.judge(status: 429, headers: fields, body: none.span, now: now).exceeded
        }
        #expect(judge(tokens) == ExceededLimit(.inputTokens, per: .minutes(1)))
        #expect(judge(tokens + [("anthropic-ratelimit-output-tokens-remaining", "0")]) == nil)
        let overload = Provider.anthropic.profile.judge(status: 529, headers: tokens, body: none.span, now: now)
        #expect(overload.exceeded == nil)
    }
}
