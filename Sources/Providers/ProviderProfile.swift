import Admission

/// What is known about one provider's wire: data only, one value per provider, so that a change of a provider is a
/// change of a row and not of code.
package struct ProviderProfile: Sendable {
    /// Patterns of the lower-case host names that belong to the provider.
    package var hosts: [Glob]
    /// The window over which the provider is known or suspected to enforce its rates.
    package var enforcedWindow: Interval
    /// Where a request names its model and whether it streams.
    package var request: RequestShape
    /// Where a request carries the API key.
    package var credential: CredentialRule
    /// What its error answers mean, beyond what their status says.
    package var answerRules: [AnswerRule]
    /// How it says that it does not accept the key, whatever is asked with it.
    package var keyRejections: [KeyRejection]
    /// The dimensions of its limits as its answer headers show them.
    package var limitHeaders: [LimitHeaders]
    /// What it calls the limit that a refused request met.
    package var exceededRules: [ExceededRule]
    /// Further fields of its answers that say when to come back.
    package var hintFields = HintFields()
    /// Whether what it says of its limits, in whatever fields, is heeded.
    package var heedsLimitHeaders = true
    /// The shape in which its clients expect an error.
    package var errorShape: ErrorShape
    /// How it counts tokens against its limits.
    package var tokenCounting: TokenCounting
    /// Where the provider's day begins, where its daily budgets come back at a known midnight; `nil` where a day is any
    /// 24 hours as far as is known.
    package var dayZone: ResetZone?
    /// Whether its OpenAI-shaped endpoints are known to take `stream_options.include_usage` and tell a stream's usage
    /// only then.
    package var hasUsageOption: Bool

    package init(
        hosts: [Glob] = [], enforcedWindow: Interval = .seconds(60), request: RequestShape = RequestShape(),
        credential: CredentialRule = .bearer, answerRules: [AnswerRule] = [], limitHeaders: [LimitHeaders] = [],
        exceededRules: [ExceededRule] = [], errorShape: ErrorShape = .openAI, tokenCounting: TokenCounting = .usage,
        hasUsageOption: Bool = false, dayZone: ResetZone? = nil, keyRejections: [KeyRejection] = .unauthorized
    ) {
        self.hosts = hosts
        self.enforcedWindow = enforcedWindow
        self.request = request
        self.credential = credential
        self.answerRules = answerRules
        self.limitHeaders = limitHeaders
        self.exceededRules = exceededRules
        self.errorShape = errorShape
        self.tokenCounting = tokenCounting
        self.dayZone = dayZone
        self.hasUsageOption = hasUsageOption
        self.keyRejections = keyRejections
    }

    /// Whether a lower-case host name belongs to the provider.
    package func owns(host: String) -> Bool {
        hosts.contains { $0.matches(host) }
    }

    /// Whether a streamed answer to a request must be asked for its usage; see ``UsageRequest``.
    ///
    /// - Parameter target: path and query.
    package func takesUsageOption(target: String) -> Bool {
        // Chat completions and completions; OpenAI's Responses need no asking.
        hasUsageOption && RequestTarget(target).path.hasSuffix("/completions")
    }
}
