/// Google's bodies: ai.google.dev/api/generate-content.
extension Completion {
    var googleBody: String {
        response(text, written: outputTokens)
    }

    /// One response per token; as events, or as the elements of one JSON array.
    func googlePiece(_ step: Int) -> String {
        let response = response(Self.word(step), written: step + 1)
        guard ask.endpoint.isArrayStream else { return "data: \(response)\r\n\r\n" }
        return (step == 0 ? "[" : ",\r\n") + response + (step == outputTokens - 1 ? "]" : "")
    }

    private func response(_ text: String, written: Int) -> String {
        let content = object(["parts": "[\(object(["text": quoted(text)]))]", "role": quoted("model")])
        let candidate =
            written == outputTokens
            ? object([
                "content": content, "finishReason": quoted(endedByLength ? "MAX_TOKENS" : "STOP"), "index": "0",
            ])
            : object(["content": content, "index": "0"])
        let usage = object([
            "promptTokenCount": "\(ask.inputTokens)", "candidatesTokenCount": "\(written)",
            "totalTokenCount": "\(ask.inputTokens + written)",
        ])
        return object([
            "candidates": "[\(candidate)]", "usageMetadata": usage, "modelVersion": quoted(ask.model),
            "responseId": quoted(id),
        ])
    }
}
