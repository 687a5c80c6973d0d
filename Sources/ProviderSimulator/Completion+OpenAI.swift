/// OpenAI's bodies: platform.openai.com/docs/api-reference, "Chat", "Completions", "Embeddings".
extension Completion {
    private var isChat: Bool { ask.endpoint == .chatCompletions }

    /// The first piece with a token: a chat begins with one that only names the role.
    var tokenStart: Int { isChat ? 1 : 0 }

    /// Role, tokens, finish, usage where asked for, and `[DONE]`.
    var openAISteps: Int { tokenStart + outputTokens + 1 + (ask.includesUsage ? 1 : 0) + 1 }

    var openAIBody: String {
        if ask.endpoint == .embeddings { return embeddings }
        let said =
            isChat
            ? ["message": object(["role": quoted("assistant"), "content": quoted(text), "refusal": "null"])]
            : ["text": quoted(text)] as KeyValuePairs
        let choice = choice(said, finish: quoted(finishReason))
        return envelope(streamed: false, choices: "[\(choice)]", usage: usage)
    }

    func openAIPiece(_ step: Int) -> String {
        let token = step - tokenStart
        if token < 0 {
            return event(delta(object(["role": quoted("assistant"), "content": quoted("")]), finish: "null"))
        }
        if token < outputTokens { return event(said(Self.word(token))) }
        if token == outputTokens { return event(isChat ? delta("{}", finish: quoted(finishReason)) : end) }
        if token == outputTokens + 1, ask.includesUsage { return event("[]", usage: usage) }
        return "data: [DONE]\n\n"
    }

    private var finishReason: String { endedByLength ? "length" : "stop" }

    private var end: String { "[\(choice(["text": quoted("")], finish: quoted(finishReason)))]" }

    private var usage: String {
        object([
            "prompt_tokens": "\(ask.inputTokens)", "completion_tokens": "\(outputTokens)",
            "total_tokens": "\(ask.inputTokens + outputTokens)",
            "prompt_tokens_details": object(["cached_tokens": "0"]),
            "completion_tokens_details": object(["reasoning_tokens": "0"]),
        ])
    }

    private func said(_ word: String) -> String {
        isChat
            ? delta(object(["content": quoted(word)]), finish: "null")
            : "[\(choice(["text": quoted(word)], finish: "null"))]"
    }

    private func delta(_ delta: String, finish: String) -> String {
        "[\(choice(["delta": delta], finish: finish))]"
    }

    private func choice(_ content: KeyValuePairs<String, String>, finish: String) -> String {
        let (name, value) = content[0]
        return object(["index": "0", name: value, "logprobs": "null", "finish_reason": finish])
    }

    /// With `include_usage` each event has the member, `null` in all but one.
    private func event(_ choices: String, usage: String? = nil) -> String {
        let usage = usage ?? (ask.includesUsage ? "null" : nil)
        return "data: \(envelope(streamed: true, choices: choices, usage: usage))\n\n"
    }

    private func envelope(streamed: Bool, choices: String, usage: String?) -> String {
        let prefix = isChat ? "chatcmpl-" : "cmpl-"
        let kind = isChat ? (streamed ? "chat.completion.chunk" : "chat.completion") : "text_completion"
        let head = object([
            "id": quoted(prefix + id), "object": quoted(kind), "created": "\(created)", "model": quoted(ask.model),
            "choices": choices,
        ])
        return usage.map { "\(head.dropLast()),\"usage\":\($0)}" } ?? head
    }

    /// Vectors of length 1 with one component set, so that they are different and cheap to compare.
    private var embeddings: String {
        let vectors = (0..<ask.inputs).map { input in
            let components = (0..<ask.dimensions).map { $0 == input % ask.dimensions ? "1.0" : "0.0" }
            return object([
                "object": quoted("embedding"), "index": "\(input)",
                "embedding": "[\(components.joined(separator: ","))]",
            ])
        }
        let usage = object(["prompt_tokens": "\(ask.inputTokens)", "total_tokens": "\(ask.inputTokens)"])
        return object([
            "object": quoted("list"), "data": "[\(vectors.joined(separator: ","))]", "model": quoted(ask.model),
            "usage": usage,
        ])
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
