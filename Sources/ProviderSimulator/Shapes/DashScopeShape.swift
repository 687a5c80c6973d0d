/// DashScope in its compatible mode: OpenAI's wire, where `insufficient_quota` is the rate in tokens and no header
/// tells of limits (alibabacloud.com/help, Model Studio, "Rate limits" and "Error messages").
extension ProviderShape {
    static let dashscope = ProviderShape(
        homes: ["/compatible-mode/"],
        calls: openAICalls(under: "/compatible-mode/v1"),
        errors: openAIErrors.merging([
            .rate: ErrorWords(
                429, "limit_requests", code: "limit_requests", "You exceeded your current requests list."),
            .money: ErrorWords(
                400, "Arrearage", code: "Arrearage", "Access denied, please make sure your account is in good standing."
            ),
            .day: ErrorWords(429, "insufficient_quota", code: "insufficient_quota", "You exceeded your current quota."),
        ]) { _, dashscope in dashscope },
        tokenRate: ErrorWords(
            429, "insufficient_quota", code: "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details."),
        type: openAIType,
        errorText: openAIError,
        answerHeaders: { [("x-request-id", $0)] })
}
