/// ai.google.dev/api/generate-content: one response per token; as events, or as the elements of one JSON array.
struct GenerateContentAnswer: Answer {
    let completion: Completion

    var openings: Int { 0 }
    var closings: Int { 0 }

    var whole: String { response(completion.text, written: outputTokens) }

    var streamType: String { isArray ? "application/json; charset=UTF-8" : "text/event-stream; charset=utf-8" }

    func opening(_ place: Int) -> [UInt8] { [] }
    func closing(_ place: Int) -> [UInt8] { [] }

    func token(_ place: Int) -> [UInt8] {
        let response = response(Completion.word(place), written: place + 1)
        guard isArray else { return Array("data: \(response)\r\n\r\n".utf8) }
        return Array(((place == 0 ? "[" : ",\r\n") + response + (place == outputTokens - 1 ? "]" : "")).utf8)
    }

    private var isArray: Bool {
        if case .generateContent(_, .array) = ask.endpoint { return true }
        return false
    }

    private func response(_ text: String, written: Int) -> String {
        let content = object(["parts": "[\(object(["text": quoted(text)]))]", "role": quoted("model")])
        let candidate =
            written == outputTokens
            ? object([
                "content": content, "finishReason": quoted(completion.endedByLength ? "MAX_TOKENS" : "STOP"),
                "index": "0",
            ])
            : object(["content": content, "index": "0"])
        let usage = object([
            "promptTokenCount": "\(ask.inputTokens)", "candidatesTokenCount": "\(written)",
            "totalTokenCount": "\(ask.inputTokens + written)",
        ])
        return object([
            "candidates": "[\(candidate)]", "usageMetadata": usage, "modelVersion": quoted(ask.model),
            "responseId": quoted(completion.id),
        ])
    }
}
