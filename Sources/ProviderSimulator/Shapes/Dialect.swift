/// The provider whose words an answer uses; the raw value is its name in Penstock's configuration.
enum Dialect: String, CaseIterable, Hashable, Sendable {
    case openAI = "openai"
    case azureOpenAI = "azure-openai"
    case anthropic
    case gemini
    case bedrock
    case mistral
    case cohere
    case groq
    case dashscope

    var shape: ProviderShape {
        switch self {
        case .openAI: .openAI
        case .azureOpenAI: .azureOpenAI
        case .anthropic: .anthropic
        case .gemini: .gemini
        case .bedrock: .bedrock
        case .mistral: .mistral
        case .cohere: .cohere
        case .groq: .groq
        case .dashscope: .dashscope
        }
    }

    fileprivate static let names = allCases.map { (start: "/\($0.rawValue)/", dialect: $0) }
    fileprivate static let homes = allCases.flatMap { dialect in
        dialect.shape.homes.map { (start: $0, dialect: dialect) }
    }

    fileprivate static let verbs = allCases.flatMap { dialect in
        dialect.shape.verbs.map { (end: $0, dialect: dialect) }
    }

    /// The dialect of a target, also of one that leads nowhere.
    init(target: String) {
        self = Location(target).dialect
    }
}

/// A request target, parted into whose it is and what is asked there.
///
/// `/mistral/v1/chat/completions` is Mistral's because it says so; paths that only one provider has are that one's
/// anyway, and any other is OpenAI's.
struct Location {
    let dialect: Dialect
    /// Without the provider's name.
    let path: Substring
    /// Empty where there is none.
    let query: Substring

    init(_ target: String) {
        let (path, query) = target.splitOnce("?")
        self.query = query ?? ""
        if let named = Dialect.names.first(where: { path.hasPrefix($0.start) }) {
            dialect = named.dialect
            self.path = path.dropFirst(named.start.utf8.count - 1)
        } else {
            dialect =
                Dialect.homes.first { path.hasPrefix($0.start) }?.dialect
                ?? Dialect.verbs.first { path.hasSuffix($0.end) }?.dialect ?? .openAI
            self.path = path
        }
    }
}
