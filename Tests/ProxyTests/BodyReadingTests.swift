import Testing

@testable import Proxy

@Suite("What is read of bodies", .timeLimit(.minutes(2)))
struct BodyReadingTests {
    private static let json = "Content-Type: application/json"

    private static func question(_ model: String, _ more: String = "") -> String {
        #"{"model":"\#(model)","messages":[{"role":"user","content":"Say something."}]\#(more)}"#
    }

    private static func chunk(_ members: String) -> String { "data: {\(members)}\n\n" }

    @Test("The model that a limit is about is found in the body, however the body comes")
    func model() async throws {
        try await Proxied.withUpstream(limits: "[{per: model, in_flight: 1}]") { proxy, upstream in
            let (first, second) = (try await proxy.connect(), try await proxy.connect())
            try await first.request("POST", "/v1", Self.json, body: Self.question("m"))
            let wire = try await upstream.accept()
            #expect(try await wire.message().text == Self.question("m"))
            let body = Self.question("m")
            try await second.send(
                "POST /v1 HTTP/1.1\r\nHost: p\r\n\(Self.json)\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
            for byte in body.utf8 { try await second.send([byte]) }
            try await proxy.reaches(inFlight: 1, queued: 1)
            let other = try await proxy.connect()
            try await other.request("POST", "/v1", Self.json, body: Self.question("n"))
            let aside = try await upstream.accept()
            #expect(try await aside.message().text == Self.question("n"))
            try await wire.answer()
            #expect(try await first.message().status == 200)
            #expect(try await wire.message().text == body)
            try await wire.answer()
            try await aside.answer()
        }
    }

    @Test("A caller that asks for leave to send its body gets it before the gate is asked")
    func expects() async throws {
        try await Proxied.withUpstream(limits: "[{per: model, in_flight: 1}]") { proxy, upstream in
            let caller = try await proxy.connect()
            let body = Self.question("m")
            try await caller.send(
                "POST /v1 HTTP/1.1\r\nHost: p\r\nExpect: 100-continue\r\n\(Self.json)\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n")
            #expect(try await caller.text(through: "\r\n\r\n").hasPrefix("HTTP/1.1 100"))
            try await caller.send(body)
            let wire = try await upstream.accept()
            #expect(try await wire.message().text == body)
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("A caller that leaves while its body is read leaves nothing behind")
    func leaves() async throws {
        try await Proxied.withUpstream(limits: "[{tokens: 1000/min}]") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.send(
                "POST /v1 HTTP/1.1\r\nHost: p\r\n\(Self.json)\r\nContent-Length: 1000\r\n\r\n{\"model\":")
            await caller.close()
            let next = try await proxy.connect()
            try await next.request("POST", "/v1", Self.json, body: Self.question("m"))
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer()
            #expect(try await next.message().status == 200)
        }
    }

    @Test("A stream is asked for its usage, and what the caller did not ask for does not reach it")
    func usage() async throws {
        try await Proxied.withUpstream("provider: openai", limits: "[{tokens: 1000/min}]") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request(
                "POST", "/v1/chat/completions", Self.json, body: Self.question("m", #","stream":true"#))
            let wire = try await upstream.accept()
            let request = try await wire.message()
            #expect(request.text.contains(#""stream_options":{"include_usage":true}"#))
            #expect(request["content-length"] == "\(request.text.utf8.count)")
            #expect(request["accept-encoding"] == "identity")
            let word = Self.chunk(#""choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":null"#)
            let extra = Self.chunk(
                #""choices":[],"usage":{"prompt_tokens":70,"completion_tokens":30,"total_tokens":100}"#)
            try await wire.answer(200, "Content-Type: text/event-stream", body: word + extra + "data: [DONE]\n\n")
            let answer = try await caller.message()
            #expect(answer.text == word + extra + "data: [DONE]\n\n", "a length that was announced is kept to")
            try await caller.request(
                "POST", "/v1/chat/completions", Self.json, body: Self.question("m", #","stream":true"#))
            _ = try await wire.message()
            try await wire.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for part in [word, extra, "data: [DONE]\n\n"] {
                try await wire.send("\(String(part.utf8.count, radix: 16))\r\n\(part)\r\n")
            }
            try await wire.send("0\r\n\r\n")
            #expect(try await caller.message().text == word + "data: [DONE]\n\n")
            #expect(proxy.metric("penstock_tokens_total", #"kind="input""#) == 140)
            #expect(proxy.metric("penstock_tokens_total", #"kind="output""#) == 60)
        }
    }

    @Test(
        "What does not need to be asked goes as it is",
        arguments: [
            (#","stream":true,"stream_options":{"include_usage":true}"#, "/v1/chat/completions"),
            ("", "/v1/chat/completions"), (#","stream":true"#, "/v1/responses"),
        ])
    func untouched(more: String, target: String) async throws {
        try await Proxied.withUpstream("provider: openai", limits: "[{tokens: 1000/min}]") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", target, Self.json, body: Self.question("m", more))
            let wire = try await upstream.accept()
            #expect(try await wire.message().text == Self.question("m", more))
            try await wire.answer()
            _ = try await caller.message()
        }
    }

    @Test("Of a body that is larger than what is read before, the rest streams after the beginning")
    func large() async throws {
        try await Proxied.withUpstream(limits: "[{tokens: 100000000/min}]") { proxy, upstream in
            let caller = try await proxy.connect()
            let body = Self.question("m", #","padding":"\#(String(repeating: "word ", count: 600_000))""#)
            let sent = caller.offer(
                Array(
                    ("POST /v1 HTTP/1.1\r\nHost: p\r\n\(Self.json)\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
                        .utf8))
            let wire = try await upstream.accept()
            let request = try await wire.message()
            #expect(request.text.utf8.count == body.utf8.count && request.text == body)
            try await sent.get()
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("What can never fit gets 413 and names the limit, and the connection goes on")
    func neverFits() async throws {
        try await Proxied.withUpstream(limits: "[{name: tpm, tokens: 10/min}]") { proxy, upstream in
            let caller = try await proxy.connect()
            let long = Self.question("m", #","padding":"\#(String(repeating: "word ", count: 100))""#)
            try await caller.request("POST", "/v1", Self.json, body: long)
            let answer = try await caller.message()
            #expect(answer.status == 413 && answer.text.contains("tpm") && answer["x-should-retry"] == "false")
            try await caller.request("GET", "/v1/models")
            let wire = try await upstream.accept()
            #expect(try await wire.message().startLine == "GET /v1/models HTTP/1.1")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }
}
