/// What a request weighs in limits that can be held only when all of it has come.
///
/// The simulated provider makes the answer up, so it knows at once how many tokens it will write; real ones have to
/// guess. Who estimates less than this sends too much.
package struct Weight: Hashable, Sendable {
    /// `nil` where the request names none, or can't be understood.
    package var model: String?
    package var inputTokens: Int
    package var outputTokens: Int

    package init(model: String? = nil, inputTokens: Int = 0, outputTokens: Int = 0) {
        self.model = model
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }

    /// In the units of the bound. 0 where the request has nothing to do with it.
    func amount(in bound: LimitRule.Bound) -> Int {
        switch bound {
        case .inFlight, .requests: 1
        case .tokens(.all, _, _, _): inputTokens + outputTokens
        case .tokens(.input, _, _, _): inputTokens
        case .tokens(.output, _, _, _): outputTokens
        }
    }
}

extension LimitRule {
    /// Whether it can be held only when all of a request has come.
    var needsBody: Bool { model != nil || bound.isOfTokens }

    func counts(_ weight: Weight) -> Bool { model == nil || model == weight.model }
}
