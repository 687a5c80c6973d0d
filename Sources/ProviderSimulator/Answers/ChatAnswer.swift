/// platform.openai.com/docs/api-reference/chat; a stream has the role, the tokens, the finish, the usage where asked
/// for, and `[DONE]`.
struct ChatAnswer: Answer {
    let completion: Completion

    var openings: Int { 1 }
    var closings: Int { hasUsageEvent ? 3 : 2 }

    var whole: String {
        let message = object(["role": quoted("assistant"), "content": quoted(completion.text), "refusal": "null"])
        return envelope("chat.completion", [choice("message", message, finish: quoted(finishReason))], usage: usage)
    }

    func opening(_ place: Int) -> [UInt8] {
        chunk([choice("delta", object(["role": quoted("assistant"), "content": quoted("")]))])
    }

    func token(_ place: Int) -> [UInt8] {
        chunk([choice("delta", object(["content": quoted(Completion.word(place))]))])
    }

    func closing(_ place: Int) -> [UInt8] {
        if place == closings - 1 { return event("[DONE]") }
        if place == 1 { return chunk([], usage: usage) }
        let end = [choice("delta", "{}", finish: quoted(finishReason))]
        switch ask.dialect.shape.chatUsage {
        case .whereAsked: return chunk(end)
        case .atEnd: return chunk(end, usage: usage)
        case .within(let member): return chunk(end, more: [(member, object(["usage": usage]))])
        }
    }

    private var hasUsageEvent: Bool {
        if case .atEnd = ask.dialect.shape.chatUsage { return false }
        return ask.includesUsage
    }

    private var finishReason: String { completion.endedByLength ? "length" : "stop" }

    private var usage: String { completion.openAIUsage }

    private func choice(_ name: String, _ value: String, finish: String = "null") -> String {
        object(["index": "0", name: value, "logprobs": "null", "finish_reason": finish])
    }

    /// Where the usage is asked for each event has the member, `null` in all but one.
    private func chunk(_ choices: [String], usage: String? = nil, more: [(String, String)] = []) -> [UInt8] {
        event(
            envelope("chat.completion.chunk", choices, usage: usage ?? (hasUsageEvent ? "null" : nil), more: more))
    }

    private func envelope(
        _ kind: String, _ choices: [String], usage: String?, more: [(String, String)] = []
    ) -> String {
        completion.openAIEnvelope("chatcmpl-", kind, choices, usage: usage, more: more)
    }
}

/// platform.openai.com/docs/api-reference/completions.
struct TextAnswer: Answer {
    let completion: Completion

    var openings: Int { 0 }
    var closings: Int { ask.includesUsage ? 3 : 2 }

    var whole: String {
        envelope([choice(completion.text, finish: quoted(finishReason))], usage: completion.openAIUsage)
    }

    func opening(_ place: Int) -> [UInt8] { [] }

    func token(_ place: Int) -> [UInt8] { chunk([choice(Completion.word(place))]) }

    func closing(_ place: Int) -> [UInt8] {
        if place == closings - 1 { return event("[DONE]") }
        return place == 0
            ? chunk([choice("", finish: quoted(finishReason))]) : chunk([], usage: completion.openAIUsage)
    }

    private var finishReason: String { completion.endedByLength ? "length" : "stop" }

    private func choice(_ text: String, finish: String = "null") -> String {
        object(["index": "0", "text": quoted(text), "logprobs": "null", "finish_reason": finish])
    }

    private func chunk(_ choices: [String], usage: String? = nil) -> [UInt8] {
        event(envelope(choices, usage: usage ?? (ask.includesUsage ? "null" : nil)))
    }

    private func envelope(_ choices: [String], usage: String?) -> String {
        completion.openAIEnvelope("cmpl-", "text_completion", choices, usage: usage)
    }
}

extension Completion {
    fileprivate var openAIUsage: String {
        object([
            "prompt_tokens": "\(ask.inputTokens)", "completion_tokens": "\(outputTokens)",
            "total_tokens": "\(ask.inputTokens + outputTokens)",
            "prompt_tokens_details": object(["cached_tokens": "0"]),
            "completion_tokens_details": object(["reasoning_tokens": "0"]),
        ])
    }

    fileprivate func openAIEnvelope(
        _ prefix: String, _ kind: String, _ choices: [String], usage: String?, more: [(String, String)] = []
    ) -> String {
        object(
            [
                ("id", quoted(prefix + id)), ("object", quoted(kind)), ("created", "\(created)"),
                ("model", quoted(ask.model)), ("choices", "[\(choices.joined(separator: ","))]"),
            ] + (usage.map { [("usage", $0)] } ?? []) + more)
    }
}

/// `GET /v1/models`.
enum ModelList {
    static func all(_ models: [String]) -> String {
        object(["object": quoted("list"), "data": "[\(models.map(one).joined(separator: ","))]"])
    }

    static func one(_ model: String) -> String {
        object([
            "id": quoted(model), "object": quoted("model"), "created": "1686935002", "owned_by": quoted("simulator"),
        ])
    }
}
