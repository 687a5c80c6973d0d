import Admission
import Rehearsal
import Testing

@testable import Providers

@Suite("An answer is judged")
struct JudgementTests {
    private func judge(
        _ provider: Provider, _ status: Int, _ body: String = "", _ fields: [(name: String, value: String)] = []
    ) -> Judgement {
        provider.profile.judge(
            status: status, headers: fields, body: Array(body.utf8).span,
            now: WallTime(unixMilliseconds: 1_755_780_000_000))
    }

    @Test(
        "by its status where nothing else is known",
        arguments: [
            (200, AnswerKind.ok), (101, .ok), (304, .ok), (400, .clientError), (401, .clientError), (403, .clientError),
            (404, .clientError), (422, .clientError), (402, .quotaExhausted), (408, .timeout), (413, .tooLarge),
            (429, .rateLimited), (500, .serverError), (501, .serverError), (502, .serverError), (503, .overloaded),
            (504, .timeout), (529, .overloaded),
        ])
    func byStatus(status: Int, kind: AnswerKind) {
        for provider in Provider.allCases {
            #expect(judge(provider, status).kind == kind, "\(provider)")
            #expect(judge(provider, status, "<html>…</html>").kind == kind, "\(provider)")
        }
    }

    @Test(
        "as a word about the key where the provider does not accept it, whatever was asked",
        arguments: [
            (Provider.openai, 401, "{}", true), (.generic, 401, "", true), (.openai, 403, "{}", false),
            (.gemini, 400, #"{"error":{"code":400,"details":[{"reason":"API_KEY_INVALID"}]}}"#, true),
            (.gemini, 400, #"{"error":{"code":400,"status":"INVALID_ARGUMENT"}}"#, false),
            (.gemini, 403, #"{"error":{"message":"Your API key was reported as leaked. Please use another"}}"#, true),
            (.gemini, 403, #"{"error":{"status":"PERMISSION_DENIED"}}"#, false),
            (.vertex, 403, #"{"error":{"details":[{"reason":"CONSUMER_SUSPENDED"}]}}"#, true),
            (.bedrock, 403, #"{"__type":"UnrecognizedClientException"}"#, true),
            (.bedrock, 403, #"{"__type":"AccessDeniedException"}"#, false),
            (.anthropic, 403, #"{"error":{"type":"permission_error"}}"#, false),
        ])
    func ofKey(provider: Provider, status: Int, body: String, isRejected: Bool) {
        let judgement = judge(provider, status, body)
        #expect(judgement.isKeyRejected == isRejected)
        #expect(judgement.kind == .clientError)
    }

    @Test(
        "by its code, each provider's in its own meaning",
        arguments: [
            (
                Provider.openai, 429, #"{"error":{"code":"rate_limit_exceeded","type":"tokens"}}"#,
                AnswerKind.rateLimited
            ),
            (.openai, 429, #"{"error":{"code":"slow_down"}}"#, .rateLimited),
            (.openai, 503, #"{"error":{"code":"slow_down"}}"#, .overloaded),
            (.openai, 429, #"{"error":{"code":null,"type":"insufficient_quota"}}"#, .quotaExhausted),
            (.openai, 429, #"{"error":{"code":"insufficient_quota"}}"#, .quotaExhausted),
            (.openai, 429, #"{"error":{"code":"credit_balance_exhausted"}}"#, .quotaExhausted),
            (.openai, 429, #"{"error":{"code":"organization_spend_limit_exceeded"}}"#, .quotaExhausted),
            (.openai, 429, #"{"error":{"code":"project_spend_limit_exceeded"}}"#, .quotaExhausted),
            (.openai, 429, #"{"error":{"code":"organization_usage_limit_exceeded"}}"#, .quotaExhausted),
            (.openai, 429, #"{"error":{"code":"billing_hard_limit_reached"}}"#, .quotaExhausted),
            (.openai, 409, #"{"error":{}}"#, .timeout),
            (.generic, 409, #"{"error":{}}"#, .clientError),
            (.generic, 429, #"{"error":{"code":"insufficient_quota"}}"#, .quotaExhausted),
            (.generic, 429, #"{"error":{"details":[{"violations":[{"quotaId":"XPerDayY"}]}]}}"#, .quotaExhausted),
            (.vllm, 429, #"{"error":{"code":429,"message":"busy"}}"#, .rateLimited),
            (.azureOpenAI, 429, #"{"error":{"code":"429","message":"Please retry after 6 seconds."}}"#, .rateLimited),
            (.azureOpenAI, 429, #"{"error":{"message":"Please retry after 86400 seconds."}}"#, .quotaExhausted),
            (.anthropic, 429, #"{"type":"error","error":{"type":"rate_limit_error"}}"#, .rateLimited),
            (
                .anthropic, 429,
                #"{"error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
                .quotaExhausted
            ),
            (.anthropic, 529, #"{"type":"error","error":{"type":"overloaded_error"}}"#, .overloaded),
            (.anthropic, 400, #"{"error":{"message":"Your credit balance is too low to…"}}"#, .quotaExhausted),
            (.anthropic, 400, #"{"error":{"message":"messages: required"}}"#, .clientError),
            (
                .gemini, 429,
                #"{"error":{"code":429,"details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProject"}]}]}}"#,
                .rateLimited
            ),
            (
                .gemini, 429,
                #"[{"error":{"code":429,"details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]}]}}]"#,
                .quotaExhausted
            ),
            (.gemini, 429, #"{"error":{"code":"quota_exceeded"}}"#, .quotaExhausted),
            (.openrouter, 403, #"{"error":{"code":403,"message":"Key limit exceeded"}}"#, .quotaExhausted),
            (.openrouter, 403, #"{"error":{"code":403,"message":"Your input was flagged"}}"#, .clientError),
            (.moonshot, 403, #"{"error":{"message":"Insufficient balance"}}"#, .quotaExhausted),
            (.vertex, 429, #"{"error":{"message":"Resource exhausted, please try again later"}}"#, .rateLimited),
            (.vertex, 429, #"{"error":{"message":"Exceeded the Provisioned Throughput"}}"#, .quotaExhausted),
            (.bedrock, 429, #"{"message":"Too many requests"}"#, .rateLimited),
            (.bedrock, 429, #"{"message":"Too many tokens per day, please wait"}"#, .quotaExhausted),
            (.bedrock, 400, #"{"__type":"com.amazon.coral#ThrottlingException"}"#, .rateLimited),
            (.bedrock, 400, #"{"__type":"ValidationException"}"#, .clientError),
            (.groq, 498, #"{"error":{"code":"capacity_exceeded"}}"#, .overloaded),
            (.groq, 413, #"{"error":{"code":"rate_limit_exceeded"}}"#, .tooLarge),
            (.fireworks, 412, "", .quotaExhausted),
            (.openrouter, 402, #"{"error":{"code":402}}"#, .quotaExhausted),
            (
                .openrouter, 402, #"{"error":{"code":402,"metadata":{"limit_source":"openrouter_in_flight_budget"}}}"#,
                .rateLimited
            ),
            (.dashscope, 429, #"{"error":{"code":"insufficient_quota"}}"#, .rateLimited),
            (.dashscope, 429, #"{"code":"Throttling.AllocationQuota","message":"…"}"#, .rateLimited),
            (.dashscope, 400, #"{"code":"Arrearage","message":"…"}"#, .quotaExhausted),
            (.zhipu, 429, #"{"error":{"code":"1302"}}"#, .rateLimited),
            (.zhipu, 429, #"{"error":{"code":"1305"}}"#, .overloaded),
            (.zhipu, 429, #"{"error":{"code":"1113"}}"#, .quotaExhausted),
            (.moonshot, 429, #"{"error":{"type":"exceeded_current_quota_error"}}"#, .quotaExhausted),
            (.moonshot, 429, #"{"error":{"type":"engine_overloaded_error"}}"#, .overloaded),
            (.cohere, 429, #"{"message":"You are limited to 1000 API calls / month"}"#, .quotaExhausted),
            (.ollama, 503, #"{"error":"server busy, please try again."}"#, .overloaded),
        ])
    func byCode(provider: Provider, status: Int, body: String, kind: AnswerKind) {
        #expect(judge(provider, status, body).kind == kind)
    }

    @Test("as too large where one request asks for more than the limit")
    func neverFits() {
        let message = "Request too large for gpt-4o (TPM): Limit 30,000, Requested 30,500. Try again in 1s."
        let judgement = judge(.openai, 429, #"{"error":{"message":"\#(message)","code":"rate_limit_exceeded"}}"#)
        #expect(judgement.kind == .tooLarge)
        #expect(judgement.hint == nil)
        let fits = "Rate limit reached: Limit 30000, Used 29000, Requested 2000. Please try again in 2s."
        #expect(judge(.openai, 429, #"{"error":{"message":"\#(fits)"}}"#).kind == .rateLimited)
    }

    @Test("with its hint")
    func hint() {
        let body = #"{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"26.5s"}]}}"#
        let judgement = judge(.gemini, 429, body)
        #expect(judgement.hint == RetryHint(wait: .milliseconds(26_500), source: .retryInfo))
        #expect(judgement.isRetryable && judgement.isUnprocessed)
        #expect(judge(.openrouter, 402, "", [("Retry-After", "3")]).kind == .rateLimited)
        #expect(judge(.openrouter, 402, "", [("Retry-After", "3")]).hint?.wait == .seconds(3))
    }

    @Test("from the header of an AWS error")
    func awsHeader() {
        let fields = [(name: "x-amzn-ErrorType", value: "ThrottlingException:http://internal.amazon.com/")]
        #expect(judge(.bedrock, 400, #"{"message":"slow"}"#, fields).kind == .rateLimited)
    }

    @Test("as not to be repeated where the provider says so")
    func advice() {
        let never = judge(.openai, 429, "", [("X-Should-Retry", "false")])
        #expect(!never.isRetryable && never.hasRetryAdvice && never.kind == .rateLimited)
        let again = judge(.openai, 400, "", [("x-should-retry", "true")])
        #expect(!again.isRetryable && again.hasRetryAdvice)
        #expect(!judge(.openai, 500).hasRetryAdvice)
    }

    @Test("as repeatable by its kind", arguments: AnswerKind.allCases)
    func repeatable(kind: AnswerKind) {
        let repeatable: Set<AnswerKind> = [.rateLimited, .overloaded, .serverError, .timeout]
        #expect(kind.isRetryable == repeatable.contains(kind))
    }

    @Test("as processed unless it was turned away at the door")
    func processed() {
        for status in [408, 429, 503, 529] { #expect(judge(.openai, status).isUnprocessed, "\(status)") }
        for status in [200, 400, 500, 502, 504] { #expect(!judge(.openai, status).isUnprocessed, "\(status)") }
    }

    @Test("without looking beyond 8 KiB of the body")
    func bounded() {
        let padding = String(repeating: " ", count: ErrorFacts.maxBody)
        #expect(judge(.openai, 429, padding + #"{"error":{"code":"insufficient_quota"}}"#).kind == .rateLimited)
        let cut = #"{"error":{"code":"insufficient_quota","message":""# + String(repeating: "x", count: 20_000)
        #expect(judge(.openai, 429, cut).kind == .quotaExhausted)
    }

    @Test("with the body only where a row needs it")
    func needsBody() {
        for provider in Provider.allCases {
            #expect(provider.profile.needsBody(status: 429), "\(provider)")
            for status in [200, 401, 404, 500, 502, 504] {
                #expect(!provider.profile.needsBody(status: status), "\(provider) \(status)")
            }
        }
        let further: [(Provider, Int)] = [
            (.anthropic, 400), (.bedrock, 400), (.bedrock, 424), (.openrouter, 402), (.dashscope, 400),
        ]
        for (provider, status) in further { #expect(provider.profile.needsBody(status: status), "\(provider)") }
        #expect(!Provider.openai.profile.needsBody(status: 400))
        #expect(!Provider.openai.profile.needsBody(status: 402))
    }

    @Test("without harm whatever it is", arguments: [51, 52] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let words = [
            "{", "}", "[", "]", "\"error\":", "\"code\":", "\"message\":", "\"insufficient_quota\"", "\"Limit 10, ",
            "Requested 12\"", "\"details\":", "\"quotaId\":", "\"PerDay\"", ",", "\"", "\\", "429", "#", ":",
        ]
        for _ in 0..<600 {
            let body = random.text(from: words, pieces: 40)
            let status = Int.random(in: 100...599, using: &random)
            for provider in Provider.allCases {
                let judgement = provider.profile.judge(
                    status: status, headers: [("retry-after", "1")], body: body.span,
                    now: WallTime(unixMilliseconds: 0))
                #expect((judgement.kind == .ok) == (status < 400), "seed \(seed): \(body)")
                #expect(judgement.hint == nil || judgement.kind.isRetryable, "seed \(seed): \(body)")
            }
        }
    }
}
