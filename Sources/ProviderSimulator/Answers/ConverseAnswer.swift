/// docs.aws.amazon.com/bedrock/latest/APIReference, "Converse" and "ConverseStream".
struct ConverseAnswer: Answer {
    let completion: Completion

    var openings: Int { 1 }
    var closings: Int { 3 }
    var streamType: String { EventFrame.contentType }

    var whole: String {
        let message = object([
            "role": quoted("assistant"), "content": "[\(object(["text": quoted(completion.text)]))]",
        ])
        return object([
            "output": object(["message": message]), "stopReason": quoted(stopReason), "usage": usage,
            "metrics": object(["latencyMs": "1"]),
        ])
    }

    func opening(_ place: Int) -> [UInt8] {
        EventFrame.bytes(event: "messageStart", object(["role": quoted("assistant")]))
    }

    func token(_ place: Int) -> [UInt8] {
        let delta = object(["text": quoted(Completion.word(place))])
        return EventFrame.bytes(event: "contentBlockDelta", object(["contentBlockIndex": "0", "delta": delta]))
    }

    func closing(_ place: Int) -> [UInt8] {
        switch place {
        case 0: EventFrame.bytes(event: "contentBlockStop", object(["contentBlockIndex": "0"]))
        case 1: EventFrame.bytes(event: "messageStop", object(["stopReason": quoted(stopReason)]))
        default:
            EventFrame.bytes(event: "metadata", object(["usage": usage, "metrics": object(["latencyMs": "1"])]))
        }
    }

    private var stopReason: String { completion.endedByLength ? "max_tokens" : "end_turn" }

    private var usage: String {
        object([
            "inputTokens": "\(ask.inputTokens)", "outputTokens": "\(outputTokens)",
            "totalTokens": "\(ask.inputTokens + outputTokens)",
        ])
    }
}

/// "InvokeModel" and "InvokeModelWithResponseStream" for a model that speaks like Anthropic: its own answer, in a
/// stream each event in Base64 within a frame.
struct InvokeAnswer: Answer {
    let completion: Completion

    var openings: Int { inner.openings }
    var closings: Int { inner.closings }
    var whole: String { inner.whole }
    var streamType: String { EventFrame.contentType }

    var headers: ProviderShape.Fields {
        ask.streams
            ? [("x-amzn-bedrock-content-type", "application/json")]
            : [
                ("x-amzn-bedrock-input-token-count", "\(ask.inputTokens)"),
                ("x-amzn-bedrock-output-token-count", "\(outputTokens)"), ("x-amzn-bedrock-invocation-latency", "1"),
            ]
    }

    func opening(_ place: Int) -> [UInt8] { chunk(place) }
    func token(_ place: Int) -> [UInt8] { chunk(openings + place) }
    func closing(_ place: Int) -> [UInt8] { chunk(openings + outputTokens + place) }

    private var inner: MessagesAnswer { MessagesAnswer(completion: completion) }

    private func chunk(_ step: Int) -> [UInt8] {
        var data = inner.data(step)
        if step == steps - 1 {
            let metrics = object([
                "inputTokenCount": "\(ask.inputTokens)", "outputTokenCount": "\(outputTokens)",
                "invocationLatency": "1", "firstByteLatency": "1",
            ])
            data = "\(data.dropLast()),\(quoted("amazon-bedrock-invocationMetrics")):\(metrics)}"
        }
        return EventFrame.bytes(event: "chunk", object(["bytes": quoted(base64(data))]))
    }

    /// RFC 4648 §4.
    private func base64(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                result.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
