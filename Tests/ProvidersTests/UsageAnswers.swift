import Foundation
import Providers
import Testing

/// An answer as a provider's wire shapes it, and what it says of its tokens.
struct UsageAnswer: Sendable, CustomTestStringConvertible {
    var name: String
    var framing: AnswerFraming
    var body: [UInt8]
    var input: Int
    var output: Int
    var estimatedOutput: Int

    init(
        _ name: String, _ framing: AnswerFraming, _ text: String, input: Int, output: Int, estimated: Int = 0
    ) {
        self.init(name, framing, bytes: Array(text.utf8), input: input, output: output, estimated: estimated)
    }

    init(
        _ name: String, _ framing: AnswerFraming, bytes: [UInt8], input: Int, output: Int, estimated: Int = 0
    ) {
        self.name = name
        self.framing = framing
        self.body = bytes
        self.input = input
        self.output = output
        self.estimatedOutput = estimated
    }

    var testDescription: String { name }

    static let all = documents + streams
}

extension UsageAnswer {
    private static let documents = [
        UsageAnswer(
            "OpenAI chat", .document,
            #"""
            {"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":
            "assistant","content":"\"usage\":{\"prompt_tokens\":999}"},"finish_reason":"stop"}],
            "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
            "prompt_tokens_details":{"cached_tokens":7},"completion_tokens_details":{"reasoning_tokens":3}}}
            """#, input: 19, output: 10, estimated: 8),
        UsageAnswer(
            "OpenAI embeddings", .document,
            #"{"object":"list","data":[{"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#,
            input: 8, output: 0),
        UsageAnswer(
            "OpenAI responses", .document,
            #"""
            {"id":"resp_1","object":"response","metadata":{"usage":"mine"},"usage":{"input_tokens":36,
            "input_tokens_details":{"cached_tokens":0},"output_tokens":87,"total_tokens":123}}
            """#, input: 36, output: 87),
        UsageAnswer(
            "Anthropic", .document,
            #"""
            {"id":"msg_1","type":"message","content":[{"type":"tool_use","input":{"usage":{"input_tokens":77}}}],
            "usage":{"input_tokens":12,"cache_creation_input_tokens":100,"cache_read_input_tokens":5000,
            "output_tokens":6}}
            """#, input: 112, output: 6),
        UsageAnswer(
            "Gemini", .document,
            #"""
            {"candidates":[{"content":{"parts":[{"text":"Hello there"}],"role":"model"},"finishReason":"STOP"}],
            "usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":11,"thoughtsTokenCount":30,
            "toolUsePromptTokenCount":2,"totalTokenCount":47}}
            """#, input: 6, output: 41, estimated: 2),
        UsageAnswer(
            "Gemini, a stream as one array", .document,
            #"""
            [{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"usageMetadata":{"promptTokenCount":4}},
            {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":9}}]
            """#, input: 4, output: 9),
        UsageAnswer(
            "Gemini interactions", .document,
            #"{"usage":{"total_input_tokens":7,"total_output_tokens":20,"total_thought_tokens":5,"total_tokens":32}}"#,
            input: 7, output: 25),
        UsageAnswer(
            "Bedrock converse", .document,
            #"""
            {"output":{"message":{"content":[{"text":"Hi"}]}},"usage":{"inputTokens":30,"outputTokens":8,
            "totalTokens":38,"cacheReadInputTokens":900,"cacheWriteInputTokens":70}}
            """#, input: 100, output: 8),
        UsageAnswer(
            "Cohere", .document,
            #"""
            {"id":"c","message":{"role":"assistant"},"usage":{"billed_units":{"input_tokens":5.0,"output_tokens":4},
            "tokens":{"input_tokens":71.0,"output_tokens":4.5}}}
            """#, input: 71, output: 5),
        UsageAnswer(
            "Ollama", .document,
            #"{"model":"llama","response":"Hi","done":true,"prompt_eval_count":26,"eval_count":298}"#,
            input: 26, output: 298),
    ]

    private static let streams = [
        UsageAnswer(
            "OpenAI chat", .events,
            openAI([
                #"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}"#,
                #"{"choices":[{"index":0,"delta":{"content":"Hello"}}],"usage":null}"#,
                #"{"choices":[{"index":0,"delta":{"content":" \"usage\":{"}}],"usage":null}"#,
                #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
                #"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#, "[DONE]",
            ]), input: 9, output: 2, estimated: 4),
        UsageAnswer(
            "OpenAI responses", .events,
            """
            event: response.created\r\ndata: {"type":"response.created","response":{"usage":null}}\r\n\r\n\
            event: response.output_text.delta\r\ndata: {"type":"response.output_text.delta","delta":"Hi"}\r\n\r\n\
            event: response.completed\r\ndata: {"type":"response.completed","response":{"usage":{"input_tokens":36,\
            "output_tokens":87}}}\r\n\r\n
            """, input: 36, output: 87, estimated: 1),
        UsageAnswer(
            "Anthropic", .events,
            """
            event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":25,\
            "cache_creation_input_tokens":10,"cache_read_input_tokens":900,"output_tokens":1}}}\n\n\
            event: ping\ndata: {"type": "ping"}\n\n\
            event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":\
            "Hello there, how are you"}}\n\n\
            event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},\
            "usage":{"output_tokens":15}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n
            """, input: 35, output: 15, estimated: 6),
        UsageAnswer(
            "Gemini", .events,
            """
            data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"usageMetadata":{"promptTokenCount":4,\
            "totalTokenCount":4}}\r\n\r\ndata: {"candidates":[{"content":{"parts":[{"text":"!"}]},"finishReason":\
            "STOP"}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":9,"thoughtsTokenCount":3}}\r\n\r\n
            """, input: 4, output: 12, estimated: 2),
        UsageAnswer(
            "Cohere", .events,
            """
            event: content-delta\ndata: {"type":"content-delta","delta":{"message":{"content":{"text":"Hi"}}}}\n\n\
            event: message-end\ndata: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{\
            "billed_units":{"input_tokens":3,"output_tokens":2},"tokens":{"input_tokens":69,"output_tokens":2}}}}\n\n
            """, input: 69, output: 2, estimated: 1),
        UsageAnswer(
            "Groq", .events,
            openAI([
                #"{"choices":[{"delta":{"content":"Hi"}}]}"#,
                #"{"choices":[{"delta":{}}],"x_groq":{"usage":{"queue_time":0.02,"prompt_tokens":9,"completion_tokens":2}}}"#,
                "[DONE]",
            ]), input: 9, output: 2, estimated: 1),
        UsageAnswer(
            "Moonshot", .events,
            openAI([
                #"{"choices":[{"delta":{},"usage":{"prompt_tokens":19,"completion_tokens":13}}]}"#, "[DONE]",
            ]), input: 19, output: 13),
        UsageAnswer(
            "vLLM with continuous statistics", .events,
            openAI([
                #"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}"#,
                #"{"choices":[{"delta":{"content":"b"}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#, "[DONE]",
            ]), input: 5, output: 2, estimated: 2),
        UsageAnswer(
            "DashScope, lines without a space", .events,
            """
            id:1\nevent:result\n:HTTP_STATUS/200\ndata:{"output":{"text":"a"},"usage":{"input_tokens":2,\
            "output_tokens":1}}\n\nid:2\nevent:result\ndata:{"output":{"text":"ab"},"usage":{"input_tokens":2,\
            "output_tokens":7}}\n\ndata: [DONE]\n\n
            """, input: 2, output: 7),
        UsageAnswer(
            "an event of several lines of data, ended by CR", .events,
            ": hello\r\rdata: {\"usage\":{\"prompt_tokens\":12\rdata: ,\rdata:\"completion_tokens\":3}}\r\rdata: [DONE]\r\r",
            input: 12, output: 3),
        UsageAnswer(
            "Ollama", .lines,
            """
            {"message":{"role":"assistant","content":"Hi"},"done":false}\n{"message":{"content":" you"},"done":false}\n\
            {"message":{"content":""},"done":true,"prompt_eval_count":26,"eval_count":5}\n
            """, input: 26, output: 5, estimated: 2),
        UsageAnswer(
            "Bedrock converse", .frames,
            bytes: frame(#"{"contentBlockIndex":0,"delta":{"text":"Hello"},"p":"abc"}"#, headers: 70)
                + frame(#"{"stopReason":"end_turn"}"#, headers: 0)
                + frame(#"{"metrics":{"latencyMs":5},"usage":{"inputTokens":9,"outputTokens":4}}"#, headers: 33),
            input: 9, output: 4, estimated: 1),
        UsageAnswer(
            "Bedrock invoke", .frames,
            bytes: enclosed(#"{"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}}"#)
                + enclosed(#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hello?"}}"#)
                + enclosed(#"{"type":"message_delta","delta":{},"usage":{"output_tokens":12}}"#)
                + enclosed(
                    #"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":25,"#
                        + #""outputTokenCount":12,"invocationLatency":700,"firstByteLatency":300}}"#),
            input: 25, output: 12, estimated: 1),
    ]

    /// A frame as `invoke-with-response-stream` wraps it.
    static func enclosed(_ text: String) -> [UInt8] {
        let bytes = Data(text.utf8).base64EncodedString().replacing("/", with: #"\/"#)
        return frame(#"{"bytes":"\#(bytes)","p":"abcdefg"}"#, headers: 40)
    }

    static func openAI(_ chunks: [String], lineEnd: String = "\n") -> String {
        chunks.map { "data: \($0)\(lineEnd)\(lineEnd)" }.joined()
    }

    /// A frame with rubbish for headers and checksums.
    static func frame(_ payload: String, headers: Int) -> [UInt8] {
        let length = UInt32(payload.utf8.count + headers + 16)
        let prelude = [length, UInt32(headers), 0x7B22_5D7D].flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) }
        }
        return prelude + Array(repeating: UInt8(ascii: "\""), count: headers) + Array(payload.utf8) + [0x7B, 1, 2, 3]
    }
}
