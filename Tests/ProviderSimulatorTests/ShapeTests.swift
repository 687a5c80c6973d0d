import NIOHTTP1
import Testing

@testable import ProviderSimulator

@Suite("Shapes of providers")
struct ShapeTests {
    @Test(
        "A path says whose it is, by its name or by what only that one has",
        arguments: [
            ("/v1/chat/completions", Dialect.openAI, Endpoint.chatCompletions),
            ("/openai/v1/responses", .openAI, .responses),
            ("/azure-openai/openai/deployments/d/chat/completions?api-version=1", .azureOpenAI, .chatCompletions),
            ("/azure-openai/openai/v1/embeddings", .azureOpenAI, .embeddings),
            ("/v1/messages", .anthropic, .messages), ("/v1/messages/count_tokens", .anthropic, .countTokens),
            ("/anthropic/v1/messages?beta=true", .anthropic, .messages),
            ("/v1/models/g:generateContent", .gemini, .generateContent(model: "g", nil)),
            ("/gemini/v1beta/models/g:batchEmbedContents", .gemini, .embedContent(model: "g", batch: true)),
            ("/v1beta/models/g:countTokens", .gemini, .countContentTokens(model: "g")),
            ("/model/a.b-v1%3A0/converse", .bedrock, .converse(model: "a.b-v1:0", streams: false)),
            ("/model/arn%3Aaws%2Fx/converse-stream", .bedrock, .converse(model: "arn:aws/x", streams: true)),
            ("/bedrock/model/m/invoke", .bedrock, .invoke(model: "m", streams: false)),
            ("/model/m/invoke-with-response-stream", .bedrock, .invoke(model: "m", streams: true)),
            ("/mistral/v1/chat/completions", .mistral, .chatCompletions),
            ("/v2/chat", .cohere, .cohereChat), ("/cohere/v2/embed", .cohere, .cohereEmbed),
            ("/groq/openai/v1/chat/completions", .groq, .chatCompletions),
            ("/compatible-mode/v1/chat/completions", .dashscope, .chatCompletions),
        ])
    func locations(target: String, dialect: Dialect, endpoint: Endpoint) {
        #expect(Dialect(target: target) == dialect)
        #expect(Route(method: "POST", target: target) == .endpoint(endpoint))
    }

    @Test(
        "A fine-tuned model of OpenAI's with colons in its name is none of Google's",
        arguments: ["ft:gpt-4o:org::id", "ft%3Agpt-4o%3Aorg%3A%3Aid"])
    func fineTuned(name: String) {
        #expect(Dialect(target: "/v1/models/\(name)") == .openAI)
        #expect(Route(method: "GET", target: "/v1/models/\(name)") == .endpoint(.model("ft:gpt-4o:org::id")))
    }

    @Test(
        "Percent-encoding is undone where it is valid",
        arguments: [
            ("a%3Ab", "a:b"), ("100%", "100%"), ("%zz%41", "%zzA"), ("%C3%A9", "é"), ("", ""),
        ])
    func percent(text: String, decoded: String) {
        #expect(PercentEncoding.decoded(text[...]) == decoded)
    }

    /// Status of each kind in the order of `ErrorKind.allCases`, and a word of the first that no other shape has so.
    @Test(
        "Each kind of error has its provider's status and words",
        arguments: [
            ("/v1/chat/completions", [429, 503, 429, 429, 400, 401], #""type":"requests","param":null,"#),
            ("/azure-openai/openai/v1/chat/completions", [429, 503, 429, 429, 400, 401], #"{"error":{"code":"429","#),
            ("/v1/messages", [429, 529, 400, 429, 400, 401], #"{"type":"error","error":{"type":"rate_limit_error","#),
            ("/v1beta/models/g:generateContent", [429, 503, 429, 429, 400, 400], "PerMinutePerProjectPerModel"),
            ("/model/m/converse", [429, 503, 403, 429, 400, 403], #"{"message":"Too many requests"#),
            ("/mistral/v1/chat/completions", [429, 429, 402, 429, 400, 401], #""code":"1300"}"#),
            ("/v2/chat", [429, 503, 402, 429, 400, 401], "Trial key, which is limited to 40"),
            ("/groq/openai/v1/chat/completions", [429, 498, 400, 429, 400, 401], #""code":"rate_limit_exceeded""#),
            ("/compatible-mode/v1/chat/completions", [429, 503, 400, 429, 400, 401], #""code":"limit_requests""#),
        ])
    func errors(target: String, statuses: [Int], words: String) throws {
        for (kind, status) in zip(ErrorKind.allCases, statuses) {
            let script = try play(target, "", fault: kind.rawValue)
            #expect(script.status == status, "\(kind)")
            #expect(JSONValue(bytes(script)) != nil, "\(kind)")
            if kind == .rate { #expect(text(script).contains(words), "\(text(script))") }
            #expect((script.value("x-amzn-errortype") != nil) == (Dialect(target: target) == .bedrock))
        }
    }

    @Test("Google names the day's quota as such, and Amazon says so")
    func days() throws {
        let google = try play("/v1beta/models/g:generateContent", "", fault: "day-quota-exhausted")
        #expect(text(google).contains("GenerateRequestsPerDayPerProjectPerModel"))
        #expect(text(try play("/model/m/converse", "", fault: "day-quota-exhausted")).contains("per day"))
    }

    @Test(
        "A limit of a day refuses with the day's words, one of a minute does not",
        arguments: [("requests=1/1d", true), ("tokens=9/1d", true), ("requests=1/60s", false), ("in_flight=1", false)])
    func daily(rule: String, isDaily: Bool) throws {
        let refusal = Refusal(rule: try LimitRule(rule), retryAt: 5_000_000_000)
        let arrival = Arrival(verdict: .refused(refusal), fault: nil, heldUnder: nil, seed: 0)
        let script = try play("/v1beta/models/g:generateContent", "", arrival: arrival)
        #expect(text(script).contains("PerDay") == isDaily)
        #expect(text(script).contains(#""retryDelay":"5s""#))
    }

    @Test(
        "A limit in tokens is a rate at DashScope, under the name that is money at OpenAI",
        arguments: [("/compatible-mode/v1/chat/completions", "insufficient_quota"), ("/v1/chat/completions", "tokens")])
    func tokenRate(target: String, type: String) throws {
        let refusal = Refusal(rule: try LimitRule("tokens=9/60s"), retryAt: 1)
        let arrival = Arrival(verdict: .refused(refusal), fault: nil, heldUnder: nil, seed: 0)
        let error = try #require(JSONValue(bytes(play(target, "", arrival: arrival))))["error"]
        #expect(error?["type"]?.text == type)
    }

    @Test(
        "Headers tell limits and the wait as the provider does",
        arguments: [
            (
                Dialect.openAI,
                [
                    "x-ratelimit-limit-requests: 500", "x-ratelimit-remaining-requests: 0",
                    "x-ratelimit-reset-requests: 6m0s", "retry-after: 2", "retry-after-ms: 1201",
                ]
            ),
            (
                .azureOpenAI,
                [
                    "x-ratelimit-limit-requests: 500", "x-ratelimit-remaining-requests: 0",
                    "x-ratelimit-reset-requests: 360", "retry-after: 2", "retry-after-ms: 1201",
                ]
            ),
            (
                .anthropic,
                [
                    "anthropic-ratelimit-requests-limit: 500", "anthropic-ratelimit-requests-remaining: 0",
                    "anthropic-ratelimit-requests-reset: 1970-01-01T00:22:40Z", "retry-after: 2",
                ]
            ),
            (.gemini, []), (.bedrock, []), (.dashscope, []),
            (.mistral, ["x-ratelimit-limit-req-minute: 500", "x-ratelimit-remaining-req-minute: 0"]),
            (
                .cohere,
                [
                    "x-trial-endpoint-call-limit: 500", "x-trial-endpoint-call-remaining: 0",
                    "x-ratelimit-reset: 1002",
                ]
            ),
            (
                .groq,
                [
                    "x-ratelimit-limit-requests: 500", "x-ratelimit-remaining-requests: 0",
                    "x-ratelimit-reset-requests: 6m0s", "retry-after: 2",
                ]
            ),
        ] as [(Dialect, [String])])
    func headers(dialect: Dialect, expected: [String]) {
        let standing = Standing(quota: 500, remaining: 0, reset: 360_000_000_000)
        let shape = dialect.shape
        let fields =
            shape.limitHeaders(Standings(requests: standing), 1_000) + shape.retryHeaders(1_200_000_001, 1_000)
        #expect(fields.map { "\($0.name): \($0.value)" } == expected)
    }

    @Test(
        "The key that limits go by is where the provider takes it",
        arguments: [
            ("authorization", "Bearer k", "Bearer k"), ("x-api-key", "k", "k"), ("x-goog-api-key", "k", "k"),
            ("api-key", "k", "k"), ("x-other", "k", ""),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/bedrock/aws4_request, Signature=f",
                "AWS4-HMAC-SHA256 Credential=AKID"
            ),
        ])
    func keys(name: String, value: String, key: String) {
        #expect(CallerKey.of(HTTPHeaders([(name, value)])) == key)
    }

    @Test("Who only counts tokens uses none up")
    func counting() throws {
        let request = Answerer.Request(
            method: "POST", target: "/v1/messages/count_tokens", fault: nil,
            body: Array(#"{"model":"m","messages":[{"content":"12345678"}]}"#.utf8))
        let answerer = Answerer(settings: SimulatorSettings())
        #expect(answerer.weight(of: answerer.ask(in: request)) == Weight(model: "m"))
        #expect(text(try play(request.target, String(decoding: request.body, as: UTF8.self))) == #"{"input_tokens":6}"#)
    }
}

func play(
    _ target: String, _ body: String, fault: String? = nil, arrival: Arrival? = nil,
    settings: SimulatorSettings = SimulatorSettings()
) throws -> Script {
    let arrival = arrival ?? Arrival(verdict: .accepted(Standings()), fault: nil, heldUnder: "", seed: 1)
    let request = Answerer.Request(method: "POST", target: target, fault: fault, body: Array(body.utf8))
    let act = Answerer(settings: settings).act(on: request, arrival: arrival, now: 0, date: 1_000)
    guard case .play(let script) = act else { throw SimulatorTextError("no answer") }
    return script
}

func bytes(_ script: Script) -> [UInt8] {
    (0..<script.pieces).flatMap { script.piece($0) }
}

func text(_ script: Script) -> String {
    String(decoding: bytes(script), as: UTF8.self)
}
