/// One answer of the model: what it says is decided by the request's seed, its words are made up as they are written,
/// so that a long answer that is under way costs no memory.
struct Completion: Hashable, Sendable {
    var ask: Ask
    /// Hexadecimal, the provider's prefix goes before it.
    var id: String
    /// Seconds since 1970.
    var created: Int64
    var outputTokens: Int

    /// Whether the request's maximum ended the answer.
    var endedByLength: Bool { ask.maximumOutputTokens == outputTokens }

    /// One token of the answer's text.
    static func word(_ place: Int) -> String {
        let words = ["water", "runs", "down", "the", "hill", "and", "turns", "a", "wheel"]
        return place == 0 ? "Water" : " " + words[place % words.count]
    }

    var text: String {
        (0..<outputTokens).reduce(into: "") { $0 += Self.word($1) }
    }

    /// The body of an answer that is not streamed.
    var body: String {
        switch ask.endpoint.dialect {
        case .openAI: openAIBody
        case .anthropic: anthropicBody
        case .google: googleBody
        }
    }

    /// How many pieces a streamed answer has.
    var steps: Int {
        switch ask.endpoint.dialect {
        case .openAI: openAISteps
        case .anthropic: outputTokens + 5
        case .google: outputTokens
        }
    }

    /// A piece of a streamed answer, 0 ..< ``steps``.
    func piece(_ step: Int) -> String {
        switch ask.endpoint.dialect {
        case .openAI: openAIPiece(step)
        case .anthropic: anthropicPiece(step)
        case .google: googlePiece(step)
        }
    }

    /// Whether the piece carries a token, which takes time to make; the first of the answer falls under the latency.
    func carriesToken(_ step: Int) -> Bool {
        switch ask.endpoint.dialect {
        case .openAI: step > tokenStart && step < tokenStart + outputTokens
        case .anthropic: step > 2 && step < 2 + outputTokens
        case .google: step > 0
        }
    }

    var contentType: String {
        if !ask.streams { return "application/json" }
        return ask.endpoint.isArrayStream ? "application/json; charset=UTF-8" : "text/event-stream; charset=utf-8"
    }
}

extension Endpoint {
    var isArrayStream: Bool {
        if case .generateContent(_, .array) = self { return true }
        return false
    }
}
