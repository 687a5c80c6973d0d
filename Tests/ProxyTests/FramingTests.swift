import NIOCore
import Testing

@testable import Proxy

@Suite("Requests that are no good HTTP", .timeLimit(.minutes(2)))
struct FramingTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        var name: String
        var request: String
        var statuses: Set<Int> = [400]
        var testDescription: String { name }
    }

    private static func post(_ fields: String, _ body: String = "") -> String {
        "POST /v1 HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\r\n\(body)"
    }

    static let table: [Bad] = [
        Bad(name: "a length and chunks", request: post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        Bad(name: "chunks and a length", request: post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n")),
        Bad(name: "two lengths", request: post("Content-Length: 1\r\nContent-Length: 2", "ab")),
        Bad(name: "a list of lengths", request: post("Content-Length: 1, 1", "a")),
        Bad(name: "a signed length", request: post("Content-Length: +1", "a")),
        Bad(name: "a negative length", request: post("Content-Length: -1", "a")),
        Bad(name: "an enormous length", request: post("Content-Length: 99999999999999999999", "a")),
        Bad(name: "another coding", request: post("Transfer-Encoding: gzip", "")),
        Bad(name: "two codings", request: post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")),
        Bad(name: "chunked twice", request: post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n")),
        Bad(name: "identity", request: post("Transfer-Encoding: identity", "")),
        Bad(name: "a coding in HTTP/1.0", request: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Bad(name: "a tab before chunked", request: post("Transfer-Encoding: xchunked", "0\r\n\r\n")),
        Bad(name: "two hosts", request: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        Bad(name: "no host", request: "GET / HTTP/1.1\r\n\r\n"),
        Bad(name: "a folded line", request: "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"),
        Bad(name: "bare line feeds", request: "GET / HTTP/1.1\nHost: a\n\n"),
        Bad(name: "a space before the colon", request: "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n"),
        Bad(name: "a space in a name", request: "GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n"),
        Bad(name: "an empty name", request: "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
        Bad(name: "a zero byte", request: "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n"),
        Bad(name: "a chunk size that is no number", request: post("Transfer-Encoding: chunked", "zz\r\n")),
        Bad(name: "a negative chunk size", request: post("Transfer-Encoding: chunked", "-1\r\n")),
        Bad(name: "an enormous chunk size", request: post("Transfer-Encoding: chunked", "fffffffffffffffff\r\n")),
        Bad(name: "a chunk longer than it says", request: post("Transfer-Encoding: chunked", "1\r\nab\r\n0\r\n\r\n")),
        Bad(name: "garbage", request: "\u{16}\u{3}\u{1}hello\r\n\r\n"),
        Bad(name: "HTTP/3.0", request: "GET / HTTP/3.0\r\nHost: a\r\n\r\n"),
        Bad(name: "HTTP/0.9", request: "GET /\r\n\r\n"),
        Bad(name: "a method nobody knows", request: "F@O / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Bad(name: "TRACE", request: "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Bad(name: "a target without a slash", request: "GET v1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Bad(
            name: "a long field",
            request: "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 70_000))\r\n\r\n",
            statuses: [431]),
        Bad(
            name: "long fields",
            request: "GET / HTTP/1.1\r\nHost: a\r\n"
                + String(repeating: "X: \(String(repeating: "x", count: 1000))\r\n", count: 70) + "\r\n",
            statuses: [431]),
        Bad(
            name: "many fields",
            request: "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 200) + "\r\n",
            statuses: [400, 431]),
        Bad(
            name: "a long target",
            request: "GET /\(String(repeating: "x", count: 70_000)) HTTP/1.1\r\nHost: a\r\n\r\n",
            statuses: [400, 414, 431]),
    ]

    @Test("gets an answer it can read, is closed, counted and logged, and never reaches the upstream", arguments: table)
    func refused(bad: Bad) async throws {
        try await Proxied.withUpstream("retry: {attempts: 1}") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.send(bad.request)
            let answer = try await caller.message()
            #expect(bad.statuses.contains(answer.status))
            #expect(answer["connection"] == "close")
            #expect(answer["proxy-status"]?.contains("error=http_request_error") == true)
            #expect(answer["via"] == "1.1 penstock")
            let rest = try await caller.untilClosed()
            #expect(rest.text == "")
            #expect(!rest.wasReset)
            try await eventually("the line of the log") { try proxy.logLines().count == 1 }
            #expect(try proxy.logLines()[0].contains(#""status":\#(answer.status)"#))
            #expect(proxy.metric("penstock_requests_total", #"status="4xx""#) == 1)
            // A body may break its framing after its head was sent on; then the upstream must not take it for whole.
            if upstream.count > 0 {
                let sent = try await upstream.accept().inbox.read { String(decoding: $0.bytes, as: UTF8.self) }
                #expect(!sent.contains("\r\n0\r\n\r\n"))
            }
        }
    }

    @Test("A field that Connection names is dropped, but never the length of the body")
    func nominatedLength() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            let smuggled = "GET /admin HTTP/1.1\r\nHost: x\r\n\r\n"
            try await caller.request(
                "POST", "/v1", "Connection: content-length, x-mine, host\r\nX-Mine: 1", body: smuggled)
            let wire = try await upstream.accept()
            let request = try await wire.message()
            #expect(request.text == smuggled)
            #expect(request["x-mine"] == nil)
            #expect(request["host"] == "127.0.0.1:\(upstream.port)")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("A nominated Host stays the upstream's", arguments: ["host", "Host, close", "host, content-length, te"])
    func nominatedHost(names: String) async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.send("GET /v1 HTTP/1.1\r\nHost: h\r\nConnection: \(names)\r\n\r\n")
            let wire = try await upstream.accept()
            let request = try await wire.message()
            #expect(request.fields == [Message.Field(name: "Host", value: "127.0.0.1:\(upstream.port)")])
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("Garbage behind a good request does not spoil its answer")
    func garbageBehind() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.send("GET /v1 HTTP/1.1\r\nHost: a\r\n\r\n\u{1}\u{2}garbage\r\n\r\n")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer()
            let answer = try await caller.message()
            #expect(answer.text == "ok")
            _ = try await caller.untilClosed()
        }
    }

    @Test("A caller that leaves in the middle of a body counts as cancelled, once")
    func leftInBody() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.send("POST /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            let wire = try await upstream.accept()
            _ = try await wire.text(through: "abc")
            await caller.close()
            _ = try await wire.untilClosed()
            try await eventually("the line of the log") { try proxy.logLines().count == 1 }
            #expect(try proxy.logLines()[0].contains(#""outcome":"cancelled""#))
            #expect(proxy.metric("penstock_requests_total") == 1)
        }
    }

    @Test(
        "An upstream's answer that is no good HTTP becomes a 502",
        arguments: [
            "garbage\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 300_000))\r\n\r\n",
        ])
    func badAnswer(bytes: String) async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            _ = wire.offer(Array(bytes.utf8))
            let answer = try await caller.message()
            #expect(answer.status == 502)
            #expect(answer["proxy-status"]?.contains("error=http_protocol_error") == true)
            _ = try await wire.untilClosed()
        }
    }

    @Test("What an upstream sends unasked never becomes the answer to the next request")
    func unasked() async throws {
        try await Proxied.withUpstream("connections: {max: 1}") { proxy, upstream in
            let first = try await proxy.connect()
            let second = try await proxy.connect()
            try await first.request("GET", "/first")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await second.request("GET", "/second")
            try await proxy.reaches(inFlight: 2, queued: 0)
            try await wire.send(
                "HTTP/1.1 200 X\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nevil")
            #expect(try await first.message().text == "1")
            let next = try await upstream.accept()
            #expect(try await next.message().startLine == "GET /second HTTP/1.1")
            try await next.answer(body: "good")
            #expect(try await second.message().text == "good")
        }
    }
}
