/// docs.cohere.com/v2/reference/chat and chat-stream.
struct CohereChatAnswer: Answer {
    let completion: Completion

    var openings: Int { 2 }
    var closings: Int { 2 }

    var whole: String {
        let message = object(["role": quoted("assistant"), "content": "[\(text(completion.text))]"])
        return object([
            "id": quoted(completion.id), "message": message, "finish_reason": quoted(finishReason), "usage": usage,
        ])
    }

    func opening(_ place: Int) -> [UInt8] {
        if place == 0 {
            let message = object([
                "role": quoted("assistant"), "content": "[]", "tool_plan": quoted(""), "tool_calls": "[]",
                "citations": "[]",
            ])
            return named("message-start", [("id", quoted(completion.id)), delta(("message", message))])
        }
        return named("content-start", [("index", "0"), content(text(""))])
    }

    func token(_ place: Int) -> [UInt8] {
        named("content-delta", [("index", "0"), content(object(["text": quoted(Completion.word(place))]))])
    }

    func closing(_ place: Int) -> [UInt8] {
        place == 0
            ? named("content-end", [("index", "0")])
            : named("message-end", [delta(("finish_reason", quoted(finishReason)), ("usage", usage))])
    }

    private var finishReason: String { completion.endedByLength ? "MAX_TOKENS" : "COMPLETE" }

    private var usage: String {
        let tokens = object(["input_tokens": "\(ask.inputTokens)", "output_tokens": "\(outputTokens)"])
        return object(["billed_units": tokens, "tokens": tokens])
    }

    private func text(_ text: String) -> String { object(["type": quoted("text"), "text": quoted(text)]) }

    private func delta(_ members: (String, String)...) -> (String, String) { ("delta", object(members)) }

    private func content(_ content: String) -> (String, String) {
        delta(("message", object(["content": content])))
    }

    private func named(_ type: String, _ members: [(String, String)]) -> [UInt8] {
        event(object([("type", quoted(type))] + members), named: type)
    }
}
