import Admission

/// Estimates the tokens of a request from its JSON body, while the body arrives.
///
/// Feed it the pieces in order, cut anywhere; it keeps none of them: one pass, constant memory, no allocation. A body
/// that is no JSON (a form with a sound file) comes out with no input.
package struct TokenPeek: Sendable {
    private enum Mark: UInt8 {
        case maxTokens = 1
        case maxCompletionTokens, maxOutputTokens, googleMaxOutputTokens, bedrockMaxTokens, ollamaNumPredict
        case count, googleCount, bestOf
        /// Where tokens themselves may stand, as numbers (OpenAI's `prompt` and `input`).
        case tokens
    }

    private static let places = JSONPlaces(
        [
            ("max_tokens", Mark.maxTokens), ("max_completion_tokens", .maxCompletionTokens),
            ("max_output_tokens", .maxOutputTokens), ("generationConfig.maxOutputTokens", .googleMaxOutputTokens),
            ("inferenceConfig.maxTokens", .bedrockMaxTokens), ("options.num_predict", .ollamaNumPredict),
            ("n", .count), ("generationConfig.candidateCount", .googleCount), ("best_of", .bestOf),
            ("prompt", .tokens), ("input", .tokens),
        ].map { ($0.0, $0.1.rawValue) })

    private static let bounds = Int(Mark.maxTokens.rawValue)...Int(Mark.ollamaNumPredict.rawValue)
    private static let counts = Int(Mark.count.rawValue)...Int(Mark.bestOf.rawValue)
    private static let unknown = -1
    /// More answers than this to one request are asked of nobody (OpenAI's `n` ends at 128).
    private static let maxCount = 128

    private let hasOutput: Bool
    private var walk = JSONWalk(Self.places, showsAllText: true)
    private var weight = TextWeight()
    /// The numbers found last, by mark.
    private var numbers: [10 of Int] = .init(repeating: Self.unknown)

    /// - Parameter hasOutput: whether the answer has tokens of its own; see ``RequestShape/hasOutput(target:)``.
    package init(hasOutput: Bool = true) {
        self.hasOutput = hasOutput
    }

    /// The next piece of the body.
    package mutating func read(_ bytes: Span<UInt8>) {
        var index = 0
        while let token = walk.next(bytes, &index) {
            switch token {
            case .string: weight.beginText()
            case .text(_, let range): weight.read(bytes, range)
            case .literal(Mark.tokens.rawValue): weight.add(tokens: walk.literal.wholeNumber == nil ? 0 : 1)
            case .literal(let mark): numbers[Int(mark)] = walk.literal.wholeNumber ?? Self.unknown
            case .opened, .closed: break
            }
        }
    }

    /// Tokens of the text so far, by ``TextWeight``. All strings count, also the names of members below the top: with
    /// those of `role` and `content` a message brings about the three tokens that its frame costs (OpenAI's cookbook on
    /// counting tokens), and a tool's schema is part of the prompt. What a request only refers to (files, URLs, cached
    /// content, earlier responses) can't be seen.
    package var input: Int { weight.tokens }

    /// The most output that the request allows, in tokens: the largest of its bounds, times the number of answers that
    /// it asks for. 0 where there is no output at all, nothing while or where it does not say (Ollama's −1 is no
    /// bound). Of a member that stands twice the last counts, as in ``RequestPeek``.
    package var outputBound: Int? {
        guard hasOutput else { return 0 }
        let bound = Self.bounds.reduce(Self.unknown) { max($0, numbers[$1]) }
        guard bound >= 0 else { return nil }
        let count = Self.counts.reduce(1) { max($0, numbers[$1]) }
        return min(bound, UsageCounts.maxCount) * min(count, Self.maxCount)
    }

    package var claim: TokenClaim { TokenClaim(input: input, outputBound: outputBound) }
}
