import Admission
import Testing

@testable import Providers

@Suite("An own answer")
struct OwnAnswerTests {
    private let rate = Refusal.limitReached(
        RefusedLimit(name: "account", bound: .rate(Limit.Rate(500, per: .seconds(60)))), wait: .milliseconds(11_250))
    private let inFlight = Refusal.limitReached(
        RefusedLimit(name: "account", bound: .inFlight(16), holders: [RefusedLimit.Holder("tenant", "acme")]), wait: nil
    )

    private func lines(_ answer: OwnAnswer) -> [String] {
        answer.headers.map { "\($0.name): \($0.value)" }
    }

    private func text(_ answer: OwnAnswer) -> String {
        String(decoding: answer.body, as: UTF8.self)
    }

    private let sentence =
        "Penstock refused this request: limit \"account\" (500 requests per minute) is reached; come back in 12 seconds"

    private var escaped: String { sentence.replacing("\"", with: "\\\"") }

    @Test("to a rate has the headers of the contract, in order")
    func rateHeaders() {
        let answer = rate.answer(for: .openai)
        #expect(answer.status == 429)
        #expect(
            lines(answer) == [
                "Content-Type: application/json",
                "Retry-After: 12",
                "retry-after-ms: 11250",
                "x-should-retry: true",
                #"Proxy-Status: penstock; error=http_request_denied; details="\#(escaped)""#,
                #"RateLimit-Policy: "account";q=500;w=60"#,
                #"RateLimit: "account";r=0;t=12"#,
            ])
    }

    @Test("to requests in flight names their unit")
    func inFlightHeaders() {
        let headers = lines(inFlight.answer(for: .generic))
        #expect(headers.contains(#"RateLimit-Policy: "account";q=16;qu="concurrent-requests""#))
        #expect(headers.contains(#"RateLimit: "account";r=0"#))
        #expect(headers.contains("x-should-retry: false"))
        #expect(!headers.contains { $0.hasPrefix("Retry-After") })
        #expect(headers.contains { $0.hasPrefix("Proxy-Status: penstock; error=connection_limit_reached;") })
    }

    @Test(
        "names the unit of every other bound",
        arguments: [
            (RefusedLimit.Bound.rate(Limit.Rate(9, per: .seconds(1), of: .tokens)), #""n";q=9;qu="tokens";w=1"#),
            (.rate(Limit.Rate(9, per: .hours(1), of: .inputTokens)), #""n";q=9;qu="input-tokens";w=3600"#),
            (.rate(Limit.Rate(9, per: .days(1), of: .outputTokens)), #""n";q=9;qu="output-tokens";w=86400"#),
            (.distinct(8, of: "job"), #""n";q=8;qu="concurrent-jobs""#),
            (.inFlight(.max), #""n";q=999999999999999;qu="concurrent-requests""#),
        ])
    func units(bound: RefusedLimit.Bound, policy: String) {
        let answer = Refusal.limitReached(RefusedLimit(name: "n", bound: bound), wait: nil).answer(for: .openai)
        #expect(lines(answer).contains("RateLimit-Policy: \(policy)"))
    }

    @Test("announces at most a minute and tells the true time beside it")
    func longWait() {
        var refusal = rate
        refusal.retryAfter = .milliseconds(3_600_001)
        let headers = lines(refusal.answer(for: .openai))
        #expect(headers.contains("Retry-After: 60"))
        #expect(headers.contains("retry-after-ms: 60000"))
        #expect(headers.contains("x-should-retry: false"))
        #expect(headers.contains(#"RateLimit: "account";r=0;t=3601"#))
        refusal.retryAfter = .forever
        #expect(lines(refusal.answer(for: .bedrock)).contains(#"RateLimit: "account";r=0;t=9223372037"#))
    }

    @Test("never announces a time in the past")
    func pastWait() {
        var refusal = rate
        refusal.retryAfter = .seconds(-5)
        let headers = lines(refusal.answer(for: .openai))
        #expect(headers.contains("Retry-After: 0"))
        #expect(headers.contains("retry-after-ms: 0"))
        #expect(headers.contains(#"RateLimit: "account";r=0;t=0"#))
    }

    @Test("to what never fits says nothing of what is left")
    func neverFits() {
        let limit = RefusedLimit(name: "tpm", bound: .rate(Limit.Rate(10, per: .seconds(60), of: .tokens)))
        let headers = lines(Refusal.neverFits(tokens: 12, limit: limit).answer(for: .openai))
        #expect(headers.contains(#"RateLimit-Policy: "tpm";q=10;qu="tokens";w=60"#))
        #expect(!headers.contains { $0.hasPrefix("RateLimit:") })
    }

    @Test(
        "keeps header values whole whatever stands in a name",
        arguments: ["a\r\nX-Evil: 1", "é😀", "a\"b\\c", "\u{0}\u{7F}"])
    func injection(name: String) {
        let limit = RefusedLimit(name: name, bound: .inFlight(1), holders: [RefusedLimit.Holder("tenant", name)])
        for provider in Provider.allCases {
            let answer = Refusal.limitReached(limit, wait: .seconds(1)).answer(for: provider)
            for header in answer.headers {
                #expect(header.value.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "\(provider) \(header)")
            }
            var peek = JSONPeek(["error.message", "message", "error", "detail"])
            peek.read(answer.body.span)
            #expect(peek.isEnded && peek.values.joined().contains { $0.text.contains("\"\(name)\"") }, "\(provider)")
        }
    }

    @Test(
        "has the error shape of the provider",
        arguments: [
            (
                Provider.openai,
                #"{"error":{"message":"M","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#
            ),
            (.groq, #"{"error":{"message":"M","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#),
            (.azureOpenAI, #"{"error":{"code":"429","message":"M"}}"#),
            (
                .anthropic,
                #"{"type":"error","error":{"type":"rate_limit_error","message":"M"},"request_id":"r-1"}"#
            ),
            (
                .gemini,
                #"{"error":{"code":429,"message":"M","status":"RESOURCE_EXHAUSTED","details":["#
                    + #"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"11.250s"}]}}"#
            ),
            (.bedrock, #"{"message":"M"}"#),
            (
                .mistral,
                #"{"object":"error","message":"M","type":"requests","param":null,"code":"rate_limit_exceeded"}"#
            ),
            (.cohere, #"{"message":"M"}"#),
            (.ollama, #"{"error":"M"}"#),
            (
                .generic,
                #"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","#
                    + #""title":"Request cannot be satisfied as assigned quota has been exceeded","status":429,"#
                    + #""detail":"M","violated-policies":["account"]}"#
            ),
        ])
    func bodies(provider: Provider, body: String) {
        #expect(text(rate.answer(for: provider, requestID: "r-1")) == body.replacing("M", with: escaped))
    }

    @Test("to Bedrock's clients carries the fields that they read")
    func bedrockHeaders() {
        let headers = lines(rate.answer(for: .bedrock))
        #expect(headers.contains("x-amzn-errortype: ThrottlingException"))
        #expect(headers.contains("x-amz-retry-after: 11250"))
    }

    @Test("is problem details for a generic API and JSON for all others", arguments: Provider.allCases)
    func contentType(provider: Provider) {
        let type = provider == .generic ? "application/problem+json" : "application/json"
        #expect(lines(rate.answer(for: provider)).first == "Content-Type: \(type)")
    }

    @Test(
        "without a limit has the word of each shape for its status",
        arguments: [
            (
                Provider.openai, Refusal.draining,
                #""type":"server_error","param":null,"code":"proxy_internal_response""#
            ),
            (.openai, .noRoute("/x"), #""type":"invalid_request_error","param":null,"code":"http_request_denied""#),
            (.anthropic, .draining, #""type":"overloaded_error""#),
            (.anthropic, .noRoute("/x"), #""type":"not_found_error""#),
            (.anthropic, .destinationDenied("x"), #""type":"permission_error""#),
            (.anthropic, .badRequest("x"), #""type":"invalid_request_error""#),
            (.anthropic, .bodyTooLarge(limit: 1), #""type":"request_too_large""#),
            (.anthropic, .firstByteTimeout(after: .seconds(1), upstream: "x"), #""type":"timeout_error""#),
            (.anthropic, .connectFailed(.dns, upstream: "x"), #""type":"api_error""#),
            (.gemini, .draining, #""status":"UNAVAILABLE","details":[{"@type":"#),
            (.gemini, .draining, #""retryDelay":"1s""#),
            (.gemini, .firstByteTimeout(after: .seconds(1), upstream: "x"), #""status":"DEADLINE_EXCEEDED"}"#),
            (.vertex, .loop, #""status":"INTERNAL""#),
            (.generic, .draining, #"#temporary-reduced-capacity""#),
            (.generic, .noRoute("/x"), #"{"type":"about:blank","title":"Not Found","status":404"#),
            (.generic, .loop, #""title":"Loop Detected","status":508"#),
        ])
    func otherStatuses(provider: Provider, refusal: Refusal, part: String) {
        #expect(text(refusal.answer(for: provider)).contains(part))
    }

    @Test("to a client that must come back later says so in every shape", arguments: Provider.allCases)
    func draining(provider: Provider) {
        let answer = Refusal.draining.answer(for: provider)
        // boto3 would repeat a 503 at once.
        #expect(answer.status == (provider == .bedrock ? 429 : 503))
        #expect(lines(answer).contains("Retry-After: 1"))
        #expect(lines(answer).contains("x-should-retry: true"))
        #expect(!lines(answer).contains { $0.hasPrefix("RateLimit") })
    }
}
