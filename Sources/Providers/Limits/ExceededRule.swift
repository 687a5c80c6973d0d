import Admission

/// One row of a provider's words for the limit that a refused request met; the first row that matches decides.
package struct ExceededRule: Hashable, Sendable {
    package var condition: AnswerRule.Condition
    package var limit: ExceededLimit

    package init(_ condition: AnswerRule.Condition, _ unit: Limit.Unit, per window: Interval? = nil) {
        self.condition = condition
        limit = ExceededLimit(unit, per: window)
    }
}

extension ProviderProfile {
    /// The limit that a refusal of the rate kind names: in words, else by the headers where exactly one dimension is
    /// exhausted. `nil` where it may be any.
    func exceeded(_ facts: ErrorFacts, _ headers: AnswerHeaders) -> ExceededLimit? {
        if let row = exceededRules.first(where: { $0.condition.holds(facts: facts, hint: nil) }) { return row.limit }
        let exhausted = Set(limitHeaders.filter(headers.isExhausted).map(\.dimension))
        guard exhausted.count == 1, case let dimension?? = exhausted.first else { return nil }
        return ExceededLimit(dimension.unit, per: dimension.window)
    }
}

/// Rows that several providers share.
extension [ExceededRule] {
    /// "Rate limit reached for … on tokens per min (TPM): Limit 30000, …"; the type is `requests` or `tokens`.
    static let openAI: [ExceededRule] = [
        ExceededRule(.says(["(rpd)", "requests per day"]), .requests, per: .days(1)),
        ExceededRule(.says(["(tpd)", "tokens per day"]), .tokens, per: .days(1)),
        ExceededRule(.says(["(rpm)", "requests per min"]), .requests, per: .minutes(1)),
        ExceededRule(.says(["(tpm)", "tokens per min"]), .tokens, per: .minutes(1)),
        ExceededRule(.named(["requests"]), .requests),
        ExceededRule(.named(["tokens"]), .tokens),
    ]

    /// "This request would exceed your organization's rate limit of 40,000 input tokens per minute".
    static let anthropic: [ExceededRule] = [
        ExceededRule(.says(["input tokens per minute"]), .inputTokens, per: .minutes(1)),
        ExceededRule(.says(["output tokens per minute"]), .outputTokens, per: .minutes(1)),
        ExceededRule(.says(["requests per minute"]), .requests, per: .minutes(1)),
        ExceededRule(.says(["tokens per minute"]), .tokens, per: .minutes(1)),
    ]

    /// `GenerateRequestsPerMinutePerProjectPerModel`, `GenerateContentInputTokensPerModelPerMinute`
    static let google: [ExceededRule] = [
        ExceededRule(.quota("InputToken"), .inputTokens, per: .minutes(1)),
        ExceededRule(.quota("RequestsPer"), .requests, per: .minutes(1)),
    ]
}
