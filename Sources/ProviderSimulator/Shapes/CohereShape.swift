/// Cohere: docs.cohere.com, "Chat API (V2)", "Embed API (V2)" and "Errors"; a message is all that an error has.
extension ProviderShape {
    static let cohere = ProviderShape(
        homes: ["/v2/"],
        calls: [.post("/v2/chat", .cohereChat), .post("/v2/embed", .cohereEmbed)],
        errors: [
            .rate: ErrorWords(
                429, "", "You are using a Trial key, which is limited to 40 API calls / minute (simulated)."),
            .overloaded: ErrorWords(503, "", "The service is temporarily unavailable (simulated)."),
            .money: ErrorWords(402, "", "Please add or update your payment method (simulated)."),
            // It has no day, but a month.
            .day: ErrorWords(
                429, "", "You are using a Trial key, which is limited to 1000 API calls / month (simulated)."),
            .context: ErrorWords(400, "", "too many tokens: total number of tokens cannot exceed 128000"),
            .credential: ErrorWords(401, "", "invalid api token"),
        ],
        type: { _ in "" },
        errorText: { object(["id": quoted($0.id), "message": quoted($0.message)]) },
        answerHeaders: { [("x-debug-trace-id", $0)] },
        limitHeaders: { standings, _ in
            guard let standing = standings.requests else { return [] }
            return [
                ("x-trial-endpoint-call-limit", "\(standing.quota)"),
                ("x-trial-endpoint-call-remaining", "\(standing.remaining)"),
            ]
        },
        // Its SDK reads seconds since 1970.
        retryHeaders: { wait, date in [("x-ratelimit-reset", "\(date + (wait + 999_999_999) / 1_000_000_000)")] })
}
