/// docs.claude.com, "Messages" and "Streaming Messages": start of message and of block, the tokens, ends of both with
/// the usage between.
struct MessagesAnswer: Answer {
    let completion: Completion

    var openings: Int { 2 }
    var closings: Int { 3 }

    var whole: String {
        message(
            content: "[\(object(["type": quoted("text"), "text": quoted(completion.text)]))]", stop: quoted(stopReason),
            outputTokens: outputTokens)
    }

    func opening(_ place: Int) -> [UInt8] { named(openingMembers(place)) }
    func token(_ place: Int) -> [UInt8] { named(tokenMembers(place)) }
    func closing(_ place: Int) -> [UInt8] { named(closingMembers(place)) }

    /// The data of a piece, as Bedrock wraps it.
    func data(_ step: Int) -> String { Self.data(members(step)) }

    private typealias Members = (type: String, rest: [(String, String)])

    private func members(_ step: Int) -> Members {
        if step < openings { return openingMembers(step) }
        if step < openings + outputTokens { return tokenMembers(step - openings) }
        return closingMembers(step - openings - outputTokens)
    }

    private func openingMembers(_ place: Int) -> Members {
        if place == 0 {
            let start = message(content: "[]", stop: "null", outputTokens: 1)
            return ("message_start", [("message", start)])
        }
        let block = object(["type": quoted("text"), "text": quoted("")])
        return ("content_block_start", [("index", "0"), ("content_block", block)])
    }

    private func tokenMembers(_ place: Int) -> Members {
        let delta = object(["type": quoted("text_delta"), "text": quoted(Completion.word(place))])
        return ("content_block_delta", [("index", "0"), ("delta", delta)])
    }

    private func closingMembers(_ place: Int) -> Members {
        switch place {
        case 0: return ("content_block_stop", [("index", "0")])
        case 1:
            let delta = object(["stop_reason": quoted(stopReason), "stop_sequence": "null"])
            let usage = object(["output_tokens": "\(outputTokens)"])
            return ("message_delta", [("delta", delta), ("usage", usage)])
        default: return ("message_stop", [])
        }
    }

    private var stopReason: String { completion.endedByLength ? "max_tokens" : "end_turn" }

    private func message(content: String, stop: String, outputTokens: Int) -> String {
        object([
            "id": quoted("msg_" + completion.id), "type": quoted("message"), "role": quoted("assistant"),
            "model": quoted(ask.model), "content": content, "stop_reason": stop, "stop_sequence": "null",
            "usage": object(["input_tokens": "\(ask.inputTokens)", "output_tokens": "\(outputTokens)"]),
        ])
    }

    private func named(_ members: Members) -> [UInt8] { event(Self.data(members), named: members.type) }

    private static func data(_ members: Members) -> String { object([("type", quoted(members.type))] + members.rest) }
}
