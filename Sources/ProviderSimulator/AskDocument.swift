/// The body of a request, an object, to be read as an endpoint does.
struct AskDocument {
    private let document: JSONValue

    init(_ document: JSONValue) {
        self.document = document
    }

    func model() throws(RequestFlaw) -> String {
        guard let model = document["model"]?.text, !model.isEmpty else { throw .missing("model") }
        return model
    }

    func chat() throws(RequestFlaw) -> Ask {
        let model = try model()
        let messages = try list("messages")
        let current = try maximum("max_completion_tokens")
        let former = try maximum("max_tokens")
        return Ask(
            endpoint: .chatCompletions, model: model, streams: streams, includesUsage: includesUsage,
            inputTokens: TokenEstimate.of(messages: messages), maximumOutputTokens: current ?? former)
    }

    func plain() throws(RequestFlaw) -> Ask {
        let model = try model()
        let prompt = try member("prompt")
        return Ask(
            endpoint: .completions, model: model, streams: streams, includesUsage: includesUsage,
            inputTokens: TokenEstimate.of(prompt), maximumOutputTokens: try maximum("max_tokens"))
    }

    func responses() throws(RequestFlaw) -> Ask {
        let model = try model()
        let input = try member("input")
        let instructions = document["instructions"].map { TokenEstimate.of($0) } ?? 0
        return Ask(
            endpoint: .responses, model: model, streams: streams, inputTokens: instructions + TokenEstimate.of(input),
            maximumOutputTokens: try maximum("max_output_tokens"))
    }

    func embeddings() throws(RequestFlaw) -> Ask {
        let model = try model()
        let input = try member("input")
        // A list of numbers is one text, given as tokens.
        let texts = input.items.map { items in items.first?.integer == nil ? items.count : 1 } ?? 1
        guard texts >= 1 else { throw .missing("input") }
        return Ask(
            endpoint: .embeddings, model: model, inputTokens: TokenEstimate.of(input), inputs: texts,
            dimensions: min(max(document["dimensions"]?.integer ?? 16, 1), 4_096))
    }

    /// Anthropic's, which does without a maximum only where nothing is written.
    func messages(_ endpoint: Endpoint, model: String) throws(RequestFlaw) -> Ask {
        let messages = try list("messages")
        let maximum = try maximum("max_tokens")
        if maximum == nil, endpoint.hasOutput { throw .missing("max_tokens") }
        return Ask(
            endpoint: endpoint, model: model, streams: streams,
            inputTokens: system + TokenEstimate.of(messages: messages), maximumOutputTokens: maximum)
    }

    func google(_ endpoint: Endpoint, model: String, streams: Bool) throws(RequestFlaw) -> Ask {
        let contents = try member("contents")
        return Ask(
            endpoint: endpoint, model: model, streams: streams, inputTokens: TokenEstimate.of(contents),
            maximumOutputTokens: try maximum("maxOutputTokens", in: document["generationConfig"] ?? .null))
    }

    /// What Google's model is to read: a content, a list of them, or a list of requests with one each.
    func contents(_ endpoint: Endpoint, model: String) throws(RequestFlaw) -> Ask {
        if case .embedContent(_, batch: true) = endpoint {
            let contents = try list("requests").map { $0["content"] ?? .null }
            return Ask(
                endpoint: endpoint, model: model, inputTokens: TokenEstimate.of(.array(contents)),
                inputs: contents.count)
        }
        let content = try member(endpoint.onlyCounts ? "contents" : "content")
        return Ask(endpoint: endpoint, model: model, inputTokens: TokenEstimate.of(content))
    }

    func converse(_ endpoint: Endpoint, model: String, streams: Bool) throws(RequestFlaw) -> Ask {
        let messages = try list("messages")
        return Ask(
            endpoint: endpoint, model: model, streams: streams,
            inputTokens: system + TokenEstimate.of(messages: messages),
            maximumOutputTokens: try maximum("maxTokens", in: document["inferenceConfig"] ?? .null))
    }

    func cohereChat() throws(RequestFlaw) -> Ask {
        let model = try model()
        let messages = try list("messages")
        return Ask(
            endpoint: .cohereChat, model: model, streams: streams, inputTokens: TokenEstimate.of(messages: messages),
            maximumOutputTokens: try maximum("max_tokens"))
    }

    func cohereEmbed() throws(RequestFlaw) -> Ask {
        let model = try model()
        let texts = try list("texts")
        return Ask(
            endpoint: .cohereEmbed, model: model, inputTokens: TokenEstimate.of(.array(texts)), inputs: texts.count)
    }

    private var streams: Bool { document["stream"]?.isTrue ?? false }

    private var includesUsage: Bool { document["stream_options"]?["include_usage"]?.isTrue ?? false }

    private var system: Int { document["system"].map { TokenEstimate.of($0) } ?? 0 }

    private func member(_ name: String) throws(RequestFlaw) -> JSONValue {
        guard let value = document[name] else { throw .missing(name) }
        return value
    }

    /// A list that is not empty.
    private func list(_ name: String) throws(RequestFlaw) -> [JSONValue] {
        guard let items = document[name]?.items, !items.isEmpty else { throw .missing(name) }
        return items
    }

    private func maximum(_ name: String, in settings: JSONValue? = nil) throws(RequestFlaw) -> Int? {
        guard let value = (settings ?? document)[name], value != .null else { return nil }
        guard let number = value.integer, number >= 1 else { throw .invalid(name) }
        return number
    }
}
