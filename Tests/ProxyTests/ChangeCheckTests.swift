import NIOHTTP1
import Policy
import Testing

@testable import Proxy

@Suite("Who may change something at the admin address")
struct ChangeCheckTests {
    private static let hosts = [
        ("127.0.0.1:9090", true), ("localhost:9090", true), ("[::1]:9090", true), ("10.1.2.3", true),
        ("penstock", true),
        ("penstock.default.svc.cluster.local:9090", true), ("penstock.default.svc", true), ("penstock.corp", true),
        ("evil.example:9090", false), ("127.0.0.1.evil.example", false), ("localhost.evil.example:9090", false),
        ("svc.evil.example", false), ("a b", false), ("evil.example.", false),
    ]

    @Test("Programs may, at an address that nobody else can lead to", arguments: hosts)
    func programs(host: String, isAllowed: Bool) {
        let own = Listener.Address("penstock.corp:9090")
        for allowsPages in [false, true] {
            let objection = ChangeCheck.objection(to: ["Host": host], own: own, allowsPages: allowsPages)
            #expect((objection == nil) == isAllowed, "\(objection ?? "allowed")")
        }
        #expect(ChangeCheck.objection(to: [:], own: own, allowsPages: false) == nil)
    }

    @Test(
        "Pages may only where they come from here, and only where the policy lets them",
        arguments: [
            (["Origin": "http://127.0.0.1:9090"], true), (["Sec-Fetch-Site": "same-origin"], true),
            (["Origin": "http://127.0.0.1:9090", "Sec-Fetch-Site": "same-origin"], true),
            (["Sec-Fetch-Site": "none"], true), (["Origin": "http://evil.example"], false), (["Origin": "null"], false),
            (["Origin": "http://127.0.0.1:9091"], false), (["Origin": ""], false),
            (["Origin": "http://127.0.0.1:9090", "Sec-Fetch-Site": "cross-site"], false),
            (["Origin": "http://127.0.0.1:9090", "Sec-Fetch-Site": "same-site"], false),
            (["Sec-Fetch-Site": "cross-site"], false),
        ])
    func pages(fields: [String: String], isOwn: Bool) {
        var headers = HTTPHeaders(fields.map { ($0.key, $0.value) })
        headers.add(name: "Host", value: "127.0.0.1:9090")
        let own = Listener.standardAdmin.address
        #expect(ChangeCheck.objection(to: headers, own: own, allowsPages: false) != nil)
        #expect((ChangeCheck.objection(to: headers, own: own, allowsPages: true) == nil) == isOwn)
        // A name that somebody else made lead here is of its own origin.
        headers.replaceOrAdd(name: "Host", value: "evil.example:9090")
        if fields["Origin"] != nil { headers.replaceOrAdd(name: "Origin", value: "http://evil.example:9090") }
        #expect(ChangeCheck.objection(to: headers, own: own, allowsPages: true) != nil)
    }
}
