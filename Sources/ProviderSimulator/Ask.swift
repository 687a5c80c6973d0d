/// What a request body asks the model for.
struct Ask: Hashable, Sendable {
    var endpoint: Endpoint
    var model: String
    var streams = false
    /// OpenAI: `stream_options.include_usage`.
    var includesUsage = false
    /// See ``TokenEstimate``.
    var inputTokens: Int
    /// The most that the request allows, `nil` where it does not say.
    var maximumOutputTokens: Int?
    /// Texts to embed.
    var inputs = 1
    var dimensions = 16

    /// Understands a body or says what is wrong with it, in the order in which OpenAI looks.
    static func read(_ endpoint: Endpoint, body: [UInt8]) throws(RequestFlaw) -> Ask {
        guard let document = JSONValue(body), case .object = document else { throw .notJSON }
        switch endpoint {
        case .chatCompletions: return try chat(document)
        case .completions: return try plain(document)
        case .embeddings: return try embeddings(document)
        case .messages: return try messages(document)
        case .generateContent(let model, let stream):
            return try google(document, endpoint: endpoint, model: model, streams: stream != nil)
        case .models, .model: throw .notJSON
        }
    }

    private static func chat(_ document: JSONValue) throws(RequestFlaw) -> Ask {
        let model = try model(of: document)
        guard let messages = document["messages"]?.items, !messages.isEmpty else { throw .missing("messages") }
        let current = try maximum(document, "max_completion_tokens")
        let former = try maximum(document, "max_tokens")
        return Ask(
            endpoint: .chatCompletions, model: model, streams: document["stream"]?.isTrue ?? false,
            includesUsage: document["stream_options"]?["include_usage"]?.isTrue ?? false,
            inputTokens: TokenEstimate.of(messages: messages),
            maximumOutputTokens: current ?? former)
    }

    private static func plain(_ document: JSONValue) throws(RequestFlaw) -> Ask {
        let model = try model(of: document)
        guard let prompt = document["prompt"] else { throw .missing("prompt") }
        return Ask(
            endpoint: .completions, model: model, streams: document["stream"]?.isTrue ?? false,
            includesUsage: document["stream_options"]?["include_usage"]?.isTrue ?? false,
            inputTokens: TokenEstimate.of(prompt), maximumOutputTokens: try maximum(document, "max_tokens"))
    }

    private static func embeddings(_ document: JSONValue) throws(RequestFlaw) -> Ask {
        let model = try model(of: document)
        guard let input = document["input"] else { throw .missing("input") }
        // A list of numbers is one text, given as tokens.
        let texts = input.items.map { items in items.first?.integer == nil ? items.count : 1 } ?? 1
        guard texts >= 1 else { throw .missing("input") }
        return Ask(
            endpoint: .embeddings, model: model, inputTokens: TokenEstimate.of(input), inputs: texts,
            dimensions: min(max(document["dimensions"]?.integer ?? 16, 1), 4_096))
    }

    private static func messages(_ document: JSONValue) throws(RequestFlaw) -> Ask {
        let model = try model(of: document)
        guard let messages = document["messages"]?.items, !messages.isEmpty else { throw .missing("messages") }
        guard let maximum = try maximum(document, "max_tokens") else { throw .missing("max_tokens") }
        let system = document["system"].map { TokenEstimate.of($0) } ?? 0
        return Ask(
            endpoint: .messages, model: model, streams: document["stream"]?.isTrue ?? false,
            inputTokens: system + TokenEstimate.of(messages: messages), maximumOutputTokens: maximum)
    }

    private static func google(
        _ document: JSONValue, endpoint: Endpoint, model: String, streams: Bool
    ) throws(RequestFlaw) -> Ask {
        guard let contents = document["contents"] else { throw .missing("contents") }
        let generation = document["generationConfig"] ?? .null
        return Ask(
            endpoint: endpoint, model: model, streams: streams, inputTokens: TokenEstimate.of(contents),
            maximumOutputTokens: try maximum(generation, "maxOutputTokens"))
    }

    private static func model(of document: JSONValue) throws(RequestFlaw) -> String {
        guard let model = document["model"]?.text, !model.isEmpty else { throw .missing("model") }
        return model
    }

    private static func maximum(_ document: JSONValue, _ name: String) throws(RequestFlaw) -> Int? {
        guard let value = document[name], value != .null else { return nil }
        guard let number = value.integer, number >= 1 else { throw .invalid(name) }
        return number
    }
}

/// How many tokens the simulated model sees in a text: one per four bytes of UTF-8, rounded up, and four more for each
/// chat message; a list of numbers counts as given. Made up, but the same every time.
enum TokenEstimate {
    static func of(messages: [JSONValue]) -> Int {
        messages.reduce(0) { $0 + 4 + of($1["content"] ?? .null) }
    }

    /// All texts within a value: a string, a list, or parts with a `text` or `parts` of their own.
    static func of(_ value: JSONValue) -> Int {
        switch value {
        case .string(let text): (text.utf8.count + 3) / 4
        case .number: 1
        case .array(let items): items.reduce(0) { $0 + of($1) }
        case .object: of(value["text"] ?? value["parts"] ?? value["content"] ?? .null)
        case .null, .bool: 0
        }
    }
}

/// Why a request cannot be answered, in the provider's terms.
enum RequestFlaw: Error, Hashable, Sendable {
    case notJSON
    case missing(String)
    case invalid(String)
    case tooLarge
    case unknownPath(method: String, path: String)
    case wrongMethod(method: String, path: String, allow: String)
    case unknownModel(String)
    case badFault(String)

    var status: Int {
        switch self {
        case .notJSON, .missing, .invalid, .badFault: 400
        case .unknownPath, .unknownModel: 404
        case .wrongMethod: 405
        case .tooLarge: 413
        }
    }

    var message: String {
        switch self {
        case .notJSON: "The body of the request is not a JSON object."
        case .missing(let name): "Missing required parameter: '\(name)'."
        case .invalid(let name): "Invalid value for '\(name)': expected a whole number of 1 or more."
        case .tooLarge: "The body of the request is too large."
        case .unknownPath(let method, let path): "Invalid URL (\(method) \(path))"
        case .wrongMethod(let method, let path, let allow): "\(method) is not allowed on \(path); use \(allow)."
        case .unknownModel(let model): "The model '\(model)' does not exist or you do not have access to it."
        case .badFault(let reason): "x-simulate: \(reason)"
        }
    }

    /// OpenAI's `param`.
    var parameter: String? {
        switch self {
        case .missing(let name), .invalid(let name): name
        case .unknownModel: "model"
        default: nil
        }
    }

    /// OpenAI's `code`.
    var code: String? {
        switch self {
        case .missing: "missing_required_parameter"
        case .invalid: "invalid_value"
        case .unknownPath: "unknown_url"
        case .wrongMethod: "method_not_supported"
        case .unknownModel: "model_not_found"
        default: nil
        }
    }
}
