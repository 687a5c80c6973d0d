import Admission

/// The counts of tokens that an answer has reported so far, under whatever names its provider has for them.
///
/// The places are those of `usage` in each wire's API reference: at the top (OpenAI, Anthropic's `message_delta`,
/// Cohere, Bedrock Converse, DashScope), in `response` (OpenAI Responses), in `message` (Anthropic's `message_start`),
/// in `choices` (Moonshot), `x_groq`, `delta` (Cohere), `metadata` (Bedrock), `interaction` (Gemini Interactions), as
/// `usageMetadata` (Gemini), as `amazon-bedrock-invocationMetrics`, and bare (Ollama).
///
/// One rule for all: of each count the largest. Where an answer reports more than once, it counts up (Anthropic's start
/// and delta, Gemini's and DashScope's chunks, vLLM's continuous statistics), so the largest is the latest; and a
/// report that leaves out a count, or has `null` for all of them, takes nothing away.
struct UsageCounts: Hashable, Sendable {
    /// Counts above this are rubbish and are ignored: a thousand times the longest context there is. So no sum leaves
    /// 64 bits and no limit is stuck for ever on one.
    static let maxCount = 1_000_000_000

    enum Kind: UInt8 {
        /// All of the input, read from a cache or not: OpenAI and most others.
        case prompt = 1
        /// Input besides what went through a cache: Anthropic and Bedrock.
        case input
        /// Input that was written to a cache.
        case cacheWrite
        /// Input for tools that the prompt's count leaves out: Gemini.
        case toolInput
        case output
        /// Thinking that the output's count leaves out: Gemini.
        case thoughts
    }

    private var prompt: Int?
    private var input: Int?
    private var cacheWrite: Int?
    private var toolInput: Int?
    private var output: Int?
    private var thoughts: Int?

    /// Takes note of a count; what is out of range is ignored.
    mutating func report(_ count: Int, as kind: Kind) {
        guard (0...Self.maxCount).contains(count) else { return }
        switch kind {
        case .prompt: prompt = max(prompt ?? 0, count)
        case .input: input = max(input ?? 0, count)
        case .cacheWrite: cacheWrite = max(cacheWrite ?? 0, count)
        case .toolInput: toolInput = max(toolInput ?? 0, count)
        case .output: output = max(output ?? 0, count)
        case .thoughts: thoughts = max(thoughts ?? 0, count)
        }
    }

    /// What counts against the provider's limits; nothing while nothing was reported.
    ///
    /// Input is what is not read from a cache. Anthropic: "ITPM cost = input + cache creation", reads are free for most
    /// models (its page on rate limits); Bedrock deducts input and cache writes at the end (its page on token
    /// burndown). OpenAI's, Gemini's and their kin's prompt holds what was cached, and counts whole. Output of Gemini
    /// is candidates and thoughts, its input prompt and tool use.
    var tokens: Tokens? {
        guard prompt != nil || input != nil || output != nil else { return nil }
        return Tokens(
            input: (prompt ?? (input ?? 0) + (cacheWrite ?? 0)) + (toolInput ?? 0),
            output: (output ?? 0) + (thoughts ?? 0))
    }

    /// The paths to every count.
    static let paths: [(String, Kind)] =
        wrappers.flatMap { wrapper in names.map { ("\(wrapper).\($0.0)", $0.1) } } + bare

    private static let wrappers = [
        "usage", "response.usage", "message.usage", "choices.usage", "x_groq.usage", "delta.usage", "metadata.usage",
    ]

    private static let names: [(String, Kind)] = [
        ("prompt_tokens", .prompt), ("completion_tokens", .output),
        ("input_tokens", .input), ("output_tokens", .output), ("cache_creation_input_tokens", .cacheWrite),
        ("inputTokens", .input), ("outputTokens", .output), ("cacheWriteInputTokens", .cacheWrite),
        // Cohere counts what it processed and, a little less, what it charges.
        ("tokens.input_tokens", .input), ("tokens.output_tokens", .output),
        ("billed_units.input_tokens", .input), ("billed_units.output_tokens", .output),
    ]

    private static let bare: [(String, Kind)] = [
        ("usageMetadata.promptTokenCount", .prompt), ("usageMetadata.toolUsePromptTokenCount", .toolInput),
        ("usageMetadata.candidatesTokenCount", .output), ("usageMetadata.thoughtsTokenCount", .thoughts),
        ("usage.total_input_tokens", .prompt), ("usage.total_output_tokens", .output),
        ("usage.total_thought_tokens", .thoughts),
        ("interaction.usage.total_input_tokens", .prompt), ("interaction.usage.total_output_tokens", .output),
        ("interaction.usage.total_thought_tokens", .thoughts),
        ("amazon-bedrock-invocationMetrics.inputTokenCount", .input),
        ("amazon-bedrock-invocationMetrics.outputTokenCount", .output),
        ("amazon-bedrock-invocationMetrics.cacheWriteInputTokenCount", .cacheWrite),
        ("meta.tokens.input_tokens", .input), ("meta.tokens.output_tokens", .output),
        ("meta.billed_units.input_tokens", .input), ("meta.billed_units.output_tokens", .output),
        ("prompt_eval_count", .prompt), ("eval_count", .output),
    ]
}

extension UsageCounts {
    /// Takes note of a header field of an answer that holds a count (Bedrock's `invoke`, Fireworks).
    ///
    /// - Parameter name: in any case.
    mutating func report(header name: String, value: String) {
        // Nearly every field differs in its length already.
        guard let field = Self.headers.first(where: { $0.name.utf8.count == name.utf8.count }),
            zip(field.name.utf8, name.utf8).allSatisfy({ $0 == $1.lowercasedASCII }),
            let count = ShortText(value).wholeNumber
        else { return }
        report(count, as: field.kind)
    }

    private static let headers: [(name: String, kind: Kind)] = [
        ("x-amzn-bedrock-input-token-count", .input), ("x-amzn-bedrock-output-token-count", .output),
        ("fireworks-prompt-tokens", .prompt),
    ]
}
