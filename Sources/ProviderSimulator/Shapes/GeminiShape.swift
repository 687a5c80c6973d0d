/// The Gemini API: ai.google.dev/api; errors are google.rpc.Status, and their details say which quota and how long.
/// No header tells of a limit.
extension ProviderShape {
    static let gemini = ProviderShape(
        homes: ["/v1beta/"],
        // Its SDK from 3 on calls `/v1/models/…`, where OpenAI has its models.
        verbs: [
            ":generateContent", ":streamGenerateContent", ":embedContent", ":batchEmbedContents", ":countTokens",
        ],
        calls: ["/v1beta", "/v1"].flatMap { version -> [Call] in
            let models = version + "/models/"
            return [
                .post(models, ":generateContent") { .generateContent(model: $0, nil) },
                .post(models, ":streamGenerateContent") { model, query in
                    let events = query.split(separator: "&").contains("alt=sse")
                    return .generateContent(model: model, events ? .events : .array)
                },
                .post(models, ":embedContent") { .embedContent(model: $0, batch: false) },
                .post(models, ":batchEmbedContents") { .embedContent(model: $0, batch: true) },
                .post(models, ":countTokens") { .countContentTokens(model: $0) },
            ]
        },
        errors: [
            .rate: ErrorWords(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota (simulated)."),
            .overloaded: ErrorWords(
                503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
            // Nothing in it but the words tells it from a rate.
            .money: ErrorWords(429, "RESOURCE_EXHAUSTED", "Your project has exceeded its spending cap (simulated)."),
            .day: ErrorWords(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota (simulated)."),
            .context: ErrorWords(
                400, "INVALID_ARGUMENT",
                "The input token count exceeds the maximum number of tokens allowed (1048576)."),
            .credential: ErrorWords(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        ],
        type: { status in
            switch status {
            case 401: "UNAUTHENTICATED"
            case 403: "PERMISSION_DENIED"
            case 404: "NOT_FOUND"
            case 429: "RESOURCE_EXHAUSTED"
            case 503: "UNAVAILABLE"
            case 504: "DEADLINE_EXCEEDED"
            case 500...: "INTERNAL"
            default: "INVALID_ARGUMENT"
            }
        },
        errorText: { error in
            object([
                "error": object([
                    "code": "\(error.status)", "message": quoted(error.message), "status": quoted(error.type),
                    "details": "[\(geminiDetails(error).joined(separator: ","))]",
                ])
            ])
        },
        answerHeaders: { _ in [("x-gemini-service-tier", "standard")] })

    private static func geminiDetails(_ error: ErrorBody) -> [String] {
        var details: [String] = []
        if error.kind == .rate || error.kind == .day {
            let length = error.kind == .day ? "Day" : "Minute"
            let quota =
                error.countsTokens
                ? "GenerateContentInputTokensPerModelPer\(length)" : "GenerateRequestsPer\(length)PerProjectPerModel"
            details.append(
                object([
                    "@type": quoted("type.googleapis.com/google.rpc.QuotaFailure"),
                    "violations": "[\(object(["quotaId": quoted(quota)]))]",
                ]))
        }
        if let retryAfter = error.retryAfter {
            let seconds = (retryAfter + 999_999_999) / 1_000_000_000
            details.append(
                object([
                    "@type": quoted("type.googleapis.com/google.rpc.RetryInfo"), "retryDelay": quoted("\(seconds)s"),
                ]))
        }
        return details
    }
}
