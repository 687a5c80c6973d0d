import Admission
import NIOHPACK
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("What heads say")
struct HeadTests {
    struct Target: Sendable, CustomTestStringConvertible {
        var method = HTTPMethod.GET
        var uri: String
        var target: RequestTarget?
        var testDescription: String { "\(method) \(uri)" }
    }

    private static func authority(_ text: String) -> RequestTarget.Authority? { RequestTarget.Authority(text) }

    @Test(
        "The form of a target is known, and what is none is refused",
        arguments: [
            Target(uri: "/", target: .origin), Target(uri: "/v1?x=http://a", target: .origin),
            Target(method: .OPTIONS, uri: "*", target: .asterisk), Target(uri: "*", target: nil),
            Target(uri: "http://a", target: authority("a").map { .absolute($0, path: "/") }),
            Target(
                uri: "HTTPS://A.example:443/v1", target: authority("a.example:443").map { .absolute($0, path: "/v1") }),
            Target(uri: "http://a?b", target: authority("a").map { .absolute($0, path: "/?b") }),
            Target(uri: "http://a/b#c", target: authority("a").map { .absolute($0, path: "/b") }),
            Target(uri: "http://[::1]:8080/", target: authority("[::1]:8080").map { .absolute($0, path: "/") }),
            Target(uri: "http://user@a/", target: nil), Target(uri: "http:///x", target: nil),
            Target(uri: "ftp://a/", target: nil), Target(uri: "a/b", target: nil),
            Target(method: .CONNECT, uri: "a.example:443", target: authority("a.example:443").map { .authority($0) }),
            Target(method: .CONNECT, uri: "a.example", target: nil), Target(method: .CONNECT, uri: "/v1", target: nil),
            Target(method: .CONNECT, uri: "http://a:1", target: nil),
        ])
    func targets(row: Target) {
        #expect(RequestTarget(HTTPRequestHead(version: .http1_1, method: row.method, uri: row.uri)) == row.target)
    }

    @Test(
        "An authority is a host and at most a port",
        arguments: [
            ("A.b", "a.b", nil), ("a:80", "a", 80), ("[2001:DB8::1]", "2001:db8::1", nil), ("[::1]:9", "::1", 9),
            ("a:", "a", nil),
        ] as [(String, String, Int?)])
    func authorities(text: String, host: String, port: Int?) throws {
        let authority = try #require(RequestTarget.Authority(text))
        #expect(authority.host == host)
        #expect(authority.port == port)
    }

    @Test(
        "What is no authority is none",
        arguments: [
            "", "user@a", "a, b", "a/path", "a?q", "a b", "http://a", "a:http", "a:100000", "a:0", "a:80:80", "[::1",
            "\"a\"", ":80", "[]", "a:-1",
        ])
    func noAuthorities(text: String) {
        #expect(RequestTarget.Authority(text) == nil)
    }

    @Test(
        "Trailers that say what only a head may say stay here",
        arguments: [
            "Host", "Authorization", "Content-Length", "Transfer-Encoding", "Set-Cookie", "Connection", "TE", "X-Mine",
            "Expect", "Cache-Control", "Location", "X-Named", "Content-Type",
        ])
    func trailers(name: String) {
        let trailers = HTTPHeaders([(name, "x"), ("Connection", "x-named"), ("Checksum", "1")])
        let passing = Trailers.passing(trailers) { $0 == "X-Mine" }
        #expect(passing == HTTPHeaders([("Checksum", "1")]))
        #expect(Trailers.announceClose(trailers))
    }

    @Test("Trailers of which none passes are no trailers")
    func noTrailers() {
        #expect(Trailers.passing(HTTPHeaders([("Host", "x")])) == nil)
        #expect(Trailers.passing(nil) == nil)
    }

    @Test(
        "An answer may be chunked and nothing else",
        arguments: [
            ([], nil), (["chunked"], nil), (["Chunked"], nil), (["gzip, chunked"], "x"), (["chunked", "gzip"], "x"),
            (["xchunked"], "x"),
        ] as [([String], String?)])
    func codings(values: [String], fault: String?) {
        let headers = HTTPHeaders(values.map { ("Transfer-Encoding", $0) })
        #expect((Forwarding.codingFault(in: headers) == nil) == (fault == nil))
    }

    @Test("A head of HTTP/2 becomes one of the inside: its authority is the host, its cookies are one")
    func requestBlocks() throws {
        let block = HPACKHeaders([
            (":method", "POST"), (":scheme", "http"), (":authority", "a:1"), (":path", "/v1"), ("cookie", "b=1"),
            ("host", "evil"), ("x", "1"), ("cookie", "c=2"),
        ])
        let request = try #require(HTTP2RequestHead(block))
        #expect(request.head.method == .POST)
        #expect(request.head.uri == "/v1")
        #expect(request.head.headers == HTTPHeaders([("host", "a:1"), ("cookie", "b=1; c=2"), ("x", "1")]))
        #expect(request.protocolName == nil)
    }

    @Test(
        "A head of HTTP/2 that lacks something is none",
        arguments: [
            HPACKHeaders([(":method", "GET"), (":scheme", "http")]), HPACKHeaders([(":path", "/")]),
            HPACKHeaders([(":method", "GET"), (":path", "")]), HPACKHeaders([(":method", "GET"), (":path", "/a b")]),
            HPACKHeaders([(":method", "CONNECT")]),
        ])
    func incomplete(block: HPACKHeaders) {
        #expect(HTTP2RequestHead(block) == nil)
    }

    struct Block: Sendable, CustomTestStringConvertible {
        var kind: FieldBlock
        var fields: [(String, String)]
        var isWellFormed: Bool
        var testDescription: String { "\(kind) \(fields)" }
    }

    private static let get = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]
    private static let ok = [(":status", "200")]

    @Test(
        "A block of fields is what HTTP/2 allows and HTTP/1.1 can carry, or it is refused",
        arguments: [
            Block(kind: .request, fields: get, isWellFormed: true),
            Block(kind: .request, fields: get + [("x", "a\tb é"), ("te", "trailers")], isWellFormed: true),
            Block(kind: .request, fields: [(":method", "CONNECT"), (":authority", "a:1")], isWellFormed: true),
            Block(kind: .request, fields: get + [(":protocol", "websocket")], isWellFormed: true),
            Block(kind: .request, fields: Array(get.dropLast()), isWellFormed: false),
            Block(kind: .request, fields: get + [(":path", "/")], isWellFormed: false),
            Block(kind: .request, fields: get + ok, isWellFormed: false),
            Block(kind: .request, fields: get + [(":unknown", "x")], isWellFormed: false),
            Block(kind: .request, fields: [("x", "1")] + get, isWellFormed: false),
            Block(kind: .request, fields: get + [("X-A", "1")], isWellFormed: false),
            Block(kind: .request, fields: get + [("x y", "1")], isWellFormed: false),
            Block(kind: .request, fields: get + [("", "1")], isWellFormed: false),
            Block(kind: .request, fields: get + [("x\n", "1")], isWellFormed: false),
            Block(kind: .request, fields: get + [("x", "a\r\nb")], isWellFormed: false),
            Block(kind: .request, fields: get + [("x", "a\nb")], isWellFormed: false),
            Block(kind: .request, fields: get + [("x", "a\u{0}")], isWellFormed: false),
            Block(kind: .request, fields: get + [("te", "gzip")], isWellFormed: false),
            Block(kind: .request, fields: get + [("connection", "close")], isWellFormed: false),
            Block(kind: .request, fields: get + [("transfer-encoding", "chunked")], isWellFormed: false),
            Block(kind: .request, fields: get + [("upgrade", "h2c")], isWellFormed: false),
            Block(kind: .response, fields: ok + [("x", "1")], isWellFormed: true),
            Block(kind: .response, fields: [("x", "1")], isWellFormed: false),
            Block(kind: .response, fields: ok + ok, isWellFormed: false),
            Block(kind: .response, fields: get, isWellFormed: false),
            Block(kind: .response, fields: ok + [("keep-alive", "1")], isWellFormed: false),
            Block(kind: .trailers, fields: [("x", "1")], isWellFormed: true),
            Block(kind: .trailers, fields: ok, isWellFormed: false),
        ])
    func blocks(row: Block) {
        #expect(row.kind.isWellFormed(HPACKHeaders(row.fields)) == row.isWellFormed)
    }

    @Test("A request for HTTP/2 has its pseudo-fields first and lower-case names")
    func written() {
        let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: "/v1",
            headers: HTTPHeaders([("Host", "a"), ("X-A", "1"), ("content-length", "3")]))
        #expect(
            HTTP2Fields.request(head, scheme: "https").map { "\($0.name)=\($0.value)" }
                == [":method=GET", ":scheme=https", ":authority=a", ":path=/v1", "x-a=1", "content-length=3"])
    }

    @Test("The proof of a WebSocket's handshake is the one of the standard's example")
    func webSocket() {
        // RFC 6455 §1.3.
        #expect(WebSocketHandshake.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(Base64.decode(WebSocketHandshake.newKey()[...].utf8)?.count == 16)
    }

    @Test("A stream takes 64 KiB that are not sent, and more when half of it is")
    func flow() {
        var flow = StreamFlow()
        var marks: [Int] = []
        while flow.isWritable { if let marked = flow.send(10_000) { marks.append(marked) } }
        #expect(flow.unsent == 70_000)
        #expect(marks == [20_000, 20_000, 20_000])
        let (early, late) = (flow.sent(20_000), flow.sent(20_000))
        #expect(!early && late)
        #expect(flow.isWritable)
    }

    @Test("A window is renewed when half of it is used, once")
    func renewal() {
        var flow = StreamFlow()
        let renewals = [65_535, 40_000, 30_000, 65_535].map { size in
            flow.windowChanged(to: size)
            return flow.renewal()
        }
        #expect(renewals == [nil, nil, 35_535, nil])
    }

    @Test("A bucket gives what it holds at once, then as fast as it fills")
    func bucket() {
        var bucket = TokenBucket(capacity: 3, perSecond: 10)
        let start = Instant(nanoseconds: 1_000_000_000_000)
        #expect(taken(4, of: &bucket, at: start) == 3)
        #expect(taken(1, of: &bucket, at: start + .milliseconds(99)) == 0)
        #expect(taken(2, of: &bucket, at: start + .milliseconds(100)) == 1)
        #expect(taken(4, of: &bucket, at: start + .seconds(10)) == 3)
    }

    private func taken(_ count: Int, of bucket: inout TokenBucket, at now: Instant) -> Int {
        var taken = 0
        for _ in 0..<count where bucket.take(now: now) { taken += 1 }
        return taken
    }
}
