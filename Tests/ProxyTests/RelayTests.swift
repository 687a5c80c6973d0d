import Foundation
import NIOCore
import Testing

@testable import Proxy

@Suite("What passes through", .timeLimit(.minutes(2)))
struct RelayTests {
    @Test("One connection carries one request after the other, downstream and upstream")
    func keepAlive() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1/0?a=b", body: "q0")
            let wire = try await upstream.accept()
            for number in 0...2 {
                if number > 0 { try await caller.request("POST", "/v1/\(number)?a=b", body: "q\(number)") }
                let request = try await wire.message()
                #expect(request.startLine == "POST /v1/\(number)?a=b HTTP/1.1")
                #expect(request.text == "q\(number)")
                try await wire.answer(body: "a\(number)")
                let answer = try await caller.message()
                #expect(answer.text == "a\(number)")
                #expect(answer["connection"] == nil)
            }
            #expect(upstream.count == 1)
        }
    }

    @Test("A thousand requests sent ahead are answered in order, Penstock's own answers among them")
    func pipelining() async throws {
        try await Proxied.withUpstream("prefix: /up\nhosts: [h]\ndefault: false", rest: "") { proxy, upstream in
            let caller = try await proxy.connect()
            let count = 1000
            let requests = (0..<count).map { number in
                number % 3 == 0
                    ? "GET /nowhere/\(number) HTTP/1.1\r\nHost: p\r\n\r\n"
                    : "POST /up/\(number) HTTP/1.1\r\nHost: p\r\nContent-Length: 1\r\n\r\nx"
            }
            let sent = caller.offer(Array(requests.joined().utf8))
            let serving = Task {
                var wires: [Task<Void, any Error>] = []
                while let wire = try? await upstream.accept() {
                    wires.append(
                        Task {
                            while true {
                                let request = try await wire.message()
                                let path = request.startLine.split(separator: " ")[1]
                                try await wire.answer(body: String(path.dropFirst()))
                            }
                        })
                }
            }
            for number in 0..<count {
                let answer = try await caller.message()
                if number % 3 == 0 {
                    #expect(answer.status == 404)
                    #expect(answer.text.contains("/nowhere/\(number)"))
                } else {
                    #expect(answer.text == "\(number)")
                }
            }
            try await sent.get()
            serving.cancel()
        }
    }

    @Test("Own answers to HEAD have no body", arguments: ["/up/x", "/nowhere"])
    func ownHead(target: String) async throws {
        try await Proxied.withUpstream(
            "prefix: /up\ndefault: false\nqueue: {max_requests: 1, timeout: 1s}", limits: "[{requests: 1/hour}]"
        ) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/up/first")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer()
            _ = try await caller.message()
            try await caller.request("HEAD", target)
            let head = try await caller.message(toHead: true)
            #expect(head.status == (target == "/nowhere" ? 404 : 429))
            #expect(Int(head["content-length"] ?? "") ?? 0 > 0)
            try await caller.request("GET", "/nowhere")
            #expect(try await caller.message().status == 404)
        }
    }

    @Test("A chunked body is passed on in chunks, with its trailers")
    func chunks() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.send(
                "POST /v1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n")
            let wire = try await upstream.accept()
            let begun = try await wire.text(through: "abc\r\n")
            #expect(begun.lowercased().contains("transfer-encoding: chunked"))
            #expect(!begun.lowercased().contains("content-length"))
            try await caller.send("2;ext=1\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n")
            let rest = try await wire.text(through: "\r\n\r\n")
            #expect(rest == "2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n")
            try await wire.send(
                "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nuno\r\n0\r\nX-Sum: 3\r\n\r\n")
            let answer = try await caller.message()
            #expect(answer.text == "uno")
            #expect(answer.trailers == [Message.Field(name: "X-Sum", value: "3")])
            #expect(answer.all("transfer-encoding") == ["chunked"])
        }
    }

    @Test("Each part of a stream goes out when it comes")
    func streaming() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
            _ = try await caller.text(through: "\r\n\r\n")
            for number in 1...5 {
                try await wire.send("7\r\ndata: \(number)\r\n")
                #expect(try await caller.text(through: "data: \(number)\r\n") == "7\r\ndata: \(number)\r\n")
            }
            try await wire.send("0\r\n\r\n")
            #expect(try await caller.text(through: "\r\n\r\n") == "0\r\n\r\n")
        }
    }

    @Test(
        "Answers without a body keep their fields and their connection",
        arguments: [("HEAD", 200, "Content-Length: 1234"), ("GET", 204, "X-A: b"), ("GET", 304, "ETag: \"x\"")])
    func bodiless(method: String, status: Int, field: String) async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request(method)
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.send("HTTP/1.1 \(status) X\r\n\(field)\r\n\r\n")
            let answer = try await caller.message(toHead: method == "HEAD")
            #expect(answer.status == status)
            #expect(answer.fields.contains { field == "\($0.name): \($0.value)" })
            #expect(answer["transfer-encoding"] == nil)
            try await caller.request()
            _ = try await wire.message()
            try await wire.answer()
            #expect(try await caller.message().text == "ok")
        }
    }

    @Test("An upstream that sends interim answers without end is left", arguments: [100, 103])
    func interimWithoutEnd(status: Int) async throws {
        try await Proxied.withUpstream("retry: {attempts: 1}") { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "x")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            let one = "HTTP/1.1 \(status) X\r\n\r\n"
            try await wire.send(String(repeating: one, count: Exchange.mostInterim))
            try await proxy.reaches(inFlight: 1, queued: 0)
            try await wire.send(one)
            _ = try await caller.text(through: "HTTP/1.1 502 ")
            _ = try await wire.untilClosed()
        }
    }

    @Test("103 is passed on, 100 is not")
    func information() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            let hints = try await caller.message()
            #expect(hints.status == 103)
            #expect(hints["link"] == "</a>")
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("Leave to send a body is given when the request is admitted, and not before")
    func expectation() async throws {
        try await Proxied.withUpstream(limits: "[{in_flight: 1}]") { proxy, upstream in
            let (first, second) = (try await proxy.connect(), try await proxy.connect())
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await second.send(
                "POST /v1 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            try await proxy.reaches(inFlight: 1, queued: 1)
            #expect(second.inbox.read(\.received) == 0)
            try await wire.answer()
            #expect(try await second.message().status == 100)
            try await second.send("abc")
            let request = try await wire.message()
            #expect(request.text == "abc")
            #expect(request["expect"] == nil)
            try await wire.answer()
            #expect(try await second.message().status == 200)
        }
    }

    @Test("A request that is refused gets its answer instead of leave to send its body")
    func expectationRefused() async throws {
        try await Proxied.withUpstream("prefix: /up\ndefault: false") { proxy, _ in
            let caller = try await proxy.connect()
            try await caller.send("POST /no HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            let answer = try await caller.message()
            #expect(answer.status == 404)
            #expect(answer["connection"] == "close")
            #expect(try await !caller.untilClosed().wasReset)
        }
    }

    @Test("An HTTP/1.0 caller knows the end by the close; a broken answer ends in a reset", arguments: [true, false])
    func http10(isWhole: Bool) async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.send("GET /v1 HTTP/1.0\r\n\r\n")
            let wire = try await upstream.accept()
            let request = try await wire.message()
            #expect(request.startLine == "GET /v1 HTTP/1.1")
            try await wire.send("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            let begun = try await caller.text(through: "abc")
            #expect(!begun.lowercased().contains("transfer-encoding"))
            if isWhole { try await wire.send("0\r\n\r\n") } else { await wire.close() }
            let end = try await caller.untilClosed()
            #expect(end.wasReset == !isWhole)
        }
    }

    @Test("An HTTP/1.0 caller may keep its connection where the length is known")
    func http10KeepAlive() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.send("GET /v1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let wire = try await upstream.accept()
            for number in 0...1 {
                _ = try await wire.message()
                try await wire.answer()
                #expect(try await caller.message()["connection"] == "keep-alive")
                if number == 0 { try await caller.send("GET /v1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") }
            }
        }
    }

    @Test("An answer that ends with the upstream's connection is whole, and the connection is not used again")
    func untilClose() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.send("HTTP/1.1 200 X\r\n\r\nall of it")
            await wire.close()
            #expect(try await caller.message().text == "all of it")
            try await caller.request()
            let next = try await upstream.accept()
            _ = try await next.message()
            try await next.answer()
            #expect(try await caller.message().text == "ok")
        }
    }

    @Test("An upstream's connection that is about to close is not used again", arguments: ["HTTP/1.1", "HTTP/1.0"])
    func closing(version: String) async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            for _ in 0..<2 {
                try await caller.request("POST", "/v1", body: "x")
                let wire = try await upstream.accept()
                _ = try await wire.message()
                let field = version == "HTTP/1.1" ? "Connection: close\r\n" : ""
                try await wire.send("\(version) 200 X\r\n\(field)Content-Length: 2\r\n\r\nok")
                let answer = try await caller.message()
                #expect(answer.text == "ok")
                #expect(answer["connection"] == nil)
                _ = try await wire.untilClosed()
            }
        }
    }

    @Test("An answer that comes before the request's end goes through, and the rest of the body is dropped")
    func earlyAnswer() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.send("POST /v1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            let wire = try await upstream.accept()
            _ = try await wire.text(through: "abc")
            try await wire.answer(body: "early")
            #expect(try await caller.message().text == "early")
            // Half a request was sent on it: it can't be used again.
            _ = try await wire.untilClosed()
            try await proxy.reaches(inFlight: 0, queued: 0)
            try await caller.send("3\r\ndef\r\n0\r\n\r\n")
            try await caller.request()
            let next = try await upstream.accept()
            #expect(try await next.message().startLine == "GET /v1 HTTP/1.1")
            try await next.answer()
            #expect(try await caller.message().text == "ok")
        }
    }

    @Test("A caller that is refused while it uploads gets to read why")
    func refusedUpload() async throws {
        try await Proxied.withUpstream("queue: {timeout: 1s}", limits: "[{requests: 1/hour}]") { proxy, upstream in
            let first = try await proxy.connect()
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            try await wire.answer()
            _ = try await first.message()
            let caller = try await proxy.connect()
            let size = 8 << 20
            try await caller.send("POST /v1 HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n")
            let sent = caller.offer(Array(repeating: 120, count: size))
            #expect(try await caller.message().status == 429)
            try await sent.get()
            try await caller.request("GET", "/again")
            #expect(try await caller.message().status == 429)
        }
    }

    @Test("An upload waits for a slow upstream instead of filling memory")
    func slowUpstream() async throws {
        try await Proxied.withUpstream("retry: {max_body: 1KiB}") { proxy, upstream in
            let caller = try await proxy.connect()
            let size = 64 << 20
            try await caller.send("POST /v1 HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n")
            let wire = try await upstream.accept()
            _ = try await wire.text(through: "\r\n\r\n")
            wire.inbox.change { $0.isCountedOnly = true }
            try await wire.pauseReading()
            let sent = caller.offer(Array(repeating: 120, count: size))
            try await Self.stalls(caller)
            // What is on its way lies in the sockets' buffers, not in the proxy.
            #expect(wire.inbox.read(\.received) < 1 << 20)
            #expect(ResidentMemory.bytes() < 1 << 30)
            try await wire.resumeReading()
            try await sent.get()
            try await wire.hasReceived(atLeast: size)
            try await wire.answer()
            #expect(try await caller.message().status == 200)
        }
    }

    @Test("A slow reader slows the upstream down instead of filling memory; its slot is held to the last byte")
    func slowReader() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            let size = 64 << 20
            try await wire.send("HTTP/1.1 200 X\r\nContent-Length: \(size)\r\n\r\n")
            _ = try await caller.text(through: "\r\n\r\n")
            caller.inbox.change { $0.isCountedOnly = true }
            try await caller.pauseReading()
            let sent = wire.offer(Array(repeating: 120, count: size))
            try await Self.stalls(wire)
            #expect(try proxy.inFlight() == 1)
            try await caller.resumeReading()
            try await sent.get()
            try await caller.hasReceived(atLeast: size)
            try await proxy.reaches(inFlight: 0, queued: 0)
        }
    }

    @Test("An answer before a close arrives whole, however slowly it is read")
    func closeAfterLarge() async throws {
        try await Proxied.withUpstream { proxy, upstream in
            let caller = try await proxy.connect(receiveBuffer: 4096)
            try await caller.pauseReading()
            try await caller.request("GET", "/v1", "Connection: close")
            let wire = try await upstream.accept()
            _ = try await wire.message()
            let size = 8 << 20
            let sent = wire.offer(
                Array("HTTP/1.1 200 X\r\nContent-Length: \(size)\r\n\r\n".utf8) + Array(repeating: 120, count: size))
            try await Self.stalls(wire)
            try await caller.resumeReading()
            try await sent.get()
            #expect(try await caller.message().body.count == size)
            #expect(try await !caller.untilClosed().wasReset)
        }
    }

    /// Waits until the channel of a writer has had no room three looks in a row.
    private static func stalls(_ wire: Wire) async throws {
        var looks = 0
        try await eventually("the writer stalls") {
            looks = wire.channel.isWritable ? 0 : looks + 1
            return looks > 50
        }
    }
}

/// What the process has in memory, from `/proc`.
enum ResidentMemory {
    static func bytes() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
    }
}
