import NIOCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("HTTP/1.1 text")
struct HTTP1TextTests {
    private func text(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer)
    }

    @Test(
        "has the size of a chunk in hexadecimal digits, without zeros in front",
        arguments: [0, 1, 9, 10, 15, 16, 255, 256, 4095, 4096, 0xABC_DEF0, Int.max])
    func chunkSize(size: Int) {
        #expect(text { $0.writeChunkSize(size) } == String(size, radix: 16) + "\r\n")
    }

    @Test(
        "has one line for a field",
        arguments: [
            ("Host", "localhost"), ("a", ""), ("", ""), ("X-Name", "grün €"),
            ("X-Long", String(repeating: "long ", count: 1_000)),
        ])
    func field(name: String, value: String) {
        #expect(text { $0.writeField(name, value) } == "\(name): \(value)\r\n")
    }

    @Test(
        "begins with what is asked or what became of it",
        arguments: [
            (HTTPMethod.POST, "/v1", "POST /v1 HTTP/1.1\r\n"), (.GET, "/", "GET / HTTP/1.1\r\n"),
            (.RAW(value: "PURGE"), "*", "PURGE * HTTP/1.1\r\n"),
        ])
    func requestLine(method: HTTPMethod, target: String, expected: String) {
        #expect(text { $0.writeRequestLine(method, target) } == expected)
        #expect(text { $0.writeStatusLine(.ok) } == "HTTP/1.1 200 OK\r\n")
        #expect(text { $0.writeStatusLine(.tooManyRequests) } == "HTTP/1.1 429 Too Many Requests\r\n")
    }

    @Test("ends with the last chunk and its trailers")
    func lastChunk() {
        #expect(text { $0.writeLastChunk(nil) } == "0\r\n\r\n")
        #expect(text { $0.writeLastChunk(["A": "b"]) } == "0\r\nA: b\r\n\r\n")
    }
}

@Suite("Names without regard to case")
struct FieldNameTests {
    @Test(
        "Only the same name matches",
        arguments: [
            ("Content-Type", "content-type", true), ("CONTENT-TYPE", "content-type", true), ("", "", true),
            ("content-typ", "content-type", false), ("content-type", "content-typf", false),
            // Neither differs from a letter in the bit of its case only.
            ("a@b", "a`b", false), ("a[b", "a{b", false),
        ])
    func matching(name: String, lowercased: String, isSame: Bool) {
        #expect(FieldName.matches(name, lowercased) == isSame)
    }

    @Test(
        "Lower case touches nothing but letters",
        arguments: ["", "X-Request-ID", "ÄB", "@[`{", "a-much-Longer-Name-Than-Fits"])
    func lowered(text: String) {
        #expect(FieldName.lowered(text) == String(decoding: text.utf8.map(FieldName.lowered), as: UTF8.self))
    }

    @Test("No name that was put into a filter is missed", arguments: FieldName.hopByHop + ["host", "expect", "x"])
    func filter(name: String) {
        #expect(NameFilter([name]).mayContain(name.uppercased()))
        #expect(FieldName.isHopByHop(name.uppercased()) == FieldName.hopByHop.contains(name))
    }
}

@Suite("An authority")
struct AuthorityTests {
    @Test(
        "is a host and perhaps a port",
        arguments: [
            ("localhost", "localhost", nil), ("API.Example.COM:8443", "api.example.com", 8443), ("a:", "a", nil),
            ("[::1]", "::1", nil), ("[FE80::1]:80", "fe80::1", 80), ("[::1]:", "::1", nil), ("a:65535", "a", 65_535),
        ] as [(String, String, Int?)])
    func whole(text: String, host: String, port: Int?) {
        let authority = RequestTarget.Authority(text)
        #expect(authority?.host == host)
        #expect(authority?.port == port)
    }

    @Test(
        "is nothing else",
        arguments: [
            "", ":80", "[]", "[::1", "[::1]80", "a:0", "a:65536", "a:123456", "a:8x", "a:b:80", "user@a", "a b", "a/b",
            "ä",
        ])
    func broken(text: String) {
        #expect(RequestTarget.Authority(text) == nil)
    }
}
