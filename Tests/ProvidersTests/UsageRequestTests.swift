import Rehearsal
import Testing

@testable import Providers

@Suite("A request for usage")
struct UsageRequestTests {
    private func spliced(_ text: String) -> String? {
        let body = Array(text.utf8)
        guard let request = UsageRequest(body: body.span) else { return nil }
        let result = body[..<request.range.lowerBound] + request.text.utf8 + body[request.range.upperBound...]
        #expect(result.count == body.count + request.growth)
        return String(decoding: result, as: UTF8.self)
    }

    @Test(
        "is put into the body where it is missing, and nothing else changes",
        arguments: [
            (#"{"stream":true}"#, #"{"stream_options":{"include_usage":true},"stream":true}"#),
            (
                " \n{ \"stream\" : true , \"n\": 1.0 }\n",
                " \n{\"stream_options\":{\"include_usage\":true}, \"stream\" : true , \"n\": 1.0 }\n"
            ),
            (
                #"{"stream":true,"stream_options":null}"#,
                #"{"stream":true,"stream_options":{"include_usage":true}}"#
            ),
            (#"{"stream":true,"stream_options":{}}"#, #"{"stream":true,"stream_options":{"include_usage":true}}"#),
            (
                #"{"stream_options": { },"stream":true}"#,
                #"{"stream_options": {"include_usage":true },"stream":true}"#
            ),
            (
                #"{"stream_options":{"include_obfuscation":false},"stream":true}"#,
                #"{"stream_options":{"include_usage":true,"include_obfuscation":false},"stream":true}"#
            ),
            (
                #"{"stream":true,"stream_options":{"include_usage": false}}"#,
                #"{"stream":true,"stream_options":{"include_usage": true}}"#
            ),
            (
                #"{"stream":true,"stream_options":{"include_usage":null}}"#,
                #"{"stream":true,"stream_options":{"include_usage":true}}"#
            ),
            (
                #"{"stream":true,"stream_options":{"include_usage":true,"include_usage":false}}"#,
                #"{"stream":true,"stream_options":{"include_usage":true,"include_usage":true}}"#
            ),
            (
                #"{"stream_options":{"include_usage":true},"stream":true,"stream_options":null}"#,
                #"{"stream_options":{"include_usage":true},"stream":true,"stream_options":{"include_usage":true}}"#
            ),
            (
                #"{"stream_options":{"include_usage":true},"stream":true,"stream_options":{"a":1}}"#,
                #"{"stream_options":{"include_usage":true},"stream":true,"stream_options":{"include_usage":true,"a":1}}"#
            ),
            (
                #"{"metadata":{"stream_options":{"include_usage":true}},"stream":true}"#,
                #"{"stream_options":{"include_usage":true},"metadata":{"stream_options":{"include_usage":true}},"stream":true}"#
            ),
            (
                #"{"stream_options":{"x":{"include_usage":true}},"stream":true}"#,
                #"{"stream_options":{"include_usage":true,"x":{"include_usage":true}},"stream":true}"#
            ),
            (
                #"{"messages":[{"content":"\"stream_options\":{\"include_usage\":true}"}],"str\u0065am":true}"#,
                #"{"stream_options":{"include_usage":true},"messages":[{"content":"\"stream_options\":{\"include_usage\":true}"}],"str\u0065am":true}"#
            ),
            (
                #"{"stream":false,"stream":true}"#,
                #"{"stream_options":{"include_usage":true},"stream":false,"stream":true}"#
            ),
        ])
    func splices(text: String, result: String) {
        #expect(spliced(text) == result)
        #expect(spliced(result) == nil)
    }

    @Test(
        "is left out where it is there already, not wanted or not understood",
        arguments: [
            #"{"stream":true,"stream_options":{"include_usage":true}}"#,
            #"{"stream_options":{"include_usage":false,"include_usage":true},"stream":true}"#,
            #"{"stream":true,"stream_options":{"include_usage":1}}"#,
            #"{"stream":true,"stream_options":{"include_usage":{}}}"#,
            #"{"stream":true,"stream_options":{"include_usage":"false"}}"#,
            #"{"stream":true,"stream_options":[]}"#,
            #"{"stream":true,"stream_options":[{"include_usage":false}]}"#,
            #"{"stream":true,"stream_options":{"include_usage":[false]}}"#, #"{"stream":[true]}"#,
            #"{"stream":true,"stream_options":[null]}"#, #"{"stream":true,"stream_options":"x"}"#,
            #"{"stream":true,"stream_options":0}"#,
            #"{"st\ream":true}"#, #"{"stream":false}"#, #"{"stream":null}"#, #"{"stream":"true"}"#,
            #"{"stream":true,"stream":false}"#,
            #"{"stream":true,"stream":{}}"#, #"{"a":{"stream":true}}"#, #"{}"#, "", "true", "x", #"[{"stream":true}]"#,
            #"{"stream":true"#, #"{"stream":true]"#, #"{"stream":true,"stream_options":{"include_usage":false}"#,
        ])
    func leaves(text: String) {
        #expect(spliced(text) == nil)
    }

    @Test("never grows a body by more than the option, whatever it is", arguments: [91, 92] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let words = [
            "{", "}", "[", "]", ",", "\"", "\"stream\":", "true", "false", "null", "\"stream_options\":",
            "\"include_usage\":", " ", "\"stream\":true", "1",
        ]
        var found = 0
        for _ in 0..<5000 {
            let body = [UInt8(ascii: "{")] + random.text(from: words, pieces: 20) + [UInt8(ascii: "}")]
            guard let request = UsageRequest(body: body.span) else { continue }
            found += 1
            #expect((0...40).contains(request.growth) || request.growth == -1, "seed \(seed): \(body)")
            #expect(request.range.upperBound <= body.count, "seed \(seed): \(body)")
        }
        #expect(found > 50, "seed \(seed): the bodies hardly ever stream")
    }

    @Test(
        "is made of providers that know it, for chat completions and completions",
        arguments: [
            (Provider.openai, "/v1/chat/completions", true), (.openai, "/v1/completions?x=/responses", true),
            (.openai, "/v1/responses", false), (.openai, "/v1/embeddings?a=/completions", false),
            (.vllm, "/v1/chat/completions", true), (.ollama, "/v1/chat/completions", true),
            (.ollama, "/api/chat", false), (.deepseek, "/chat/completions", true),
            (.dashscope, "/compatible-mode/v1/chat/completions", true),
            (.fireworks, "/inference/v1/chat/completions", true),
            (.azureOpenAI, "/openai/deployments/x/chat/completions", false),
            (.generic, "/v1/chat/completions", false), (.anthropic, "/v1/messages", false),
            (.gemini, "/v1beta/openai/chat/completions", false), (.mistral, "/v1/chat/completions", false),
        ])
    func providers(provider: Provider, target: String, takes: Bool) {
        #expect(provider.profile.takesUsageOption(target: target) == takes)
    }
}
