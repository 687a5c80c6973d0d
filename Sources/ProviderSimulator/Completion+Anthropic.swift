/// Anthropic's bodies: docs.claude.com, "Messages" and "Streaming Messages".
extension Completion {
    var anthropicBody: String {
        message(
            content: "[\(object(["type": quoted("text"), "text": quoted(text)]))]", stop: quoted(stopReason),
            outputTokens: outputTokens)
    }

    /// Start of message and of block, one delta per token, ends of both with the usage between.
    func anthropicPiece(_ step: Int) -> String {
        switch step {
        case 0:
            let start = message(content: "[]", stop: "null", outputTokens: 1)
            return event("message_start", ["message": start])
        case 1:
            let block = object(["type": quoted("text"), "text": quoted("")])
            return event("content_block_start", ["index": "0", "content_block": block])
        case outputTokens + 2:
            return event("content_block_stop", ["index": "0"])
        case outputTokens + 3:
            let delta = object(["stop_reason": quoted(stopReason), "stop_sequence": "null"])
            let usage = object(["output_tokens": "\(outputTokens)"])
            return event("message_delta", ["delta": delta, "usage": usage])
        case outputTokens + 4:
            return event("message_stop", [:])
        default:
            let delta = object(["type": quoted("text_delta"), "text": quoted(Self.word(step - 2))])
            return event("content_block_delta", ["index": "0", "delta": delta])
        }
    }

    private var stopReason: String { endedByLength ? "max_tokens" : "end_turn" }

    private func message(content: String, stop: String, outputTokens: Int) -> String {
        object([
            "id": quoted("msg_" + id), "type": quoted("message"), "role": quoted("assistant"),
            "model": quoted(ask.model), "content": content, "stop_reason": stop, "stop_sequence": "null",
            "usage": object(["input_tokens": "\(ask.inputTokens)", "output_tokens": "\(outputTokens)"]),
        ])
    }

    private func event(_ type: String, _ members: KeyValuePairs<String, String>) -> String {
        let rest = members.map { ",\(quoted($0.key)):\($0.value)" }.joined()
        return "event: \(type)\ndata: {\"type\":\(quoted(type))\(rest)}\n\n"
    }
}
