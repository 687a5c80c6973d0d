import Admission

/// What an answer of a provider means for whoever sent the request.
package enum AnswerKind: Hashable, Sendable, CaseIterable {
    case ok
    /// The request itself is at fault; the same one fails again.
    case clientError
    /// Over a rate or a concurrency limit; a pause helps.
    case rateLimited
    /// The provider has no capacity at the moment, whoever asks.
    case overloaded
    /// Money or a day's quota is used up: never repeated.
    case quotaExhausted
    /// Can't ever fit the limit: never repeated.
    case tooLarge
    case serverError
    /// Somebody on the provider's side gave up waiting, for the request, for a lock or for an answer.
    case timeout

    /// Whether the same request may succeed when it is made again.
    package var isRetryable: Bool {
        switch self {
        case .rateLimited, .overloaded, .serverError, .timeout: true
        case .ok, .clientError, .quotaExhausted, .tooLarge: false
        }
    }

    /// What a status means where nothing else is known (RFC 9110 §15, RFC 6585; 529 is "overloaded" by custom).
    init(status: Int) {
        switch status {
        case ..<400: self = .ok
        case 402: self = .quotaExhausted
        case 408, 425, 504: self = .timeout
        case 413: self = .tooLarge
        case 429: self = .rateLimited
        case ..<500: self = .clientError
        case 503, 529: self = .overloaded
        default: self = .serverError
        }
    }
}

/// An answer, judged.
package struct Judgement: Hashable, Sendable {
    package var kind: AnswerKind
    /// When to come back, for kinds where coming back helps.
    package var hint: RetryHint?
    /// Whether another attempt may be made: the kind allows it and the provider has not forbidden it
    /// (`x-should-retry: false`).
    package var isRetryable: Bool
    /// Whether the provider turned the request away before working on it, so that a repetition does nothing twice.
    package var isUnprocessed: Bool
    /// Whether the provider does not accept the key, whatever is asked with it.
    package var isKeyRejected: Bool
    /// Which limit the provider says that the request met; `nil` for other kinds and where it does not say.
    package var exceeded: ExceededLimit?
    /// Whether the answer itself tells the client's SDK to repeat or not, so that nobody need add it.
    package var hasRetryAdvice: Bool

    /// What an answer that is no error means.
    package static let ok = Judgement(
        kind: .ok, hint: nil, isRetryable: false, isUnprocessed: false, isKeyRejected: false, hasRetryAdvice: false)
}

extension ProviderProfile {
    /// Judges an answer. Costs nothing for statuses below 400.
    ///
    /// - Parameters:
    ///   - headers: the answer's fields, names in any case.
    ///   - body: its beginning as it came; 8 KiB are looked at, also of what gzip or deflate has packed. Of a body with
    ///     another coding nothing is known, and the status decides.
    ///   - now: our clock, for hints that are dates.
    package func judge(
        status: Int, headers: some Sequence<(name: String, value: String)>, body: Span<UInt8>, now: WallTime
    ) -> Judgement {
        guard status >= 400 else { return .ok }
        let headers = AnswerHeaders(headers)
        let facts = facts(headers, body)
        let hint = RetryHintReader(
            headers: headers, facts: facts, limits: limitHeaders, further: hintFields, now: now
        ).hint
        let rule = answerRules.first { $0.matches(status: status, facts: facts, hint: hint) }
        let kind = rule?.kind ?? AnswerKind(status: status)
        let advice = headers["x-should-retry"].first?.lowercased()
        return Judgement(
            kind: kind, hint: kind.isRetryable ? hint : nil, isRetryable: kind.isRetryable && advice != "false",
            isUnprocessed: kind == .rateLimited || kind == .overloaded || [408, 409, 425].contains(status),
            isKeyRejected: keyRejections.contains { $0.matches(status: status, facts: facts) },
            exceeded: kind == .rateLimited ? exceeded(facts, headers) : nil, hasRetryAdvice: advice != nil)
    }

    private func facts(_ headers: AnswerHeaders, _ body: Span<UInt8>) -> ErrorFacts {
        guard let coding = headers["content-encoding"].first, coding.lowercased() != "identity" else {
            return ErrorFacts(headers: headers, body: body)
        }
        let plain = Inflate.beginning(
            of: body.extracting(first: ErrorFacts.maxBody), coding: coding, bound: ErrorFacts.maxBody)
        return ErrorFacts(headers: headers, body: plain.span)
    }

    /// Whether an answer of this status can only be judged with the beginning of its body at hand.
    package func needsBody(status: Int) -> Bool {
        // A 429 may carry its hint in the body and nowhere else.
        status == 429 || answerRules.contains { $0.condition.readsBody && $0.statuses.contains(status) }
            || keyRejections.contains { $0.condition.readsBody && $0.statuses.contains(status) }
    }
}

/// One row of a provider's table of answers; the first row that matches decides.
package struct AnswerRule: Hashable, Sendable {
    package var statuses: Set<Int>
    package var condition: Condition
    package var kind: AnswerKind

    package init(_ statuses: Set<Int>, _ condition: Condition = .always, _ kind: AnswerKind) {
        self.statuses = statuses
        self.condition = condition
        self.kind = kind
    }

    package enum Condition: Hashable, Sendable {
        case always
        /// One of these is the error's code, type or status.
        case named(Set<String>)
        /// The message has one of these in it, whatever their case; they stand here in lower case.
        case says([String])
        /// The name of an exceeded quota has this in it.
        case quota(String)
        /// The message says that the request alone is larger than the limit.
        case neverFits
        /// There is a hint of when to come back.
        case hinted
        /// The hint is longer than this.
        case hintedBeyond(Interval)
    }

    func matches(status: Int, facts: ErrorFacts, hint: RetryHint?) -> Bool {
        statuses.contains(status) && condition.holds(facts: facts, hint: hint)
    }

}

/// One way in which a provider says that it does not accept a key: it was mistyped, revoked, suspended.
package struct KeyRejection: Hashable, Sendable {
    package var statuses: Set<Int>
    package var condition: AnswerRule.Condition

    package init(_ statuses: Set<Int>, _ condition: AnswerRule.Condition = .always) {
        self.statuses = statuses
        self.condition = condition
    }

    func matches(status: Int, facts: ErrorFacts) -> Bool {
        statuses.contains(status) && condition.holds(facts: facts, hint: nil)
    }
}

extension AnswerRule.Condition {
    var readsBody: Bool {
        switch self {
        case .named, .says, .quota, .neverFits, .hintedBeyond: true
        case .always, .hinted: false
        }
    }

    func holds(facts: ErrorFacts, hint: RetryHint?) -> Bool {
        switch self {
        case .always: return true
        case .named(let names): return !names.isDisjoint(with: facts.names)
        case .says(let phrases):
            let message = TextCursor(facts.message)
            return phrases.contains { !message.places(behind: $0).isEmpty }
        case .quota(let part):
            return facts.quotas.contains { !TextCursor($0).places(behind: part).isEmpty }
        case .neverFits: return facts.neverFits
        case .hinted: return hint != nil
        case .hintedBeyond(let length): return hint.map { $0.wait > length } ?? false
        }
    }
}
