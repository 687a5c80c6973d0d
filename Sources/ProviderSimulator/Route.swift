/// What a method and path ask for.
enum Route: Hashable, Sendable {
    case endpoint(Endpoint)
    case operation(Operation)
    /// The path exists, but not with this method; the value is what belongs into `Allow`.
    case wrongMethod(allow: String)
    case unknown

    /// The simulator's own paths, which no limit counts.
    enum Operation: Hashable, Sendable {
        case metrics
        case status
        case setFaults
        case reset
    }

    /// - Parameter target: the request target in origin form, with its query.
    init(method: String, target: String) {
        guard let (needed, route) = Self.operation(target) ?? Self.call(target) else {
            self = .unknown
            return
        }
        let allowed = method == needed || (method == "HEAD" && needed == "GET")
        self = allowed ? route : .wrongMethod(allow: needed == "GET" ? "GET, HEAD" : needed)
    }

    private static func operation(_ target: String) -> (String, Route)? {
        switch target.splitOnce("?").0 {
        case "/metrics": ("GET", .operation(.metrics))
        case "/_simulator": ("GET", .operation(.status))
        case "/_simulator/faults": ("POST", .operation(.setFaults))
        case "/_simulator/reset": ("POST", .operation(.reset))
        default: nil
        }
    }

    private static func call(_ target: String) -> (String, Route)? {
        let location = Location(target)
        let call = location.dialect.shape.call(path: location.path, query: location.query)
        return call.map { ($0.method, .endpoint($0.endpoint)) }
    }
}

/// An endpoint of a provider.
enum Endpoint: Hashable, Sendable {
    // OpenAI's, and of whoever speaks like it.
    case chatCompletions
    case completions
    case responses
    case embeddings
    case models
    case model(String)
    // Anthropic's.
    case messages
    case countTokens
    // Google's; the way the answer is streamed, if it is.
    case generateContent(model: String, GoogleStream?)
    case embedContent(model: String, batch: Bool)
    case countContentTokens(model: String)
    // Amazon's; what is invoked speaks like Anthropic.
    case converse(model: String, streams: Bool)
    case invoke(model: String, streams: Bool)
    // Cohere's.
    case cohereChat
    case cohereEmbed

    /// How `streamGenerateContent` writes: server-sent events with `alt=sse`, else one growing JSON array.
    enum GoogleStream: Hashable, Sendable {
        case events
        case array
    }

    /// Whether the model writes something, or only reads.
    var hasOutput: Bool {
        switch self {
        case .chatCompletions, .completions, .responses, .messages, .generateContent, .converse, .invoke, .cohereChat:
            true
        case .embeddings, .models, .model, .countTokens, .embedContent, .countContentTokens, .cohereEmbed: false
        }
    }

    /// Whether it only says how many tokens there would be.
    var onlyCounts: Bool {
        switch self {
        case .countTokens, .countContentTokens: true
        default: false
        }
    }
}
