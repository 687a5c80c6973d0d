import Admission

/// Reads the JSON texts of one answer, one after the other, for the tokens they report and the output they carry.
struct UsageReader: Sendable {
    var counts = UsageCounts()
    /// Whether a text has said that it is the answer's last.
    private(set) var hasEndMark = false
    /// Texts with some output in them.
    private(set) var contentTexts = 0
    /// Bytes of output, as they are written.
    private(set) var contentBytes = 0

    private var walk = JSONWalk(Self.places)
    private var hasContent = false
    private var kind = ShortText()

    /// Whether the text that is being read has ended.
    var isTextEnded: Bool { walk.isEnded }

    mutating func read(_ bytes: Span<UInt8>) {
        var index = 0
        while let token = walk.next(bytes, &index) {
            switch token {
            case .literal(let mark): take(walk.literal, at: mark)
            case .text(Self.content, let range):
                hasContent = true
                contentBytes += range.count
            case .text(Self.kind, let range): kind.append(bytes, range)
            case .string(Self.kind): kind = ShortText()
            case .string(Self.finish): hasEndMark = true
            default: break
            }
        }
    }

    private mutating func take(_ literal: ShortText, at mark: JSONPlaces.Mark) {
        if let kind = UsageCounts.Kind(rawValue: mark) {
            if let count = literal.wholeNumber { counts.report(count, as: kind) }
        } else if mark == Self.done, literal == Self.yes {
            hasEndMark = true
        } else if mark == Self.latency {
            hasEndMark = true
        } else if mark == Self.root, literal == Self.doneMark {
            hasEndMark = true
        }
    }

    /// Reads a text as a pattern learned from an earlier one, with what stands around it; nothing where it is another.
    ///
    /// - Returns: the place behind it.
    mutating func read(_ stream: Span<UInt8>, from start: Int, as pattern: inout EventPattern) -> Int? {
        var counts = counts
        guard let reading = pattern.read(stream, from: start, counts: &counts) else { return nil }
        pattern.noteFit()
        self.counts = counts
        if reading.contentBytes > 0 { contentTexts += 1 }
        contentBytes += reading.contentBytes
        return reading.end
    }

    /// Has a pattern learned.
    ///
    /// - Parameters:
    ///   - text: with what stands around it.
    ///   - data: where it stands.
    static func teach(_ pattern: inout EventPattern, _ text: Span<UInt8>, data: Range<Int>) {
        pattern.learn(text, data: data, places, content: content)
    }

    /// A line of the text is complete and another may follow.
    mutating func endLine() {
        let lineBreak: [1 of UInt8] = [UInt8(ascii: "\n")]
        read(lineBreak.span)
    }

    /// A text is complete, whether or not its JSON is.
    mutating func endText() {
        if hasContent { contentTexts += 1 }
        if kind.count > 0, Self.lastKinds.contains(kind) { hasEndMark = true }
        hasContent = false
        kind = ShortText()
        walk.restart()
    }

    /// What has been read of a text was not it.
    mutating func dropText() {
        hasContent = false
        kind = ShortText()
        walk.restart()
    }

    /// What is known of the output where its count was not told: one token for each event with some, as OpenAI streams,
    /// or a token for four bytes where events are longer, whichever is more.
    var estimatedOutput: Int { max(contentTexts + (hasContent ? 1 : 0), contentBytes / 4) }
}

extension UsageReader {
    private static let content: JSONPlaces.Mark = 32
    private static let kind: JSONPlaces.Mark = 33
    private static let done: JSONPlaces.Mark = 34
    private static let finish: JSONPlaces.Mark = 35
    private static let root: JSONPlaces.Mark = 36
    private static let latency: JSONPlaces.Mark = 37

    private static let yes = ShortText("true")
    /// `data: [DONE]`, which reads as an array with one odd literal in it.
    private static let doneMark = ShortText("DONE")

    /// Types of the last event: Anthropic, OpenAI Responses, Cohere, Gemini Interactions.
    private static let lastKinds = [
        "message_stop", "response.completed", "response.incomplete", "response.failed", "message-end",
        "interaction.complete", "interaction.completed",
    ].map { ShortText($0) }

    private static let places = JSONPlaces(
        root: root,
        UsageCounts.paths.map { ($0.0, $0.1.rawValue) } + contentPaths.map { ($0, content) } + [
            ("type", kind), ("event_type", kind),
            // Ollama's and Gemini's last objects.
            ("done", done), ("candidates.finishReason", finish),
            // The last frames of Bedrock's streams.
            ("metrics.latencyMs", latency), ("amazon-bedrock-invocationMetrics.invocationLatency", latency),
        ])

    /// Where streamed and plain answers carry what was generated, by wire.
    private static let contentPaths = [
        // OpenAI chat and completions, with what its dialects call thinking.
        "choices.delta.content", "choices.delta.content.text", "choices.delta.reasoning_content",
        "choices.delta.reasoning", "choices.delta.refusal", "choices.delta.tool_calls.function.name",
        "choices.delta.tool_calls.function.arguments", "choices.text", "choices.message.content",
        "choices.message.tool_calls.function.arguments",
        // OpenAI Responses.
        "delta",
        // Anthropic and Bedrock Converse.
        "delta.text", "delta.partial_json", "delta.thinking", "delta.toolUse.input", "delta.reasoningContent.text",
        "content.text",
        // Gemini.
        "candidates.content.parts.text",
        // Cohere.
        "delta.message.content.text", "delta.message.tool_plan", "delta.message.tool_calls.function.arguments",
        // Ollama.
        "message.content", "message.thinking", "response", "thinking",
    ]
}
