/// LLM tokens of one request: what it brings and what it is answered with.
package struct Tokens: Hashable, Sendable {
    /// 0 or more.
    package var input: Int
    /// 0 or more.
    package var output: Int

    package init(input: Int, output: Int) {
        self.input = input
        self.output = output
    }

    package static let none = Tokens(input: 0, output: 0)

    package var total: Int { input + output }

    /// How much of a rate's quota one request with these tokens takes.
    package func units(of unit: Limit.Unit) -> Int {
        switch unit {
        case .requests: 1
        case .tokens: total
        case .inputTokens: input
        case .outputTokens: output
        }
    }
}

/// What can be said of a request's tokens before it is sent.
package struct TokenClaim: Hashable, Sendable {
    /// Estimated from its text.
    package var input: Int
    /// The most that the request allows the answer to have; `nil` where it does not say.
    package var outputBound: Int?

    package init(input: Int, outputBound: Int? = nil) {
        self.input = input
        self.outputBound = outputBound
    }
}

/// How a provider counts tokens, and so what is reserved for a request and what of it is given back.
package enum TokenCounting: Hashable, Sendable {
    /// What was used. Reserved is what is usual for the model, at most the request's own bound.
    case usage
    /// The request's whole bound is held from the start; what was not used is given back at the end.
    case reservedUsage
    /// The request's whole bound counts, whatever is used of it.
    case reservation
}
