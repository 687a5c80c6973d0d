import Admission

extension ProviderProfile {
    /// Anthropic: a token bucket per minute, "continuously replenished". Its SDKs send the key as a bearer from 2.0 on
    /// and in `x-api-key` before. Output is charged with `max_tokens` from the start and settled at the end; input is
    /// estimated, then corrected.
    static let anthropic = ProviderProfile(
        hosts: [Glob("api.anthropic.com")],
        credential: CredentialRule(CredentialRule.Field("x-api-key"), or: [.bearer]),
        answerRules: .anthropicMoney + .lockTimeout,
        limitHeaders: .anthropic, exceededRules: .anthropic,
        errorShape: .anthropic,
        tokenCounting: .reservedUsage)
}
