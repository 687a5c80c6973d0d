import Testing

@testable import Policy

@Suite("Addresses")
struct AddressTests {
    @Test(
        "URLs are taken apart",
        arguments: [
            ("https://api.openai.com", true, "api.openai.com", 443, "", "api.openai.com"),
            ("HTTPS://API.OpenAI.com:443/", true, "api.openai.com", 443, "", "api.openai.com"),
            ("http://localhost:8000/v1/", false, "localhost", 8000, "/v1", "localhost:8000"),
            ("http://[2001:DB8::1]:8080/a/b", false, "2001:db8::1", 8080, "/a/b", "[2001:db8::1]:8080"),
            ("https://[::1]", true, "::1", 443, "", "[::1]"),
            ("https://my_service.ns.svc/a%20b", true, "my_service.ns.svc", 443, "/a%20b", "my_service.ns.svc"),
            ("http://127.0.0.1:80", false, "127.0.0.1", 80, "", "127.0.0.1"),
        ])
    func urls(_ text: String, isTLS: Bool, host: String, port: Int, path: String, authority: String) throws {
        let url = try UpstreamURL(parsing: text)
        #expect(url == UpstreamURL(isTLS: isTLS, host: host, port: port, path: path, authority: authority))
        #expect(try UpstreamURL(parsing: url.text) == url)
    }

    @Test(
        "What is no URL of an upstream",
        arguments: [
            "", "api.openai.com", "//api.openai.com", "ftp://a", "https://", "https:///v1", "https://a:b@c",
            "https://a?b",
            "https://a#b", "https://a:", "https://a:x", "https://a:65536", "https://[::1", "https://a b",
            "https://a/../b",
            "https://a//b", "https://-a", "https://a-.b", "https://1.2.3", "https://0x7f.1", "https://a.0X1",
            "https://a.1", "https://é.com",
            "https://a/\u{7f}", "https://a/é",
        ])
    func noURLs(_ text: String) {
        #expect(throws: UpstreamURL.Malformed.self) { try UpstreamURL(parsing: text) }
    }

    @Test(
        "URLs of proxies are taken apart",
        arguments: [
            ("http://proxy:3128", "proxy", 3128, nil), ("HTTP://Proxy.Example/", "proxy.example", 80, nil),
            ("http://[::1]:8888", "::1", 8888, nil), ("http://me:pw@proxy:1", "proxy", 1, "me:pw"),
            ("http://me@proxy", "proxy", 80, "me:"), ("http://me:a:b@proxy", "proxy", 80, "me:a:b"),
            ("http://me:p%40ss%3Aw%C3%B6rd@proxy", "proxy", 80, "me:p@ss:wörd"),
            ("http://me:p@ss@proxy", "proxy", 80, "me:p@ss"),
        ] as [(String, String, Int, String?)])
    func proxies(_ text: String, host: String, port: Int, credentials: String?) throws {
        #expect(try ProxyURL(parsing: text) == ProxyURL(host: host, port: port, credentials: credentials))
    }

    @Test(
        "What is no URL of a proxy",
        arguments: [
            "", "proxy:3128", "https://proxy", "socks5://proxy", "http://", "http://proxy/path", "http://proxy?x",
            "http://proxy:0", "http://proxy:port", "http://:pw@proxy", "http://m%3Ae@proxy", "http://me:%zz@proxy",
            "http://me:%0d%0a@proxy", "http://me:%ff@proxy", "http://me:%4", "http://me:%+1@proxy",
        ])
    func noProxies(_ text: String) {
        #expect(throws: ProxyURL.Malformed.self) { try ProxyURL(parsing: text) }
    }

    @Test(
        "IPv6 addresses",
        arguments: [
            ("::", true), ("::1", true), ("1::", true), ("2001:db8::8:800:200c:417a", true), ("1:2:3:4:5:6:7:8", true),
            ("::ffff:1.2.3.4", true), ("1:2:3:4:5:6:1.2.3.4", true), ("1:2:3:4:5:6:7::", true),
            ("", false), (":", false), (":::", false), ("1:2:3:4:5:6:7", false), ("1:2:3:4:5:6:7:8:9", false),
            ("1::2::3", false), ("12345::", false), ("g::", false), (":1::", false), ("::1:", false),
            ("::1.2.3", false), ("::1.2.3.256", false), ("fe80::1%eth0", false), ("1:2:3:4:5:6:7:8::", false),
        ])
    func ipv6(_ text: String, _ isValid: Bool) {
        #expect(HostName.isIPv6(text[...]) == isValid)
    }

    @Test(
        "Listener addresses",
        arguments: [
            ("127.0.0.1:8080", .tcp(host: "127.0.0.1", port: 8080)), ("localhost:0", .tcp(host: "localhost", port: 0)),
            ("[::1]:80", .tcp(host: "::1", port: 80)), ("*:80", .tcp(host: "0.0.0.0", port: 80)),
            ("unix:/run/p.sock", .unix(path: "/run/p.sock")),
            ("8080", nil), (":8080", nil), ("127.0.0.1", nil), ("127.0.0.1:", nil), ("127.0.0.1:65536", nil),
            ("::1:80", nil), ("unix:p.sock", nil), ("unix:", nil), ("uniX:1", nil), ("http://127.0.0.1:80", nil),
            ("unix:/" + String(repeating: "a", count: 107), nil),
        ] as [(String, Listener.Address?)])
    func listeners(_ text: String, _ address: Listener.Address?) {
        #expect(Listener.Address(text) == address)
        if let address { #expect(Listener.Address(address.description) == address) }
    }

    @Test(
        "Addresses that can't both be bound",
        arguments: [
            ("127.0.0.1:80", "127.0.0.1:80", true), ("0.0.0.0:80", "127.0.0.1:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("localhost:80", "127.0.0.1:80", true), ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:0", "127.0.0.1:0", false), ("127.0.0.1:80", "[::1]:80", false),
            ("unix:/a", "unix:/a", true), ("unix:/a", "unix:/b", false), ("unix:/a", "127.0.0.1:80", false),
        ])
    func clashes(_ left: String, _ right: String, _ clash: Bool) throws {
        let (left, right) = (try #require(Listener.Address(left)), try #require(Listener.Address(right)))
        #expect(left.clashes(with: right) == clash)
        #expect(right.clashes(with: left) == clash)
    }

    @Test(
        "An upstream that is one of our own listeners",
        arguments: [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", true), ("127.0.0.1:8080", "http://localhost:8080", true),
            ("0.0.0.0:8080", "http://[::1]:8080", true), ("127.0.0.1:8080", "http://127.0.0.1:8081", false),
            ("10.0.0.1:443", "https://10.0.0.1", true), ("0.0.0.0:443", "https://api.openai.com", false),
            ("unix:/a", "http://localhost:8080", false),
        ])
    func loops(_ listener: String, _ url: String, _ loops: Bool) throws {
        let address = try #require(Listener.Address(listener))
        let url = try UpstreamURL(parsing: url)
        #expect(address.receives(host: url.host, port: url.port) == loops)
    }
}
