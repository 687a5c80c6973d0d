import Testing

@testable import ProviderSimulator

@Suite("Answers of providers")
struct ProviderAnswerTests {
    /// Path of the stream where it is another one, the body with `STREAM` in it, and where the whole answer has its text
    /// and what it used.
    private static let wires: [(target: String, stream: String?, body: String, text: [String], usage: [String])] = [
        (
            "/v1/responses", nil, #"{"model":"m","input":"12345678","max_output_tokens":3,"stream":STREAM}"#,
            ["output", "0", "content", "0", "text"], ["usage", "output_tokens"]
        ),
        (
            "/v1/messages", nil, #"{"model":"m","messages":[{"content":"1234"}],"max_tokens":3,"stream":STREAM}"#,
            ["content", "0", "text"], ["usage", "output_tokens"]
        ),
        (
            "/v1beta/models/g:generateContent", "/v1beta/models/g:streamGenerateContent?alt=sse",
            #"{"contents":[{"parts":[{"text":"1234"}]}],"generationConfig":{"maxOutputTokens":3}}"#,
            ["candidates", "0", "content", "parts", "0", "text"], ["usageMetadata", "candidatesTokenCount"]
        ),
        (
            "/model/m/converse", "/model/m/converse-stream",
            #"{"messages":[{"content":[{"text":"1234"}]}],"inferenceConfig":{"maxTokens":3}}"#,
            ["output", "message", "content", "0", "text"], ["usage", "outputTokens"]
        ),
        (
            "/model/m/invoke", "/model/m/invoke-with-response-stream",
            #"{"anthropic_version":"bedrock-2023-05-31","messages":[{"content":"1234"}],"max_tokens":3}"#,
            ["content", "0", "text"], ["usage", "output_tokens"]
        ),
        (
            "/mistral/v1/chat/completions", nil,
            #"{"model":"m","messages":[{"content":"1234"}],"max_tokens":3,"stream":STREAM}"#,
            ["choices", "0", "message", "content"], ["usage", "completion_tokens"]
        ),
        (
            "/v2/chat", nil, #"{"model":"m","messages":[{"content":"1234"}],"max_tokens":3,"stream":STREAM}"#,
            ["message", "content", "0", "text"], ["usage", "tokens", "output_tokens"]
        ),
        (
            "/groq/openai/v1/chat/completions", nil,
            #"{"model":"m","messages":[{"content":"1234"}],"max_tokens":3,"stream":STREAM}"#,
            ["choices", "0", "message", "content"], ["usage", "completion_tokens"]
        ),
    ]

    @Test("A whole answer says the text and what it used", arguments: wires.indices)
    func whole(place: Int) throws {
        let wire = Self.wires[place]
        let script = try play(wire.target, wire.body.replacing("STREAM", with: "false"))
        let answer = try #require(JSONValue(bytes(script)))
        #expect(answer[wire.text]?.text == "Water runs down", "\(text(script))")
        #expect(answer[wire.usage]?.integer == 3)
        #expect(script.value("content-type") == "application/json")
    }

    @Test("A stream says the same word by word, and takes its time only between the words", arguments: wires.indices)
    func streamed(place: Int) throws {
        let wire = Self.wires[place]
        var settings = SimulatorSettings()
        settings.tokensPerSecond = 10
        let body = wire.body.replacing("STREAM", with: "true")
        var script = try play(wire.stream ?? wire.target, body, settings: settings)
        let pieces = (0..<script.pieces).map { Array(script.piece($0)) }
        let texts = try pieces.map { try #require(Self.data(of: $0)) }
        for word in ["Water", " runs", " down"] {
            let quotedWord = "\"\(word)\""
            #expect(texts.filter { $0.contains(quotedWord) && !$0.contains("done") }.count == 1, "\(texts)")
        }
        #expect(texts.contains { $0.contains("okens\":3") || $0.contains("TokenCount\":3") }, "\(texts)")
        #expect((1..<script.pieces).reduce(0) { $0 + script.pause(before: $1) } == 200_000_000)
    }

    @Test(
        "Mistral and Groq tell what a stream used unasked, OpenAI and DashScope only where asked",
        arguments: [
            ("/mistral/v1/chat/completions", true), ("/groq/openai/v1/chat/completions", true),
            ("/v1/chat/completions", false), ("/compatible-mode/v1/chat/completions", false),
        ])
    func unasked(target: String, tells: Bool) throws {
        let answer = text(try play(target, #"{"model":"m","messages":[{}],"max_tokens":2,"stream":true}"#))
        #expect(answer.contains("completion_tokens") == tells)
        #expect(answer.hasSuffix("data: [DONE]\n\n"))
    }

    @Test(
        "Vectors come in each provider's form",
        arguments: [
            ("/v1/embeddings", #"{"model":"m","input":["a","b"]}"#, ["data", "1", "embedding", "1"]),
            (
                "/v1beta/models/g:batchEmbedContents",
                #"{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}"#,
                ["embeddings", "1", "values", "1"]
            ),
            (
                "/v1beta/models/g:embedContent", #"{"content":{"parts":[{"text":"a"}]}}"#,
                ["embedding", "values", "0"]
            ),
            ("/v2/embed", #"{"model":"m","texts":["a","b"]}"#, ["embeddings", "float", "1", "1"]),
        ])
    func vectors(target: String, body: String, place: [String]) throws {
        #expect(try #require(JSONValue(bytes(play(target, body))))[place]?.integer == 1)
    }

    @Test("The checksum of event streams is CRC-32", arguments: [("", 0), ("123456789", 0xCBF4_3926)])
    func checksum(text: String, sum: UInt32) {
        #expect(EventFrame.checksum(Array(text.utf8)) == sum)
    }

    @Test("A frame says its lengths and sums and is as long as it says")
    func frame() {
        let frame = EventFrame.bytes(event: "chunk", "{}")
        #expect(Self.number(frame, 0) == frame.count)
        #expect(Self.number(frame, 4) == frame.count - 16 - 2)
        #expect(Self.number(frame, 8) == Int(EventFrame.checksum(Array(frame[..<8]))))
        #expect(Self.number(frame, frame.count - 4) == Int(EventFrame.checksum(Array(frame.dropLast(4)))))
    }

    /// The JSON of an event or a frame, with what is in Base64 within it undone.
    private static func data(of piece: [UInt8]) -> String? {
        if piece.first != 0 { return String(decoding: piece, as: UTF8.self) }
        let payload = piece[(12 + number(piece, 4))..<(piece.count - 4)]
        guard let wrapped = JSONValue(payload)?["bytes"]?.text else { return String(decoding: payload, as: UTF8.self) }
        return base64(wrapped)
    }

    private static func number(_ bytes: [UInt8], _ place: Int) -> Int {
        bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
    }

    private static func base64(_ text: String) -> String? {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var bytes: [UInt8] = []
        var bits = 0
        for (place, character) in text.prefix(while: { $0 != "=" }).enumerated() {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = (bits << 6 | value) & 0xFFF
            if place % 4 > 0 { bytes.append(UInt8(truncatingIfNeeded: bits >> [0, 4, 2, 0][place % 4])) }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension JSONValue {
    fileprivate subscript(path: [String]) -> JSONValue? {
        path.reduce(self as JSONValue?) { value, step in
            guard let items = value?.items else { return value?[step] }
            return Int(step).flatMap { items.indices.contains($0) ? items[$0] : nil }
        }
    }
}
