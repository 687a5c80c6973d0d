import Rehearsal
import Testing

@testable import Providers

@Suite("A peek into a request")
struct RequestPeekTests {
    private func peek(_ text: String, whole: Bool = true) -> RequestPeek {
        var peek = RequestPeek()
        peek.read(Array(text.utf8).span)
        if whole { peek.finish() }
        return peek
    }

    @Test("finds model, stream and the bound of the output")
    func finds() {
        let found = peek(
            #"{"messages":[{"role":"user","content":"\"model\":\"no\""}],"model":"gpt-4o","stream":true,"max_tokens":7}"#
        )
        #expect(found.model == .found("gpt-4o"))
        #expect(found.stream == .found(true))
        #expect(found.maxTokens == .found(7))
    }

    @Test(
        "finds the bound under each of its names",
        arguments: [
            (#"{"max_tokens":5}"#, RequestPeek.Field.found(5)),
            (#"{"max_completion_tokens":5}"#, .found(5)),
            (#"{"max_output_tokens":5}"#, .found(5)),
            (#"{"generationConfig":{"maxOutputTokens":5}}"#, .found(5)),
            (#"{"inferenceConfig":{"maxTokens":5}}"#, .found(5)),
            (#"{"max_tokens":5,"max_completion_tokens":9}"#, .found(9)),
            (#"{"max_tokens":"5"}"#, .absent),
            (#"{"max_tokens":-5}"#, .absent),
            (#"{"max_tokens":5.5}"#, .absent),
            (#"{"max_tokens":99999999999999999999}"#, .absent),
            (#"{"max_tokens":null}"#, .absent),
        ])
    func maxTokens(text: String, found: RequestPeek.Field<Int>) {
        #expect(peek(text).maxTokens == found)
    }

    @Test(
        "takes only top-level members of the right type, the last of two",
        arguments: [
            (
                #"{"tools":{"model":"no","stream":true}}"#, RequestPeek.Field<String>.absent,
                RequestPeek.Field<Bool>.absent
            ),
            (#"{"model":7,"stream":"true"}"#, .absent, .absent),
            (#"{"model":null,"stream":null}"#, .absent, .absent),
            (#"{"model":"a","model":"b","stream":true,"stream":false}"#, .found("b"), .found(false)),
            (#"{"mod\u0065l":"g\u0070t","stream":false}"#, .found("gpt"), .found(false)),
            ("", .absent, .absent),
            ("not json", .absent, .absent),
            ("--boundary\r\nContent-Disposition: form-data; name=\"model\"\r\n", .absent, .absent),
        ])
    func members(text: String, model: RequestPeek.Field<String>, stream: RequestPeek.Field<Bool>) {
        let found = peek(text)
        #expect(found.model == model)
        #expect(found.stream == stream)
    }

    @Test("needs more until the document ends")
    func needMore() {
        let text = #"{"messages":[],"model":"gpt-4o"}"#
        for length in 0..<text.utf8.count {
            let found = peek(String(text.prefix(length)), whole: false)
            #expect(!found.isEnded)
            #expect(found.stream == .needMore)
            #expect(found.maxTokens == .needMore)
            let isThere = length == text.utf8.count - 1
            #expect(found.model == (isThere ? .found("gpt-4o") : .needMore))
        }
        let complete = peek(text, whole: false)
        #expect(complete.isEnded)
        #expect(complete.stream == .absent)
    }

    @Test("never takes a part of a model for the model")
    func cutOff() {
        #expect(peek(#"{"model":"gpt-4"#).model == .absent)
        #expect(peek(#"{"max_tokens":12"#).maxTokens == .absent)
    }

    @Test("is done with what is no JSON at its first byte")
    func notJSON() {
        #expect(peek("x", whole: false).isEnded)
        #expect(peek("x", whole: false).model == .absent)
    }

    @Test("finds the same in pieces of any size", arguments: [61, 62] as [UInt64])
    func pieces(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let words = [
            "{", "}", "[", "]", ",", "\"model\":", "\"gpt\"", "\"stream\":", "true", "false", "\"max_tokens\":", "12",
            "\"", "\\", "\"long text of a prompt that goes on\"", "\"messages\":",
        ]
        for _ in 0..<3000 {
            let text = [UInt8(ascii: "{")] + random.text(from: words, pieces: 40)
            var whole = RequestPeek()
            whole.read(text.span)
            var pieces = RequestPeek()
            var rest = text[...]
            while !rest.isEmpty {
                let size = Int.random(in: 1...min(rest.count, 16), using: &random)
                pieces.read(Array(rest.prefix(size)).span)
                rest = rest.dropFirst(size)
            }
            #expect(whole.model == pieces.model, "seed \(seed): \(text)")
            #expect(whole.stream == pieces.stream, "seed \(seed): \(text)")
            #expect(whole.maxTokens == pieces.maxTokens, "seed \(seed): \(text)")
        }
    }

    @Test(
        "finds the model in the target",
        arguments: [
            (Provider.azureOpenAI, "/openai/deployments/my-gpt/chat/completions?api-version=1", "my-gpt"),
            (.azureOpenAI, "/openai/deployments/a%20b/chat/completions", "a b"),
            (.azureOpenAI, "/openai/v1/chat/completions", nil),
            (.azureOpenAI, "/openai/realtime?api-version=1&model=gpt-rt", "gpt-rt"),
            (.gemini, "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "gemini-2.5-pro"),
            (.gemini, "/v1beta/tunedModels/mine:generateContent", "mine"),
            (.gemini, "/v1beta/models", nil),
            (.gemini, "/v1beta/openai/chat/completions", nil),
            (
                .vertex, "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@1:streamRawPredict",
                "claude-x@1"
            ),
            (.vertex, "/v1/projects/p/locations/l/endpoints/123:predict", "123"),
            (.bedrock, "/model/anthropic.claude-v2%3A1/invoke", "anthropic.claude-v2:1"),
            (
                .bedrock, "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse-stream",
                "arn:aws:bedrock:us-east-1:1:inference-profile/x"
            ),
            (.bedrock, "/model//invoke", nil),
            (.openai, "/v1/realtime?model=gpt-rt", "gpt-rt"),
            (.openai, "/v1/chat/completions", nil),
            (.openai, "/v1/models/gpt-4o", nil),
            (.anthropic, "/v1/messages?model=no", nil),
            (.azureOpenAI, "", nil),
            (.azureOpenAI, "/deployments/", nil),
            (.azureOpenAI, "/deployments/%zz%4", "%zz%4"),
        ] as [(Provider, String, String?)])
    func modelInTarget(provider: Provider, target: String, model: String?) {
        #expect(provider.profile.request.model(inTarget: target) == model)
    }

    @Test(
        "knows whether the answer streams",
        arguments: [
            (Provider.openai, "/v1/chat/completions", nil, false),
            (.openai, "/v1/chat/completions", true, true),
            (.openai, "/v1/chat/completions", false, false),
            (.gemini, "/v1/models/m:streamGenerateContent?alt=sse", nil, true),
            (.gemini, "/v1/models/m:generateContent", nil, false),
            (.vertex, "/v1/models/m:streamRawPredict", nil, true),
            (.bedrock, "/model/m/converse-stream", nil, true),
            (.bedrock, "/model/m/converse", nil, false),
            (.ollama, "/api/chat", nil, true),
            (.ollama, "/api/chat", false, false),
            (.ollama, "/v1/chat/completions", nil, false),
        ] as [(Provider, String, Bool?, Bool)])
    func streams(provider: Provider, target: String, body: Bool?, streams: Bool) {
        #expect(provider.profile.request.streams(target: target, body: body) == streams)
    }
}
