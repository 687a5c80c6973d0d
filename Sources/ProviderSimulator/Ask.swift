/// What a request body asks the model for.
struct Ask: Hashable, Sendable {
    var endpoint: Endpoint
    var dialect = Dialect.openAI
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
    static func read(_ endpoint: Endpoint, _ dialect: Dialect, body: [UInt8]) throws(RequestFlaw) -> Ask {
        guard let document = JSONValue(body), case .object = document else { throw .notJSON }
        var ask = try read(endpoint, AskDocument(document))
        ask.dialect = dialect
        return ask
    }

    private static func read(_ endpoint: Endpoint, _ document: AskDocument) throws(RequestFlaw) -> Ask {
        switch endpoint {
        case .chatCompletions: return try document.chat()
        case .completions: return try document.plain()
        case .responses: return try document.responses()
        case .embeddings: return try document.embeddings()
        case .messages, .countTokens: return try document.messages(endpoint, model: document.model())
        case .invoke(let model, let streams):
            var ask = try document.messages(endpoint, model: model)
            ask.streams = streams
            return ask
        case .generateContent(let model, let stream):
            return try document.google(endpoint, model: model, streams: stream != nil)
        case .embedContent(let model, _), .countContentTokens(let model):
            return try document.contents(endpoint, model: model)
        case .converse(let model, let streams): return try document.converse(endpoint, model: model, streams: streams)
        case .cohereChat: return try document.cohereChat()
        case .cohereEmbed: return try document.cohereEmbed()
        case .models, .model: throw .notJSON
        }
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
