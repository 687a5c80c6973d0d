import Testing

@testable import Proxy

@Suite("A caller that leaves behind the end of its stream", .timeLimit(.minutes(2)))
struct StreamEndTests {
    private static let word = #"data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}"# + "\n\n"
    private static let stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

    /// Provider, and the last event of its streams.
    static let ends = [
        ("openai", word + "data: [DONE]\n\n"), ("anthropic", word + stop),
        ("cohere", word + "data: {\"type\":\"message-end\",\"delta\":{}}\n\n"),
        ("generic", word + "data: [DONE]\n\n"), ("generic", word + stop),
    ]

    private static func chunk(_ text: String) -> String {
        "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
    }

    private static let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static func begin(_ proxy: Proxied, _ upstream: Wire.Server, _ text: String) async throws -> (Wire, Wire) {
        let caller = try await proxy.connect()
        try await caller.request("POST", "/v1", body: "{}")
        let wire = try await upstream.accept()
        _ = try await wire.message()
        try await wire.send(head + chunk(text))
        _ = try await caller.text(through: text)
        return (caller, wire)
    }

    @Test("has succeeded, and the connection to the upstream serves others", arguments: ends)
    func success(provider: String, stream: String) async throws {
        try await Proxied.withUpstream("provider: \(provider)\nconnections: {max: 1}") { proxy, upstream in
            let (caller, wire) = try await Self.begin(proxy, upstream, stream)
            await caller.close()
            try await eventually("a report") {
                proxy.metric("penstock_requests_total", #"outcome="ok""#, #"status="2xx""#) == 1
            }
            // The slot is the upstream's until it has ended.
            #expect(try proxy.inFlight() == 1)
            try await wire.send("0\r\n\r\n")
            try await proxy.reaches(inFlight: 0, queued: 0)
            let next = try await proxy.connect()
            try await next.request()
            _ = try await wire.message()
            try await wire.answer()
            #expect(try await next.message().status == 200)
            #expect(proxy.metric("penstock_requests_total", #"outcome="cancelled""#) == 0)
        }
    }

    @Test("has succeeded over HTTP/2 too, and its stream is not reset", arguments: ["openai", "generic"])
    func multiplexed(provider: String) async throws {
        try await FrameServer.run(maxStreams: 10) { upstream in
            try await Proxied.run(
                """
                upstreams:
                  up:
                    url: http://127.0.0.1:\(upstream.port)
                    provider: \(provider)
                    connections: {protocol: h2c}
                    limits: [{in_flight: 10}]
                """
            ) { proxy in
                let caller = try await proxy.connect()
                try await caller.request("POST", "/v1", body: "{}")
                let wire = try await upstream.accept()
                let stream = try await wire.request().stream
                try await wire.send(
                    stream,
                    .headers(.init(headers: [":status": "200", "content-type": "text/event-stream"])))
                try await wire.data(stream, Self.word + "data: [DONE]\n\n")
                _ = try await caller.text(through: "[DONE]\n\n")
                await caller.close()
                try await eventually("a report") { proxy.metric("penstock_requests_total", #"outcome="ok""#) == 1 }
                try await wire.data(stream, "", isEnd: true)
                try await proxy.reaches(inFlight: 0, queued: 0)
                let next = try await proxy.connect()
                try await next.request()
                // Had the stream been reset, that would be seen before this.
                try await wire.answer(wire.request().stream)
                #expect(try await next.message().status == 200)
            }
        }
    }

    @Test("is waited for no longer where its upstream goes on and on")
    func endless() async throws {
        try await Proxied.withUpstream("provider: openai") { proxy, upstream in
            let (caller, wire) = try await Self.begin(proxy, upstream, Self.word + "data: [DONE]\n\n")
            await caller.close()
            try await eventually("a report") { proxy.metric("penstock_requests_total", #"outcome="ok""#) == 1 }
            _ = wire.offer(Array(Self.chunk(String(repeating: ":\n", count: 64 << 10)).utf8))
            #expect(try await wire.untilClosed().wasReset)
            try await proxy.reaches(inFlight: 0, queued: 0)
        }
    }

    @Test("is waited for no longer where its upstream says nothing more")
    func silent() async throws {
        try await Proxied.withUpstream("provider: openai") { proxy, upstream in
            let (caller, wire) = try await Self.begin(proxy, upstream, Self.word + "data: [DONE]\n\n")
            await caller.close()
            #expect(try await wire.untilClosed().wasReset)
            try await proxy.reaches(inFlight: 0, queued: 0)
        }
    }

    @Test("Whoever leaves before it has cancelled", arguments: ["openai", "anthropic", "generic"])
    func cancelled(provider: String) async throws {
        try await Proxied.withUpstream("provider: \(provider)") { proxy, upstream in
            let (caller, wire) = try await Self.begin(proxy, upstream, Self.word)
            await caller.close()
            #expect(try await wire.untilClosed().wasReset)
            try await eventually("a report") {
                proxy.metric("penstock_requests_total", #"outcome="cancelled""#) == 1
            }
        }
    }
}
