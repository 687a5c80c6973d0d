/// platform.openai.com/docs/api-reference/responses and "responses-streaming": one message of one text.
struct ResponsesAnswer: Answer {
    let completion: Completion

    var openings: Int { 4 }
    var closings: Int { 4 }

    var whole: String { response(status: ending, output: [item(status: ending, content: [part(completion.text)])]) }

    func opening(_ place: Int) -> [UInt8] {
        switch place {
        case 0: named("response.created", place, [("response", response(status: "in_progress"))])
        case 1: named("response.in_progress", place, [("response", response(status: "in_progress"))])
        case 2:
            named(
                "response.output_item.added", place, [outputIndex, ("item", item(status: "in_progress", content: []))])
        default: named("response.content_part.added", place, within + [("part", part(""))])
        }
    }

    func token(_ place: Int) -> [UInt8] {
        named(
            "response.output_text.delta", openings + place,
            within + [("delta", quoted(Completion.word(place))), ("logprobs", "[]")])
    }

    func closing(_ place: Int) -> [UInt8] {
        let number = openings + outputTokens + place
        switch place {
        case 0:
            return named(
                "response.output_text.done", number, within + [("text", quoted(completion.text)), ("logprobs", "[]")])
        case 1: return named("response.content_part.done", number, within + [("part", part(completion.text))])
        case 2:
            let item = item(status: ending, content: [part(completion.text)])
            return named("response.output_item.done", number, [outputIndex, ("item", item)])
        default: return named("response.\(ending)", number, [("response", whole)])
        }
    }

    private var ending: String { completion.endedByLength ? "incomplete" : "completed" }

    private var outputIndex: (String, String) { ("output_index", "0") }

    /// Where a text stands within the response.
    private var within: [(String, String)] {
        [("item_id", quoted("msg_\(completion.id)")), outputIndex, ("content_index", "0")]
    }

    private func named(_ type: String, _ number: Int, _ members: [(String, String)]) -> [UInt8] {
        event(object([("type", quoted(type)), ("sequence_number", "\(number)")] + members), named: type)
    }

    private func part(_ text: String) -> String {
        object(["type": quoted("output_text"), "text": quoted(text), "annotations": "[]", "logprobs": "[]"])
    }

    private func item(status: String, content: [String]) -> String {
        object([
            "id": quoted("msg_\(completion.id)"), "type": quoted("message"), "status": quoted(status),
            "role": quoted("assistant"), "content": "[\(content.joined(separator: ","))]",
        ])
    }

    private func response(status: String, output: [String] = []) -> String {
        let reason = status == "incomplete" ? object(["reason": quoted("max_output_tokens")]) : "null"
        let usage = object([
            "input_tokens": "\(ask.inputTokens)", "input_tokens_details": object(["cached_tokens": "0"]),
            "output_tokens": "\(outputTokens)", "output_tokens_details": object(["reasoning_tokens": "0"]),
            "total_tokens": "\(ask.inputTokens + outputTokens)",
        ])
        return object([
            "id": quoted("resp_\(completion.id)"), "object": quoted("response"), "created_at": "\(completion.created)",
            "status": quoted(status), "error": "null", "incomplete_details": reason, "instructions": "null",
            "max_output_tokens": ask.maximumOutputTokens.map { "\($0)" } ?? "null", "model": quoted(ask.model),
            "output": "[\(output.joined(separator: ","))]", "parallel_tool_calls": "true", "temperature": "1.0",
            "tool_choice": quoted("auto"), "tools": "[]", "top_p": "1.0", "metadata": "{}",
            "usage": status == "in_progress" ? "null" : usage,
        ])
    }
}
