/// Of endpoints at which the model reads and writes nothing: vectors and counts of tokens, in each provider's form.
struct ReadingAnswer: Answer {
    let completion: Completion

    var openings: Int { 0 }
    var closings: Int { 0 }
    func opening(_ place: Int) -> [UInt8] { [] }
    func token(_ place: Int) -> [UInt8] { [] }
    func closing(_ place: Int) -> [UInt8] { [] }

    var whole: String {
        switch ask.endpoint {
        case .embedContent(_, let batch): gemini(batch: batch)
        case .cohereEmbed: cohere
        case .countTokens: object(["input_tokens": "\(ask.inputTokens)"])
        case .countContentTokens: object(["totalTokens": "\(ask.inputTokens)"])
        default: openAI
        }
    }

    private var vectors: [String] { (0..<ask.inputs).map(completion.vector) }

    /// platform.openai.com/docs/api-reference/embeddings.
    private var openAI: String {
        let data = vectors.enumerated().map { place, vector in
            object(["object": quoted("embedding"), "index": "\(place)", "embedding": vector])
        }
        let usage = object(["prompt_tokens": "\(ask.inputTokens)", "total_tokens": "\(ask.inputTokens)"])
        return object([
            "id": quoted(completion.id), "object": quoted("list"), "data": "[\(data.joined(separator: ","))]",
            "model": quoted(ask.model), "usage": usage,
        ])
    }

    /// ai.google.dev/api/embeddings.
    private func gemini(batch: Bool) -> String {
        let values = vectors.map { object(["values": $0]) }
        return batch
            ? object(["embeddings": "[\(values.joined(separator: ","))]"]) : object(["embedding": values[0]])
    }

    /// docs.cohere.com/v2/reference/embed.
    private var cohere: String {
        object([
            "id": quoted(completion.id), "embeddings": object(["float": "[\(vectors.joined(separator: ","))]"]),
            "texts": "[]", "response_type": quoted("embeddings_by_type"),
            "meta": object(["billed_units": object(["input_tokens": "\(ask.inputTokens)"])]),
        ])
    }
}
