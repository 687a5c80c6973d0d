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
        let (path, query) = target.splitOnce("?")
        guard let (needed, route) = Self.known(path, query: query ?? "") else {
            self = .unknown
            return
        }
        let allowed = method == needed || (method == "HEAD" && needed == "GET")
        self = allowed ? route : .wrongMethod(allow: needed == "GET" ? "GET, HEAD" : needed)
    }

    private static func known(_ path: Substring, query: Substring) -> (String, Route)? {
        switch path {
        case "/metrics": return ("GET", .operation(.metrics))
        case "/_simulator": return ("GET", .operation(.status))
        case "/_simulator/faults": return ("POST", .operation(.setFaults))
        case "/_simulator/reset": return ("POST", .operation(.reset))
        case "/v1/chat/completions": return ("POST", .endpoint(.chatCompletions))
        case "/v1/completions": return ("POST", .endpoint(.completions))
        case "/v1/embeddings": return ("POST", .endpoint(.embeddings))
        case "/v1/models": return ("GET", .endpoint(.models))
        case "/v1/messages": return ("POST", .endpoint(.messages))
        default: break
        }
        if let call = path.droppingPrefix("/v1beta/models/") {
            return Endpoint(googleCall: call, query: query).map { ("POST", .endpoint($0)) }
        }
        guard let model = path.droppingPrefix("/v1/models/"), !model.isEmpty else { return nil }
        return ("GET", .endpoint(.model(String(model))))
    }
}

/// An endpoint of the provider.
enum Endpoint: Hashable, Sendable {
    case chatCompletions
    case completions
    case embeddings
    case models
    case model(String)
    /// Anthropic's.
    case messages
    /// Google's; the way the answer is streamed, if it is.
    case generateContent(model: String, GoogleStream?)

    /// How `streamGenerateContent` writes: server-sent events with `alt=sse`, else one growing JSON array.
    enum GoogleStream: Hashable, Sendable {
        case events
        case array
    }

    /// `gemini-2.5-flash:generateContent` and `…:streamGenerateContent`.
    fileprivate init?(googleCall call: Substring, query: Substring) {
        let (model, verb) = call.splitOnce(":")
        let events = query.split(separator: "&").contains("alt=sse")
        switch verb {
        case "generateContent": self = .generateContent(model: String(model), nil)
        case "streamGenerateContent": self = .generateContent(model: String(model), events ? .events : .array)
        default: return nil
        }
    }

    /// Whose words an answer uses, an error too.
    var dialect: Dialect {
        switch self {
        case .messages: .anthropic
        case .generateContent: .google
        default: .openAI
        }
    }
}

/// Whose shape a body has.
enum Dialect: Hashable, Sendable {
    case openAI
    case anthropic
    case google

    /// The dialect of a path, also of one that leads nowhere.
    init(target: String) {
        if target.hasPrefix("/v1/messages") {
            self = .anthropic
        } else {
            self = target.hasPrefix("/v1beta/") ? .google : .openAI
        }
    }
}
