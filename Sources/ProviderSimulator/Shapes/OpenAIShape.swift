/// OpenAI: platform.openai.com/docs/api-reference; "Error codes" and "Rate limits in headers" of its guides.
extension ProviderShape {
    static let openAI = ProviderShape(
        calls: openAICalls(under: "/v1"),
        errors: openAIErrors,
        tokenRate: ErrorWords(429, "tokens", code: "rate_limit_exceeded", "Rate limit reached (simulated)."),
        type: openAIType,
        countsAloud: true,
        errorText: openAIError,
        answerHeaders: { id in
            [
                ("x-request-id", "req_\(id)"), ("openai-organization", "org-simulated"),
                ("openai-version", "2020-10-01"),
            ]
        },
        limitHeaders: { standings, _ in openAILimits(standings) { DurationText.go($0) } },
        retryHeaders: { wait, _ in seconds(wait) + milliseconds(wait) })

    /// The calls that providers with OpenAI's wire share.
    static func openAICalls(under base: String) -> [Call] {
        [
            .post(base + "/chat/completions", .chatCompletions), .post(base + "/completions", .completions),
            .post(base + "/responses", .responses), .post(base + "/embeddings", .embeddings),
            .get(base + "/models", .models), .get(base + "/models/", "") { .model($0) },
        ]
    }

    static let openAIErrors: [ErrorKind: ErrorWords] = [
        .rate: ErrorWords(429, "requests", code: "rate_limit_exceeded", "Rate limit reached (simulated)."),
        .overloaded: ErrorWords(
            503, "server_error", code: "server_is_overloaded", "The server is overloaded (simulated)."),
        .money: ErrorWords(
            429, "insufficient_quota", code: "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details."),
        .day: ErrorWords(
            429, "requests", code: "rate_limit_exceeded",
            "Rate limit reached on requests per day (RPD): Limit 200, Used 200, Requested 1. "
                + "Please try again in 7m12s."),
        .context: ErrorWords(
            400, "invalid_request_error", code: "context_length_exceeded",
            "This model's maximum context length is 128000 tokens. Please reduce the length of the messages."),
        .credential: ErrorWords(
            401, "invalid_request_error", code: "invalid_api_key", "Incorrect API key provided (simulated)."),
    ]

    static let openAIType: @Sendable (Int) -> String = { $0 >= 500 ? "server_error" : "invalid_request_error" }

    static let openAIError: @Sendable (ErrorBody) -> String = { error in
        object([
            "error": object([
                "message": quoted(error.message), "type": quoted(error.type),
                "param": error.parameter.map(quoted) ?? "null", "code": error.code.map(quoted) ?? "null",
            ])
        ])
    }

    /// - Parameter reset: how a time to the full limit is written; nanoseconds.
    static func openAILimits(_ standings: Standings, reset: (Int64) -> String) -> Fields {
        [("requests", standings.requests), ("tokens", standings.tokens)].flatMap { kind, standing -> Fields in
            guard let standing else { return [] }
            return [
                ("x-ratelimit-limit-\(kind)", "\(standing.quota)"),
                ("x-ratelimit-remaining-\(kind)", "\(standing.remaining)"),
                ("x-ratelimit-reset-\(kind)", reset(standing.reset)),
            ]
        }
    }

    /// Rounded up, as is the next: who waits so long is not early.
    static func seconds(_ wait: Int64) -> Fields {
        [("retry-after", "\((wait - 1) / 1_000_000_000 + 1)")]
    }

    static func milliseconds(_ wait: Int64) -> Fields {
        [("retry-after-ms", "\((wait - 1) / 1_000_000 + 1)")]
    }
}
