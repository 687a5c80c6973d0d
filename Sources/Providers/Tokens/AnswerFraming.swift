/// How an answer's body is parted into JSON texts.
package enum AnswerFraming: Hashable, Sendable {
    /// One JSON text.
    case document
    /// A JSON text on each line, as Ollama streams.
    case lines
    /// Server-sent events with a JSON text in the data of each.
    case events
    /// AWS event stream: binary frames with a JSON text in each, as Bedrock's `converse-stream`.
    case frames

    /// Nothing for what is no JSON in any of these forms.
    ///
    /// - Parameter contentType: the field's value; parameters and case don't count.
    package init?(contentType: String) {
        // As nearly all providers write it; the rest takes ten times as long.
        switch contentType {
        case "application/json", "application/json; charset=utf-8":
            self = .document
            return
        case "text/event-stream", "text/event-stream; charset=utf-8":
            self = .events
            return
        default: break
        }
        let type = contentType.prefix { $0 != ";" && $0 != " " }.lowercased()
        switch type {
        case "text/event-stream": self = .events
        case "application/vnd.amazon.eventstream": self = .frames
        case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
            "application/stream+json":
            self = .lines
        case "application/json": self = .document
        case _ where type.hasSuffix("+json"): self = .document
        default: return nil
        }
    }
}
