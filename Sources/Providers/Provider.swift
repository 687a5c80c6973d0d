import Admission

/// The company behind an upstream and its wire format; the raw value is its name in the configuration.
package enum Provider: String, CaseIterable, Hashable, Sendable {
    case openai
    case anthropic
    case azureOpenAI = "azure-openai"
    case gemini
    case vertex
    case bedrock
    case mistral
    case cohere
    case groq
    case together
    case fireworks
    case openrouter
    case deepseek
    case dashscope
    case zhipu
    case moonshot
    case vllm
    case ollama
    case generic

    /// The provider that owns a host name, ``generic`` where nobody known does.
    ///
    /// - Parameter host: a name without port; case and a final dot do not count. Self-hosted servers (vLLM, Ollama)
    ///   have no name of their own and come out as ``generic``.
    package init(host: String) {
        let name = host.hasSuffix(".") ? host.dropLast().lowercased() : host.lowercased()
        self = Provider.allCases.first { $0.profile.owns(host: name) } ?? .generic
    }

    /// What is known about the provider's wire.
    package var profile: ProviderProfile {
        switch self {
        case .openai: .openai
        case .anthropic: .anthropic
        case .azureOpenAI: .azureOpenAI
        case .gemini: .gemini
        case .vertex: .vertex
        case .bedrock: .bedrock
        case .mistral: .mistral
        case .cohere: .cohere
        case .groq: .groq
        case .together: .together
        case .fireworks: .fireworks
        case .openrouter: .openrouter
        case .deepseek: .deepseek
        case .dashscope: .dashscope
        case .zhipu: .zhipu
        case .moonshot: .moonshot
        case .vllm: .vllm
        case .ollama: .ollama
        case .generic: .generic
        }
    }

    /// The window over which the provider is known or suspected to enforce its rates; `pacing: auto` starts from it.
    package var enforcedWindow: Interval { profile.enforcedWindow }

    package var tokenCounting: TokenCounting { profile.tokenCounting }
    package var dayZone: ResetZone? { profile.dayZone }
}
