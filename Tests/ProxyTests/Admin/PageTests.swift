import Crypto
import Foundation
import Testing

@testable import Proxy

@Suite("The page", .timeLimit(.minutes(2)))
struct PageTests {
    private static func page(_ text: String = "", changes: Bool = false) -> String {
        String(decoding: AdminPage.overview(text: text, allowsChanges: changes).body, as: UTF8.self)
    }

    @Test("is small, and whole in itself")
    func size() {
        let page = Self.page()
        #expect(page.utf8.count <= 40_000)
        for mark in ["src=", "@import", "url(", "href=\"http", "//cdn", "javascript:", " style=", " onclick"] {
            #expect(!page.contains(mark), "\(mark)")
        }
    }

    @Test("allows itself nothing but its own script and style, by their hashes")
    func policy() throws {
        let policy = AdminPage.overview(text: "", allowsChanges: false).policy
        let page = Self.page()
        for (name, tag) in [("script-src", "script"), ("style-src", "style")] {
            let parts = page.components(separatedBy: "<\(tag)>")
            #expect(parts.count == 2, "there is one \(tag)")
            let content = try #require(parts.last?.components(separatedBy: "</\(tag)>").first)
            let hash = Data(SHA256.hash(data: Data(content.utf8))).base64EncodedString()
            #expect(policy.contains("\(name) 'sha256-\(hash)';"))
        }
        #expect(policy.hasPrefix("default-src 'none';") && policy.contains("frame-ancestors 'none'"))
        #expect(!policy.contains("unsafe") && !policy.contains("*"))
    }

    @Test("shows buttons only where changes are allowed")
    func buttons() {
        #expect(!Self.page().contains("<button"))
        #expect(Self.page(changes: true).contains("data-path=\"reload\""))
    }

    @Test(
        "text from outside stays text",
        arguments: [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            (
                "</pre></noscript><img src=x onerror='a'>",
                "&lt;/pre&gt;&lt;/noscript&gt;&lt;img src=x onerror=&#39;a&#39;&gt;"
            ),
            ("a & b \"c\" é \u{1F600}", "a &amp; b &quot;c&quot; é \u{1F600}"), ("&lt;", "&amp;lt;"), ("", ""),
            ("<\u{301}script>", "&lt;\u{301}script&gt;"),
        ])
    func escaping(text: String, escaped: String) {
        #expect(HTMLText.escaped(text) == escaped)
        #expect(Self.page(text).contains("<pre>\(escaped)</pre>"))
    }

    private static let nasty = #"</script></noscript><img src=x onerror=alert(1)>"'&"#

    @Test("a tenant's name is nowhere markup, nor ends the JSON that it stands in")
    func tenants() async throws {
        try await Proxied.withUpstream(limits: "[{per: tenant, in_flight: 1}]", admin: true) { proxy, upstream in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/up/v1", "X-Tenant-Id: \(Self.nasty)")
            let provider = try await upstream.accept()
            _ = try await provider.message()
            let waiting = try await proxy.connect()
            try await waiting.request("GET", "/up/v1", "X-Tenant-Id: \(Self.nasty)")
            try await proxy.reaches(inFlight: 1, queued: 1)
            let admin = try await Wire.connect(to: #require(proxy.server.adminAddress))
            try await admin.request("GET", "/")
            let page = try await admin.message().text
            #expect(!page.contains("<img") && page.contains(HTMLText.escaped(Self.nasty)))
            let tenants = try #require(proxy.status()["tenants"] as? [String: [String: Any]])
            let wait = try #require(tenants[Self.nasty]?["wait"] as? [String: Any])
            #expect(wait["because"] as? String == "limit" && wait["limit"] as? String != nil)
            try await provider.answer()
            _ = try await caller.message()
            _ = try await provider.message()
            try await provider.answer()
            _ = try await waiting.message()
        }
    }

    @Test("is text for who takes that and no page")
    func text() async throws {
        try await Proxied.withUpstream(admin: true) { proxy, _ in
            let admin = try await Wire.connect(to: #require(proxy.server.adminAddress))
            for (accept, type) in [
                ("text/plain", "text/plain"), ("text/html,text/plain", "text/html"), ("*/*", "text/html"),
            ] {
                try await admin.request("GET", "/", "Accept: \(accept)")
                let answer = try await admin.message()
                #expect(answer["content-type"]?.hasPrefix(type) == true)
                let policy = answer["content-security-policy"]
                #expect(policy?.hasPrefix("default-src 'none'") == true)
            }
        }
    }
}
