import Foundation
import Testing

@testable import Proxy

/// What has bitten users of these providers and their SDKs.
@Suite("Traps of providers", .timeLimit(.minutes(2)))
struct ProviderTrapTests {
    private static let json = "Content-Type: application/json"

    @Test("google-genai fails on comments in a stream: none is ever put in, however long the silence")
    func noComments() async throws {
        try await Proxied.withUpstream("provider: gemini", limits: "[{tokens: 100000/min}]") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request(
                "POST", "/v1beta/models/m:streamGenerateContent?alt=sse", Self.json, body: #"{"contents":[]}"#)
            let wire = try await upstream.accept()
            _ = try await wire.message()
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            let events = (0..<3).map { number in
                #"data: {"candidates":[{"content":{"parts":[{"text":"\#(number)"}]}}]}"# + "\r\n\r\n"
            }
            try await wire.send(head)
            for event in events {
                try await wire.send("\(String(event.utf8.count, radix: 16))\r\n\(event)\r\n")
                _ = try await caller.hasReceived(atLeast: 1)
            }
            try await wire.send("0\r\n\r\n")
            #expect(try await caller.message().text == events.joined())
        }
    }

    @Test("boto3 repeats a 503 at once and ignores Retry-After: it gets 429 and its own hint")
    func boto() async throws {
        try await Proxied.withUpstream(
            "provider: bedrock\nretry: {attempts: 1}\nbreaker: {failures: 1, open_for: 30s}\nqueue: {timeout: 1s}"
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/model/m/converse", Self.json, body: "{}")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(503)
            #expect(try await caller.message().status == 503)
            try await caller.request("POST", "/model/m/converse", Self.json, body: "{}")
            let refusal = try await caller.message()
            #expect(refusal.status == 429 && refusal["x-amzn-errortype"] == "ThrottlingException")
            let wait = try #require(refusal["x-amz-retry-after"].flatMap { Int($0) })
            #expect((20_000...30_000).contains(wait), "\(wait)")
        }
    }

    @Test(
        "Several SDKs ignore a Retry-After above 60 s and come back at once: they are told not to",
        arguments: [59, 61])
    func longRetryAfter(seconds: Int) async throws {
        try await Proxied.withUpstream(
            "provider: openai\nretry: {attempts: 1}\nqueue: {timeout: 1s}"
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "{}")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(429, "Retry-After: \(seconds)")
            #expect(try await caller.message()["x-should-retry"] == "false")
            try await caller.request("POST", "/v1", body: "{}")
            let refusal = try await caller.message()
            #expect(refusal.status == 429 && refusal["x-should-retry"] == "\(seconds <= 60)")
            #expect(refusal["retry-after"].flatMap { Int($0) } ?? 99 <= 60)
        }
    }

    @Test(
        "insufficient_quota is a rate at DashScope and money at OpenAI",
        arguments: [("dashscope", 200), ("openai", 429)])
    func insufficientQuota(provider: String, status: Int) async throws {
        try await Proxied.withUpstream("provider: \(provider)") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "{}")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer(
                429, "\(Self.json)\r\nretry-after-ms: 5", body: #"{"error":{"code":"insufficient_quota"}}"#)
            if status == 200 {
                _ = try await wire.message()
                try await wire.answer()
            }
            #expect(try await caller.message().status == status)
        }
    }

    @Test("A compressed error is read, so that spent money is not asked for again")
    func compressedError() async throws {
        try await Proxied.withUpstream("provider: openai") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "{}")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            let body = Array(try #require(Data(base64Encoded: Self.moneyInGzip)))
            let head = "HTTP/1.1 429 X\r\nContent-Encoding: gzip\r\nContent-Length: \(body.count)\r\n\r\n"
            try await wire.send(Array(head.utf8) + body)
            let answer = try await caller.message()
            #expect(answer.status == 429 && answer["x-should-retry"] == "false")
            #expect(answer["content-encoding"] == "gzip" && answer["content-length"] == "\(body.count)")
            #expect(proxy.metric("penstock_throttled_total") == 0)
        }
    }

    @Test("A compressed answer keeps its reservation: nothing is taken for its usage that is none")
    func compressedAnswer() async throws {
        try await Proxied.withUpstream("provider: openai", limits: "[{tokens: 10000/min}]") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request(
                "POST", "/v1/chat/completions", "\(Self.json)\r\nAccept-Encoding: gzip",
                body: #"{"model":"m","stream":true,"max_tokens":500}"#)
            let wire = try await upstream.accept()
            #expect(try await wire.message()["accept-encoding"] == "identity")
            try await wire.answer(200, "Content-Type: text/event-stream\r\nContent-Encoding: gzip", body: "\u{1F}zip")
            #expect(try await caller.message().status == 200)
            let limits = try #require(proxy.status()["limits"] as? [[String: Any]])
            let cell = try #require((limits[0]["in_use"] as? [[String: Any]])?.first)
            #expect((cell["tokens/60s"] as? [String: Any])?["used"] as? Int ?? 0 >= 500)
        }
    }

    @Test("A multipart upload of megabytes goes through as it comes, and is not kept")
    func upload() async throws {
        try await Proxied.withUpstream("provider: openai", limits: "[{tokens: 100000/min, in_flight: 9}]") {
            proxy, upstream in
            let caller = try await proxy.connect()
            let size = 12 << 20
            try await caller.send(
                "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: p\r\nContent-Type: multipart/form-data; boundary=x\r\n"
                    + "Content-Length: \(size)\r\n\r\n")
            let wire = try await upstream.accept()
            let half = [UInt8](repeating: 0x61, count: size / 2)
            let first = caller.offer(half)
            // The provider has the first half before the second is there.
            try await wire.hasReceived(atLeast: size / 2)
            try await first.get()
            let all = try JSONSerialization.jsonObject(with: Data(proxy.server.statusJSON())) as? [String: Any]
            let memory = (all?["guard"] as? [String: Any])?["memory"] as? [String: Any]
            #expect(memory?["buffered"] as? Int ?? .max <= 1 << 20)
            let second = caller.offer(half)
            #expect(try await wire.message().text.utf8.count == size)
            try await second.get()
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("Gemini's key in the query tells its callers apart, and is shown nowhere")
    func queryKey() async throws {
        try await Proxied.withUpstream("provider: gemini", limits: "[{per: credential, in_flight: 1}]") {
            proxy, upstream in
            var callers: [Wire] = []
            for key in ["one", "one", "two"] {
                let caller = try await proxy.connect()
                try await caller.request("POST", "/v1beta/models/m:generateContent?key=\(key)", Self.json, body: "{}")
                callers.append(caller)
            }
            let wires = [try await upstream.accept(), try await upstream.accept()]
            try await proxy.reaches(inFlight: 2, queued: 1)
            let first = try await wires[0].message()
            _ = try await wires[1].message()
            // The slot that becomes free is that of the one who waits.
            let (one, two) = first.startLine.contains("?key=one") ? (wires[0], wires[1]) : (wires[1], wires[0])
            try await one.answer()
            #expect(try await one.message().startLine.contains("?key=one"))
            try await one.answer()
            try await two.answer()
            for caller in callers { #expect(try await caller.message().status == 200) }
            let status = String(decoding: proxy.server.statusJSON(), as: UTF8.self)
            #expect(!status.contains("=one") && !status.contains(#""two""#))
            #expect(try proxy.logLines().allSatisfy { !$0.contains("key=one") && !$0.contains("key=two") })
        }
    }

    private static let moneyInGzip =
        "H4sIAAAAAAACAyXKwQ2AIAwF0FWanp2ATTwZUj6GgzQWmmgIu6vx/N5gmKlxGHygtbiDA6/qhEuAhES3upG4GWqn07VHXlg0fbHU5jkXKa"
        + "9tv835AEg3XsFTAAAA"
}
