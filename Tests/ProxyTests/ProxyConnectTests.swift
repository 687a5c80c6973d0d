import NIOCore
import NIOPosix
import Policy
import Testing

@testable import Proxy

@Suite("A further proxy", .timeLimit(.minutes(2)))
struct ProxyConnectTests {
    private static let nowhere: NameLookup = { host in
        preconditionFailure("\(host) is for the proxy to resolve")
    }

    private static func dialled(through proxy: Wire.Server, timeout: String = "5s") throws -> Dialled {
        try Dialled(
            to: "https://api.example.com", "proxy: {env: URL}\ntimeouts: {connect: \(timeout)}",
            secrets: ["URL": "http://me:s%3Acret@127.0.0.1:\(proxy.port)"], lookUp: nowhere)
    }

    @Test("opens a tunnel to the upstream, or to another port of it")
    func opens() async throws {
        let proxy = try await Wire.Server.start()
        let dialled = try Self.dialled(through: proxy)
        async let tunnel = dialled.tunnel(to: 8443)
        let wire = try await proxy.accept()
        let request = try await wire.message(toHead: true)
        #expect(request.startLine == "CONNECT api.example.com:8443 HTTP/1.1")
        #expect(request["host"] == "api.example.com:8443")
        #expect(request["proxy-authorization"] == "Basic bWU6czpjcmV0")
        #expect(request["content-length"] == nil && request["transfer-encoding"] == nil)
        // Its length means nothing (RFC 9110 §9.3.6), and what follows belongs to the tunnel.
        try await wire.send("HTTP/1.1 200 Fine\r\nContent-Length: 5\r\n\r\nearly")
        let (channel, inbox) = (try await tunnel, Watched(""))
        try await channel.pipeline.addHandler(Reading(inbox: inbox))
        channel.read()
        _ = try await inbox.wait(for: "what came early") { $0 == "early" ? true : nil }
        try await wire.send("later")
        channel.read()
        _ = try await inbox.wait(for: "what came later") { $0 == "earlylater" ? true : nil }
        try await channel.writeAndFlush(ByteBuffer(string: "up"))
        #expect(try await wire.text(through: "up") == "up")
        try await channel.close()
        await proxy.stop()
    }

    @Test("leaves nothing of itself on a tunnel", arguments: ["1.0 200 Connection established", "1.1 299 X\r\nA: b"])
    func leavesNothing(answer: String) async throws {
        let proxy = try await Wire.Server.start()
        let dialled = try Self.dialled(through: proxy)
        async let tunnel = dialled.connect()
        let wire = try await proxy.accept()
        #expect(try await wire.message(toHead: true).startLine == "CONNECT api.example.com:443 HTTP/1.1")
        let text = Array("HTTP/\(answer)\r\n\r\n".utf8)
        // In two parts, the second when the first has been read.
        try await wire.send(Array(text.prefix(9)))
        try await wire.send(Array(text.dropFirst(9)))
        let channel = try await tunnel
        let handlers = channel.pipeline.debugDescription
        #expect(handlers.contains("<no handlers>"), "\(handlers)")
        try await channel.close()
        await proxy.stop()
    }

    @Test(
        "that opens none says why",
        arguments: [
            ("HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", "refused(407"),
            ("HTTP/1.1 403 X\r\n\r\n", "refused(403"),
            ("HTTP/1.0 502 X\r\n\r\n", "refused(502"), ("SSH-2.0-OpenSSH_9.2\r\n", "malformed"),
            ("HTTP/1.1 20", "closed"), ("", "closed"), ("HTTP/1.1 100 Continue\r\n\r\n", "closed"),
        ])
    func refuses(answer: String, failure: String) async throws {
        let proxy = try await Wire.Server.start()
        let dialled = try Self.dialled(through: proxy)
        async let seen = dialled.failureText()
        let wire = try await proxy.accept()
        _ = try await wire.message(toHead: true)
        if !answer.isEmpty { try await wire.send(answer) }
        if failure == "closed" { await wire.close() }
        #expect(await seen.hasPrefix("proxy(Proxy.ProxyFailure.\(failure)"))
        try await eventually("the connection is closed") { proxy.open == 0 }
        await proxy.stop()
    }

    @Test("that says nothing is given up in time")
    func silent() async throws {
        let proxy = try await Wire.Server.start()
        let dialled = try Self.dialled(through: proxy, timeout: "30ms")
        #expect(await dialled.failureText().contains("silent"))
        try await eventually("the connection is closed") { proxy.open == 0 }
        await proxy.stop()
    }

    @Test("that can't be reached is told from an upstream that can't")
    func unreachable() async throws {
        let proxy = try await Wire.Server.start()
        let dialled = try Self.dialled(through: proxy)
        await proxy.stop()
        #expect(await dialled.failureText().contains("unreachable(Proxy.UpstreamFailure.connectRefused"))
    }

    @Test("that is Penstock itself is a loop")
    func loop() async throws {
        let proxy = try await Wire.Server.start()
        let dialled = try Self.dialled(through: proxy)
        dialled.listeners.add(proxy.address)
        #expect(await dialled.failure() == "loop")
        #expect(proxy.count == 0)
        await proxy.stop()
    }

    // MARK: As a caller sees it

    private static func run(
        _ rest: String = "", _ body: (Proxied, Wire.Server) async throws -> Void
    ) async throws {
        let proxy = try await Wire.Server.start()
        try await Proxied.run(
            """
            upstreams:
              up:
                url: http://api.example.com
                proxy: {env: URL}
                limits: [{in_flight: 50}]
                \(rest)
            """, secrets: ["URL": "http://me:hunter2@localhost:\(proxy.port)"],
            lookUp: { $0 == "localhost" ? .success([proxy.address]) : .failure(.unknown) }
        ) { proxied in
            try await body(proxied, proxy)
        }
        await proxy.stop()
    }

    @Test("carries exchanges, one after the other")
    func carries() async throws {
        try await Self.run { proxied, proxy in
            let caller = try await proxied.connect()
            try await caller.request("POST", "/v1", body: "one")
            let wire = try await proxy.accept()
            #expect(try await wire.message(toHead: true).startLine == "CONNECT api.example.com:80 HTTP/1.1")
            try await wire.send("HTTP/1.1 200 OK\r\n\r\n")
            for body in ["one", "two"] {
                if body == "two" { try await caller.request("POST", "/v1", body: body) }
                let request = try await wire.message()
                #expect(request.startLine == "POST /v1 HTTP/1.1")
                #expect(request["host"] == "api.example.com" && request["proxy-authorization"] == nil)
                #expect(request.text == body)
                try await wire.answer()
                #expect(try await caller.message().text == "ok")
            }
            #expect(proxy.count == 1)
        }
    }

    @Test(
        "that opens none is named to the caller, and its password to nobody",
        arguments: [
            ("407 Nope", "answered 407 Proxy Authentication Required", "proxy_configuration_error"),
            ("403 Nope", "answered 403 Forbidden", "proxy_configuration_error"),
            ("503 Nope", "answered 503 Service Unavailable", "destination_unavailable"),
            ("599 Nope", "answered 599", "destination_unavailable"),
        ])
    func named(status: String, message: String, error: String) async throws {
        try await Self.run("retry: {attempts: 1}") { proxied, proxy in
            let caller = try await proxied.connect()
            try await caller.request()
            let wire = try await proxy.accept()
            _ = try await wire.message(toHead: true)
            try await wire.send("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n")
            let answer = try await caller.message()
            #expect(answer.status == 502)
            #expect(answer.text.contains("Penstock could not reach up: the proxy on the way to it \(message)"))
            #expect(answer["proxy-status"]?.contains("error=\(error)") == true)
            let seen = try answer.text + (answer["proxy-status"] ?? "") + proxied.logLines().joined()
            #expect(!seen.contains("hunter2") && !seen.contains("bWU6"))
        }
    }

    private final class Reading: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        let inbox: Watched<String>

        init(inbox: Watched<String>) {
            self.inbox = inbox
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            inbox.change { $0 += text }
        }
    }
}

@Suite("The Basic scheme")
struct BasicAuthorizationTests {
    /// RFC 7617 §2 and RFC 4648 §10.
    @Test(
        "encodes as its RFCs do",
        arguments: [
            ("Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("", ""), ("f", "Zg=="), ("fo", "Zm8="),
            ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("\u{ff}\u{fe}", "w7/Dvg=="),
        ])
    func field(credentials: String, text: String) {
        #expect(BasicAuthorization.field(credentials) == "Basic \(text)")
    }
}
