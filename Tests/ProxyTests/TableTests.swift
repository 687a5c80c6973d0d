import Admission
import NIOCore
import NIOHTTP1
import Testing

@testable import Proxy

@Suite("Addresses that a public name must not lead to")
struct AddressTests {
    @Test(
        "are inner ones",
        arguments: [
            "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.8.9.10", "169.254.169.254",
            "172.16.0.1", "172.31.255.255", "192.168.1.1", "198.18.0.1", "198.19.0.1", "224.0.0.1", "240.0.0.1",
            "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "fc00::1",
            "fd12::1", "fe80::1", "febf::1", "ff02::1", "fec0::1", "192.0.0.8", "::7f00:1", "2002:a00:1::1",
            "64:ff9b:1::1",
        ])
    func inner(text: String) throws {
        #expect(try SocketAddress(ipAddress: text, port: 443).isPrivate)
    }

    @Test(
        "and not others",
        arguments: [
            "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.0.0.1",
            "128.0.0.1",
            "169.253.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "198.17.0.1", "198.20.0.1", "223.255.255.255",
            "192.0.2.1", "2606:4700::1", "2002:808:808::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
            "2001:4860:4860::8888",
        ])
    func outer(text: String) throws {
        #expect(try !SocketAddress(ipAddress: text, port: 443).isPrivate)
    }

    @Test("Loopback has several faces", arguments: ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
    func loopback(text: String) throws {
        #expect(try SocketAddress(ipAddress: text, port: 1).isLoopback)
    }
}

@Suite("How long a caller listens")
struct CallerDeadlineTests {
    private static let now = Instant(nanoseconds: 5_000_000_000)

    @Test(
        "is what it announces, in seconds",
        arguments: [
            ("Prefer", "wait=10", 10.0), ("prefer", "respond-async, wait=2.5", 2.5), ("Prefer", "WAIT=3", 3),
            ("Prefer", "wait=0", 0), ("Prefer", "wait=4; x=y", 4), ("Prefer", "wait=\"6\"", 6),
            ("X-Stainless-Timeout", "600", 600), ("x-stainless-read-timeout", "0.2", 1), ("X-Server-Timeout", "30", 30),
        ])
    func announced(name: String, value: String, seconds: Double) {
        let deadline = CallerDeadline.of(HTTPHeaders([(name, value)]), now: Self.now)
        #expect(deadline == Self.now + Interval(nanoseconds: Int64(seconds * 1e9)))
    }

    @Test(
        "and is unknown where that is no number",
        arguments: [
            ("Prefer", "wait=soon"), ("Prefer", "await=3"), ("Prefer", "wait"), ("X-Stainless-Timeout", "NaN"),
            ("X-Stainless-Timeout", "-1"), ("X-Stainless-Timeout", "inf"), ("X-Server-Timeout", "1e30"),
            ("X-Stainless-Timeout", "not given"), ("X-Stainless-Retries", "5"),
        ])
    func unknown(name: String, value: String) {
        #expect(CallerDeadline.of(HTTPHeaders([(name, value)]), now: Self.now) == .never)
    }

    @Test(
        "leaves room for the upstream's usual first byte, and is never cut below a second",
        arguments: [
            ("X-Stainless-Timeout", "30", 5.0, 25.0), ("X-Stainless-Timeout", "5.5", 5, 1),
            ("X-Server-Timeout", "3", 10, 1), ("Prefer", "wait=4", 10, 4),
        ])
    func room(name: String, value: String, firstByte: Double, seconds: Double) {
        let deadline = CallerDeadline.of(
            HTTPHeaders([(name, value)]), usualFirstByte: Interval(nanoseconds: Int64(firstByte * 1e9)), now: Self.now)
        #expect(deadline == Self.now + Interval(nanoseconds: Int64(seconds * 1e9)))
    }

    @Test("The shortest of several counts")
    func shortest() {
        let headers = HTTPHeaders([("X-Server-Timeout", "30"), ("Prefer", "wait=5"), ("X-Stainless-Timeout", "9")])
        #expect(CallerDeadline.of(headers, now: Self.now) == Self.now + .seconds(5))
    }
}

@Suite("Fields on their way through")
struct ForwardingTests {
    @Test(
        "Those between neighbours stay here",
        arguments: [
            "Connection", "Keep-Alive", "TE", "Upgrade", "Proxy-Connection", "Proxy-Authorization",
            "Proxy-Authenticate", "Transfer-Encoding", "HTTP2-Settings",
        ])
    func hopByHop(name: String) {
        #expect(FieldName.isHopByHop(name))
        #expect(FieldName.isHopByHop(name.lowercased()))
        let fields = Forwarding.responseHeaders(HTTPHeaders([(name, "x"), ("X-Kept", "y")]), status: .ok).fields
        #expect(fields.map(\.0) == ["X-Kept"])
    }

    @Test(
        "An answer without a body has no length",
        arguments: [HTTPResponseStatus.noContent, .custom(code: 103, reasonPhrase: "x")])
    func lengths(status: HTTPResponseStatus) {
        let headers = HTTPHeaders([("Content-Length", "5"), ("X-B", "2")])
        #expect(Forwarding.responseHeaders(headers, status: status).fields.map(\.0) == ["X-B"])
        #expect(Forwarding.responseHeaders(headers, status: .notModified).fields.count == 2)
    }

    @Test("What Connection names stays here as well, but a length never does")
    func nominated() {
        let (fields, hasLength) = Forwarding.responseHeaders(
            HTTPHeaders([
                ("Connection", "close, X-Mine ,content-length"), ("x-mine", "1"), ("Content-Length", "3"), ("X-B", "2"),
            ]), status: .ok)
        #expect(fields.map(\.0) == ["Content-Length", "X-B"])
        #expect(hasLength)
    }

    @Test(
        "The end of a response stands where the caller can see it",
        arguments: [
            (HTTPMethod.HEAD, 200, true, true, Forwarding.Framing.none), (.GET, 204, true, false, .none),
            (.GET, 304, true, true, .none), (.GET, 200, true, true, .contentLength),
            (.GET, 200, true, false, .chunked), (.GET, 200, false, false, .close),
            (.POST, 500, false, true, .contentLength),
        ])
    func framing(method: HTTPMethod, status: Int, is11: Bool, hasLength: Bool, expected: Forwarding.Framing) {
        let framing = Forwarding.framing(
            of: HTTPResponseStatus(statusCode: status), to: method, version: is11 ? .http1_1 : .http1_0,
            hasLength: hasLength)
        #expect(framing == expected)
    }
}

@Suite("Proxy credentials")
struct BasicCredentialsTests {
    @Test(
        "give the user's name",
        arguments: [
            ("Basic YWNtZTpzZWNyZXQ=", "acme"), ("basic YWNtZTo", "acme"), ("Basic OnNlY3JldA==", ""),
            ("Basic YWNtZQ==", nil), ("Bearer YWNtZTpzZWNyZXQ=", nil), ("Basic", nil), ("Basic !!!", nil), ("", nil),
        ] as [(String, String?)])
    func user(field: String, expected: String?) {
        #expect(BasicCredentials.user(field) == expected)
    }
}

@Suite("Server-Timing")
struct ServerTimingTests {
    @Test("has milliseconds with one digit behind the point")
    func text() {
        let now = Instant(nanoseconds: 1_000_000_000)
        var record = ExchangeRecord(now: now)
        record.wait(since: now)
        record.waited(until: now + .milliseconds(12))
        record.send(at: now + .milliseconds(12))
        let field = ServerTiming.field(record, now: now + Interval(nanoseconds: 112_340_000))
        #expect(field == "penstock-queue;dur=12.0, penstock-upstream;dur=100.3")
    }
}
