import Admission
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Policy
import Rehearsal
import Telemetry
import Testing

@testable import Proxy

@Suite("A connection of a caller, by itself")
struct HandlerTests {
    /// A connection whose time a test moves: it calls the deadline when it wants to.
    private struct Connection {
        let channel: EmbeddedChannel
        let handler: HTTP1Downstream
        let worker: Worker

        init() throws {
            let loop = EmbeddedEventLoop()
            worker = try Worker.alone(on: loop)
            handler = HTTP1Downstream(worker: worker, owner: nil)
            channel = EmbeddedChannel(loop: loop)
            try channel.pipeline.syncOperations.addHandlers([
                ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)), handler,
            ])
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func receive(_ text: String) throws {
            try channel.writeInbound(ByteBuffer(string: text))
        }

        func written() throws -> String {
            var text = ""
            while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
            return text
        }

        var remaining: Interval { handler.deadline - Clock.now() }

        func passDeadline() {
            handler.deadlinePassed(now: handler.deadline)
        }
    }

    @Test("A head that has begun and does not end gets a 408")
    func slowHead() throws {
        let connection = try Connection()
        #expect(connection.remaining > .seconds(60))
        try connection.receive("GET /v1 HTTP/1.1\r\nHo")
        #expect(connection.remaining <= .seconds(10))
        let deadline = connection.handler.deadline
        // More drops do not buy more time.
        try connection.receive("st: a\r\nX: ")
        #expect(connection.handler.deadline == deadline)
        connection.passDeadline()
        let answer = try connection.written()
        #expect(answer.hasPrefix("HTTP/1.1 408 "))
        #expect(answer.contains("Connection: close\r\n"))
        #expect(answer.contains("x-should-retry: true\r\n"))
    }

    @Test("A connection without a request is closed in silence")
    func idle() throws {
        let connection = try Connection()
        connection.passDeadline()
        #expect(try connection.written() == "")
        #expect(!connection.channel.isActive)
    }

    @Test("After an answer the connection waits for the next request")
    func again() throws {
        let connection = try Connection()
        for _ in 0..<3 {
            try connection.receive("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try connection.written().hasPrefix("HTTP/1.1 404 "))
            #expect(connection.remaining > .seconds(60))
            #expect(connection.channel.isActive)
        }
    }

    @Test("A body that nobody wants is dropped, for a while and up to a size")
    func unwanted() throws {
        let connection = try Connection()
        try connection.receive("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
        #expect(try connection.written().hasPrefix("HTTP/1.1 404 "))
        #expect(connection.remaining <= .seconds(10))
        let mebibyte = String(repeating: "x", count: 1 << 20)
        for _ in 0..<16 { try connection.receive(mebibyte) }
        #expect(connection.channel.isActive)
        try connection.receive(mebibyte)
        #expect(!connection.channel.isActive)
    }

    @Test("Draining closes a connection between requests, not one in the middle of a body")
    func drain() throws {
        let (idle, busy) = (try Connection(), try Connection())
        try busy.receive("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx")
        idle.worker.drain()
        busy.worker.drain()
        #expect(!idle.channel.isActive)
        #expect(busy.channel.isActive)
        try busy.receive("x")
        #expect(!busy.channel.isActive)
    }

    @Test("A request that comes while the proxy drains is told to come back")
    func late() throws {
        let connection = try Connection()
        try connection.receive("GET /nowh")
        connection.worker.drain()
        // Its head was on its way: depending on the moment it is answered or its connection closed.
        guard connection.channel.isActive else { return }
        try connection.receive("ere HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try connection.written().hasPrefix("HTTP/1.1 503 "))
    }

    @Test("Every split of the bytes means the same", arguments: 1..<40 as Range<Int>)
    func splits(size: Int) throws {
        let connection = try Connection()
        let requests = Array(
            "GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc".utf8)
        for start in stride(from: 0, to: requests.count, by: size) {
            let end = min(requests.count, start + size)
            try connection.channel.writeInbound(ByteBuffer(bytes: requests[start..<end]))
        }
        let answers = try connection.written()
        #expect(answers.split(separator: "HTTP/1.1 404 ").count == 2)
        #expect(answers.contains("/a") && answers.contains("/b"))
    }

    @Test(
        "Whatever bytes come, each answer is a whole one and the process lives on", arguments: 0..<300 as Range<UInt64>)
    func anything(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let connection = try Connection()
        let words = [
            "GET ", "POST ", "/", "*", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "Host: a\r\n", "Connection: host\r\n",
            "Connection: close, te\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "\r\n", "\n",
            "abc", "3\r\nabc\r\n", "0\r\n\r\n", "Expect: 100-continue\r\n", ": ", ",", "\u{0}", "é", "X-Tenant-Id: ",
            "Proxy-Authorization: Basic ====\r\n", "Prefer: wait=", "Priority: u=", "baggage: a=b;c,d\r\n",
        ]
        for _ in 0..<40 where connection.channel.isActive {
            let text =
                Int.random(in: 0..<4, using: &random) == 0
                ? "GET /a HTTP/1.1\r\nHost: h\r\n"
                : (0..<Int.random(in: 1...6, using: &random)).compactMap { _ in words.randomElement(using: &random) }
                    .joined()
            try? connection.receive(text)
            for answer in try connection.written().split(separator: "HTTP/1.1 ") {
                let status = Int(answer.prefix(3)) ?? 0
                #expect([100, 400, 404, 431].contains(status), "seed \(seed): \(answer)")
            }
        }
    }
}
