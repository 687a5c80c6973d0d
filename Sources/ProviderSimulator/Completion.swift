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

    /// A vector of length 1 with one component set, so that vectors are different and cheap to compare.
    func vector(_ place: Int) -> String {
        let components = (0..<ask.dimensions).map { $0 == place % ask.dimensions ? "1.0" : "0.0" }
        return "[\(components.joined(separator: ","))]"
    }

    /// As the endpoint writes it.
    var answer: any Answer {
        switch ask.endpoint {
        case .chatCompletions: ChatAnswer(completion: self)
        case .completions: TextAnswer(completion: self)
        case .responses: ResponsesAnswer(completion: self)
        case .messages: MessagesAnswer(completion: self)
        case .generateContent: GenerateContentAnswer(completion: self)
        case .converse: ConverseAnswer(completion: self)
        case .invoke: InvokeAnswer(completion: self)
        case .cohereChat: CohereChatAnswer(completion: self)
        case .embeddings, .embedContent, .cohereEmbed, .countTokens, .countContentTokens, .models, .model:
            ReadingAnswer(completion: self)
        }
    }
}
