import Admission
import Providers

/// Where an upstream's answers differ from its provider's: `answers`, `model_header`.
extension Field {
    fileprivate static let kindKeys: [(key: String, kind: AnswerKind)] = [
        ("rate", .rateLimited), ("overload", .overloaded), ("quota", .quotaExhausted), ("too_large", .tooLarge),
        ("timeout", .timeout), ("server_error", .serverError), ("client_error", .clientError),
    ]

    func profileOverrides() -> ProfileOverrides {
        var overrides = ProfileOverrides()
        let keys = Self.kindKeys.map(\.key) + ["retry_after", "retry_after_ms", "limit_headers"]
        guard let section = section(keys) else { return overrides }
        for (key, kind) in Self.kindKeys {
            for item in section[key]?.oneOrMore() ?? [] {
                guard let status = item.integer(400...599) else { continue }
                if overrides.kinds.updateValue(kind, forKey: status) != nil {
                    item.mistake("the status \(status) has a meaning already")
                }
            }
        }
        overrides.hintFields = HintFields(
            inSeconds: section["retry_after"]?.headerNames() ?? [],
            inMilliseconds: section["retry_after_ms"]?.headerNames() ?? [])
        if let heeds = section["limit_headers"]?.flag() { overrides.heedsLimitHeaders = heeds }
        return overrides
    }

    private func headerNames() -> [String] {
        oneOrMore().compactMap { $0.headerName() }
    }

    /// In lower case.
    func headerName() -> String? {
        token(expected: "the name of a header")?.lowercased()
    }
}

extension ProfileOverrides {
    /// Nothing of what is as the profile has it.
    var settings: [Setting.Entry] {
        var answers = Field.kindKeys.compactMap { key, kind -> Setting.Entry? in
            let statuses = kinds.filter { $0.value == kind }.keys.sorted()
            return statuses.isEmpty ? nil : .init(key, .oneOrMore(statuses.map(Setting.number)))
        }
        for (key, names) in [("retry_after", hintFields.inSeconds), ("retry_after_ms", hintFields.inMilliseconds)]
        where !names.isEmpty {
            answers.append(.init(key, .oneOrMore(names.map(Setting.text))))
        }
        if !heedsLimitHeaders { answers.append(.init("limit_headers", .flag(false))) }
        let model = modelField.map { [Setting.Entry("model_header", .text($0))] } ?? []
        return (answers.isEmpty ? [] : [.init("answers", .mapping(answers))]) + model
    }
}
