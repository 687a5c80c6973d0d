/// Where one upstream differs from what its provider's profile says.
package struct ProfileOverrides: Hashable, Sendable {
    /// What statuses mean. Rows of the profile that look further than at the status still come first: a 429 for spent
    /// money is no rate because 429 is one.
    package var kinds: [Int: AnswerKind]
    package var hintFields: HintFields
    /// A field of requests that names the model, believed before any other place.
    package var modelField: String?
    /// Whether what answers say of the provider's limits is heeded.
    package var heedsLimitHeaders: Bool

    package init(
        kinds: [Int: AnswerKind] = [:], hintFields: HintFields = HintFields(), modelField: String? = nil,
        heedsLimitHeaders: Bool = true
    ) {
        self.kinds = kinds
        self.hintFields = hintFields
        self.modelField = modelField
        self.heedsLimitHeaders = heedsLimitHeaders
    }
}

extension ProviderProfile {
    package func overridden(by overrides: ProfileOverrides) -> ProviderProfile {
        var profile = self
        let statuses = overrides.kinds.keys.sorted()
        let said = statuses.compactMap { status in
            overrides.kinds[status].map { AnswerRule([status], .always, $0) }
        }
        profile.answerRules =
            answerRules.filter { $0.condition != .always } + said + answerRules.filter { $0.condition == .always }
        profile.hintFields = overrides.hintFields
        profile.request.modelField = overrides.modelField
        if !overrides.heedsLimitHeaders { profile.limitHeaders = [] }
        profile.heedsLimitHeaders = overrides.heedsLimitHeaders
        return profile
    }
}
