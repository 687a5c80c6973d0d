/// The bytes of requests and answers, made once. Fields and sizes are those of usual calls of OpenAI's Python library.
enum Messages {
    static let path = "/v1/chat/completions"
    static let credential = "Bearer sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"
    static let agent = "OpenAI/Python 1.99.0"

    /// The body of a request, 1 KiB.
    static let question = body(
        #"{"model":"gpt-4o-mini","temperature":0.2,"max_tokens":256,"messages":[{"role":"user","content":""#,
        #""}],"seed":7}"#, length: 1024)
    static let streamQuestion = body(
        #"{"model":"gpt-4o-mini","temperature":0.2,"stream":true,"messages":[{"role":"user","content":""#,
        #""}],"seed":7}"#, length: 1024)

    /// The body of an answer, 600 B.
    static let completion = body(
        #"{"id":"chatcmpl-0123456789","object":"chat.completion","created":1790000000,"model":"gpt-4o-mini","#
            + #""choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":""#,
        #""}}],"usage":{"prompt_tokens":210,"completion_tokens":60,"total_tokens":270},"system_fingerprint":"fp_7"}"#,
        length: 600)

    static let request = request(question, accept: "application/json")
    static let streamRequest = request(streamQuestion, accept: "text/event-stream")

    /// Fields of an answer beside those that say what its body is.
    static let answerFields = [
        ("openai-organization", "penstock"), ("openai-processing-ms", "212"), ("openai-version", "2020-10-01"),
        ("x-ratelimit-limit-requests", "100000000"), ("x-ratelimit-remaining-requests", "99999999"),
        ("x-request-id", "req_0123456789abcdef0123456789abcdef"),
    ]

    static let answer = Array(
        (answerHead + "Content-Type: application/json\r\nContent-Length: \(completion.utf8.count)\r\n\r\n" + completion)
            .utf8)
    static let streamHead = Array(
        (answerHead + "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").utf8)

    /// One server-sent event of 230 B as one chunk; its last digits say which end sent it.
    static func event(from place: Int) -> [UInt8] {
        let number = String(1000 + place).dropFirst()
        let event = body(
            #"data: {"id":"chatcmpl-0123456789","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":""#,
            "\"}}],\"place\":\(number)}\n\n", length: 230)
        return Array("\(String(event.utf8.count, radix: 16))\r\n\(event)\r\n".utf8)
    }

    private static let answerHead =
        "HTTP/1.1 200 OK\r\n" + answerFields.map { "\($0): \($1)\r\n" }.joined()

    private static func request(_ body: String, accept: String) -> [UInt8] {
        Array(
            """
            POST \(path) HTTP/1.1\r
            Host: 127.0.0.1:8080\r
            Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            Authorization: \(credential)\r
            User-Agent: \(agent)\r
            Accept: \(accept)\r
            \r
            \(body)
            """.utf8)
    }

    /// Text of this length between a beginning and an end.
    private static func body(_ beginning: String, _ end: String, length: Int) -> String {
        let words = String(repeating: "the gate opens when the water is high and ", count: 1 + length / 42)
        return beginning + words.prefix(length - beginning.utf8.count - end.utf8.count) + end
    }
}
