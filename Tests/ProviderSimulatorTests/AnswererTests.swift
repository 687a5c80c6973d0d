import Testing

@testable import ProviderSimulator

@Suite("Answers")
struct AnswererTests {
    @Test(
        "Paths and methods lead where they should",
        arguments: [
            ("POST", "/v1/chat/completions", Route.endpoint(.chatCompletions)),
            ("POST", "/v1/chat/completions?x=1", .endpoint(.chatCompletions)),
            ("POST", "/v1/completions", .endpoint(.completions)), ("POST", "/v1/embeddings", .endpoint(.embeddings)),
            ("GET", "/v1/models", .endpoint(.models)), ("HEAD", "/v1/models", .endpoint(.models)),
            ("GET", "/v1/models/gpt-4o", .endpoint(.model("gpt-4o"))), ("POST", "/v1/messages", .endpoint(.messages)),
            ("POST", "/v1beta/models/g:generateContent", .endpoint(.generateContent(model: "g", nil))),
            (
                "POST", "/v1beta/models/g:streamGenerateContent?alt=sse",
                .endpoint(.generateContent(model: "g", .events))
            ),
            ("POST", "/v1beta/models/g:streamGenerateContent", .endpoint(.generateContent(model: "g", .array))),
            ("GET", "/metrics", .operation(.metrics)), ("GET", "/_simulator", .operation(.status)),
            ("POST", "/_simulator/faults", .operation(.setFaults)), ("POST", "/_simulator/reset", .operation(.reset)),
            ("GET", "/v1/chat/completions", .wrongMethod(allow: "POST")),
            ("POST", "/v1/models", .wrongMethod(allow: "GET, HEAD")), ("GET", "/", .unknown),
            ("GET", "/v1/models/", .unknown),
            ("POST", "/v1beta/models/g:count", .unknown), ("POST", "/x/v1/chat/completions", .unknown),
        ])
    func routes(method: String, target: String, route: Route) {
        #expect(Route(method: method, target: target) == route)
    }

    @Test("A chat's answer has its usage, its model and the asked length")
    func chat() throws {
        let answer = try document(
            play(
                "/v1/chat/completions",
                #"{"model":"m","messages":[{"role":"user","content":"12345678"}],"max_tokens":3}"#))
        #expect(answer["model"]?.text == "m")
        #expect(answer["created"]?.integer == 1_000)
        #expect(answer["id"]?.text?.hasPrefix("chatcmpl-") == true)
        #expect(answer["choices"]?.items?.first?["message"]?["content"]?.text == "Water runs down")
        #expect(answer["choices"]?.items?.first?["finish_reason"]?.text == "length")
        #expect(answer["usage"]?["prompt_tokens"]?.integer == 6)
        #expect(answer["usage"]?["completion_tokens"]?.integer == 3)
        #expect(answer["usage"]?["total_tokens"]?.integer == 9)
    }

    @Test(
        "The number of output tokens is the smallest of what is wanted and allowed",
        arguments: [
            (nil, nil, 16, "stop"), (nil, 5, 5, "length"), (nil, 9_999, 50, "stop"), (20, nil, 20, "stop"),
            (20, 5, 5, "length"), (20, 40, 20, "stop"), (20, 20, 20, "length"),
        ] as [(Int?, Int?, Int, String)])
    func outputTokens(configured: Int?, asked: Int?, expected: Int, reason: String) throws {
        var settings = SimulatorSettings()
        settings.outputTokens = configured
        settings.outputTokensBound = 50
        let maximum = asked.map { ",\"max_completion_tokens\":\($0)" } ?? ""
        let body = "{\"model\":\"m\",\"messages\":[{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]\(maximum)}"
        let answer = try document(play("/v1/chat/completions", body, settings: settings))
        #expect(answer["usage"]?["completion_tokens"]?.integer == expected)
        #expect(answer["choices"]?.items?.first?["finish_reason"]?.text == reason)
    }

    @Test("A streamed chat has role, tokens, finish, usage where asked for, and its end", arguments: [false, true])
    func stream(includesUsage: Bool) throws {
        let body =
            #"{"model":"m","messages":[{"content":"hi"}],"max_tokens":2,"stream":true,"stream_options":{"include_usage":\#(includesUsage)}}"#
        let script = try play("/v1/chat/completions", body)
        let events = (0..<script.pieces).map { String(decoding: script.piece($0), as: UTF8.self) }
        #expect(events.allSatisfy { $0.hasPrefix("data: ") && $0.hasSuffix("\n\n") })
        #expect(events.last == "data: [DONE]\n\n")
        let documents = try events.dropLast().map { try #require(JSONValue($0.dropFirst(6).utf8)) }
        #expect(documents.count == (includesUsage ? 5 : 4))
        let deltas = documents.compactMap { $0["choices"]?.items?.first?["delta"] }
        #expect(deltas.first?["role"]?.text == "assistant")
        #expect(deltas.compactMap { $0["content"]?.text }.joined() == "Water runs")
        #expect(documents[3]["choices"]?.items?.first?["finish_reason"]?.text == "length")
        #expect(documents.allSatisfy { $0["object"]?.text == "chat.completion.chunk" })
        #expect(Set(documents.map { $0["id"] }).count == 1)
        if includesUsage {
            #expect(documents[4]["choices"] == .array([]))
            #expect(documents[4]["usage"]?["total_tokens"]?.integer == 7)
            #expect(documents[0]["usage"] == .null)
        } else {
            #expect(documents[0]["usage"] == nil)
        }
    }

    @Test(
        "Only the tokens after the first take their time in a stream, all of them in a whole answer",
        arguments: [
            ("/v1/chat/completions", #"{"model":"m","messages":[{}],"max_tokens":4,"stream":STREAM}"#),
            ("/v1/completions", #"{"model":"m","prompt":"x","max_tokens":4,"stream":STREAM}"#),
            ("/v1/messages", #"{"model":"m","messages":[{}],"max_tokens":4,"stream":STREAM}"#),
        ])
    func pace(target: String, body: String) throws {
        var settings = SimulatorSettings()
        settings.latency = .fixed(7)
        settings.tokensPerSecond = 10
        var streamed = try play(target, body.replacing("STREAM", with: "true"), settings: settings)
        #expect(streamed.firstByte == 7)
        #expect((1..<streamed.pieces).reduce(0) { $0 + streamed.pause(before: $1) } == 300_000_000)
        let whole = try play(target, body.replacing("STREAM", with: "false"), settings: settings)
        #expect(whole.firstByte == 400_000_007)
    }

    @Test("Jitter keeps pauses within its share and differs from token to token")
    func jitter() throws {
        var settings = SimulatorSettings()
        settings.tokensPerSecond = 1_000
        settings.jitter = 0.5
        settings.outputTokens = 100
        var script = try play("/v1/completions", #"{"model":"m","prompt":"x","stream":true}"#, settings: settings)
        let pauses = (1..<100).map { script.pause(before: $0) }
        #expect(pauses.allSatisfy { (500_000...1_500_000).contains($0) })
        #expect(Set(pauses).count > 50)
    }

    @Test("Plain completions and embeddings have their shape")
    func otherShapes() throws {
        let plain = try document(play("/v1/completions", #"{"model":"m","prompt":["1234","5678"],"max_tokens":1}"#))
        #expect(plain["object"]?.text == "text_completion")
        #expect(plain["choices"]?.items?.first?["text"]?.text == "Water")
        #expect(plain["usage"]?["prompt_tokens"]?.integer == 2)
        let vectors = try document(play("/v1/embeddings", #"{"model":"m","input":["a","b"],"dimensions":3}"#))
        #expect(vectors["data"]?.items?.map { $0["embedding"]?.items?.count } == [3, 3])
        #expect(vectors["usage"]?["total_tokens"]?.integer == 2)
    }

    @Test("Anthropic's stream goes from start to stop and tells its usage")
    func anthropic() throws {
        let script = try play(
            "/v1/messages", #"{"model":"m","messages":[{"content":"hi"}],"max_tokens":2,"stream":true}"#)
        let events = (0..<script.pieces).map { String(decoding: script.piece($0), as: UTF8.self) }
        let names = events.map { $0.split(separator: "\n")[0].dropFirst(7) }
        #expect(
            names == [
                "message_start", "content_block_start", "content_block_delta", "content_block_delta",
                "content_block_stop",
                "message_delta", "message_stop",
            ])
        #expect(events[5].contains(#""output_tokens":2"#) && events[5].contains(#""stop_reason":"max_tokens""#))
    }

    @Test("Google's stream is events or one array")
    func google() throws {
        let body = #"{"contents":[{"parts":[{"text":"12345"}]}],"generationConfig":{"maxOutputTokens":3}}"#
        let array = try document(play("/v1beta/models/g:streamGenerateContent", body))
        #expect(array.items?.count == 3)
        #expect(array.items?.last?["candidates"]?.items?.first?["finishReason"]?.text == "MAX_TOKENS")
        #expect(array.items?.last?["usageMetadata"]?["totalTokenCount"]?.integer == 5)
        let events = try text(play("/v1beta/models/g:streamGenerateContent?alt=sse", body))
        #expect(events.split(separator: "data: ").count == 3)
    }

    @Test(
        "What can't be answered is refused as the provider would",
        arguments: [
            ("/v1/chat/completions", "{", 400, nil), ("/v1/chat/completions", "[]", 400, nil),
            ("/v1/chat/completions", #"{"messages":[{}]}"#, 400, "missing_required_parameter"),
            ("/v1/chat/completions", #"{"model":"m"}"#, 400, "missing_required_parameter"),
            ("/v1/chat/completions", #"{"model":"m","messages":[{}],"max_tokens":0}"#, 400, "invalid_value"),
            ("/v1/embeddings", #"{"model":"m"}"#, 400, "missing_required_parameter"),
            ("/v1/completions", #"{"model":"m"}"#, 400, "missing_required_parameter"),
            ("/v1/nothing", "{}", 404, "unknown_url"), ("/v1/models", "", 405, "method_not_supported"),
        ] as [(String, String, Int, String?)])
    func flaws(target: String, body: String, status: Int, code: String?) throws {
        let script = try play(target, body)
        #expect(script.status == status)
        let error = try document(script)["error"]
        #expect(error?["code"] == code.map(JSONValue.string) ?? .null)
        #expect(error?["type"]?.text == "invalid_request_error")
        #expect(error?["message"]?.text?.isEmpty == false)
        if status == 405 { #expect(script.value("allow") == "GET, HEAD") }
    }

    @Test(
        "Each provider's clients get errors in their own shape",
        arguments: [
            ("/v1/messages", "invalid_request_error"), ("/v1beta/models/g:generateContent", "INVALID_ARGUMENT"),
        ])
    func dialects(target: String, kind: String) throws {
        let error = try document(play(target, "nonsense"))["error"]
        #expect(error?["type"]?.text ?? error?["status"]?.text == kind)
    }

    @Test("A refused request is told the limit, the wait and the standing")
    func refusal() throws {
        let rule = try LimitRule("requests=500/60s")
        let standing = Standing(quota: 500, remaining: 0, reset: 360_000_000_000)
        let refusal = Refusal(rule: rule, retryAt: 1_200_000_001, standings: Standings(requests: standing))
        let arrival = Arrival(verdict: .refused(refusal), fault: nil, heldUnder: nil, seed: 0)
        let script = try play("/v1/chat/completions", "", arrival: arrival)
        #expect(script.status == 429)
        #expect(script.value("retry-after") == "2")
        #expect(script.value("retry-after-ms") == "1201")
        #expect(script.value("x-ratelimit-limit-requests") == "500")
        #expect(script.value("x-ratelimit-remaining-requests") == "0")
        #expect(script.value("x-ratelimit-reset-requests") == "6m0s")
        let error = try document(script)["error"]
        #expect(error?["code"]?.text == "rate_limit_exceeded")
        #expect(
            error?["message"]?.text
                == "Rate limit reached for requests (requests=500/60s:sliding): limit 500. Please try again in 1.201s.")
    }

    @Test(
        "Injected errors tell the wait in the way that was asked for",
        arguments: [
            ("status=429;retry-after=2", 429, "retry-after", "2", "rate_limit_exceeded"),
            ("status=429;retry-after-ms=1500", 429, "retry-after-ms", "1500", "rate_limit_exceeded"),
            ("retry-after-date", 429, "retry-after", "Thu, 01 Jan 1970 00:16:42 GMT", "rate_limit_exceeded"),
            ("status=503", 503, "retry-after", nil, "server_is_overloaded"),
            ("quota-exhausted", 429, "retry-after", nil, "insufficient_quota"),
        ] as [(String, Int, String, String?, String)])
    func injected(fault: String, status: Int, header: String, value: String?, code: String) throws {
        let script = try play("/v1/chat/completions", "", fault: fault)
        #expect(script.status == status)
        #expect(script.value(header) == value)
        #expect(try document(script)["error"]?["code"]?.text == code)
    }

    @Test(
        "HTTP-dates",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] as [(Int64, String)])
    func dates(seconds: Int64, text: String) {
        #expect(WallClock.httpDate(seconds) == text)
    }

    @Test(
        "Timestamps",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (784_111_777, "1994-11-06T08:49:37Z"), (951_782_400, "2000-02-29T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] as [(Int64, String)])
    func timestamps(seconds: Int64, text: String) {
        #expect(WallClock.timestamp(seconds) == text)
    }

    private func document(_ script: Script) throws -> JSONValue {
        try #require(JSONValue(text(script).utf8))
    }
}

extension Script {
    func value(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}
