import Foundation
import NIOCore
import NIOSSL
import Policy
import Testing

@testable import Proxy

@Suite("Where callers come in", .timeLimit(.minutes(2)))
struct ListenerTests {
    @Test("An address of an upstream's own leads there, whatever the path")
    func owned() async throws {
        let upstream = try await Wire.Server.start()
        try await Proxied.run(
            """
            upstreams:
              other: {url: "http://127.0.0.1:1", limits: [{in_flight: 1}]}
              up: {url: "http://127.0.0.1:\(upstream.port)", listen: "127.0.0.1:0", limits: [{in_flight: 1}]}
            """
        ) { proxy in
            let caller = try await Wire.connect(to: #require(proxy.server.addresses.last))
            for (number, target) in ["/other/v1", "/up/v1"].enumerated() {
                try await caller.request("GET", target)
                let wire = number == 0 ? try await upstream.accept() : nil
                if let wire {
                    #expect(try await wire.message().startLine == "GET /other/v1 HTTP/1.1")
                    try await wire.answer()
                    #expect(try await caller.message().status == 200)
                    await wire.close()
                } else {
                    let next = try await upstream.accept()
                    #expect(try await next.message().startLine == "GET /v1 HTTP/1.1")
                    try await next.answer()
                    #expect(try await caller.message().status == 200)
                }
            }
        }
        await upstream.stop()
    }

    @Test("A socket in the file system serves as well")
    func unix() async throws {
        let path = NSTemporaryDirectory() + "penstock-\(UInt32.random(in: 0 ... .max)).sock"
        let upstream = try await Wire.Server.start()
        let serving = upstream.serve { _, wire in try await wire.answer() }
        try await Proxied.run(
            "upstreams: {up: {url: \"http://127.0.0.1:\(upstream.port)\", limits: [{in_flight: 1}]}}",
            adjust: { $0.listen = [Listener(address: .unix(path: path))] }
        ) { _ in
            let caller = try await Wire.connect(to: SocketAddress(unixDomainSocketPath: path))
            try await caller.request("GET", "/v1", "Connection: close")
            #expect(try await caller.message().status == 200)
            #expect(try await !caller.untilClosed().wasReset)
        }
        serving.cancel()
        await upstream.stop()
    }

    @Test("A listener with a certificate ends an answer as it should", .enabled(if: Certificate.canBeMade))
    func secure() async throws {
        let certificate = try Certificate(for: "localhost")
        defer { certificate.remove() }
        let upstream = try await Wire.Server.start()
        let body = String(repeating: "x", count: 1 << 20)
        let serving = upstream.serve { _, wire in try await wire.answer(body: body) }
        var client = TLSConfiguration.makeClientConfiguration()
        client.trustRoots = .file(certificate.path)
        let tls = try NIOSSLContext(configuration: client)
        try await Proxied.run(
            """
            upstreams:
              up:
                url: http://127.0.0.1:\(upstream.port)
                limits: [{in_flight: 1}]
                listen: {address: "127.0.0.1:0", tls: {cert: \(certificate.path), key: \(certificate.keyPath)}}
            """
        ) { proxy in
            let address = try #require(proxy.server.addresses.last)
            let caller = try await Wire.connect(to: address, tls: tls)
            try await caller.request("GET", "/v1", "Connection: close")
            #expect(try await caller.message().text.utf8.count == body.utf8.count)
            #expect(try await !caller.untilClosed().wasReset)
            let other = try await Wire.connect(to: address, tls: tls)
            try await other.send("garbage\r\n\r\n")
            #expect(try await other.message().status == 400)
            #expect(try await !other.untilClosed().wasReset)
        }
        serving.cancel()
        await upstream.stop()
    }

    @Test("Above the most connections a request is turned away and its connection closed")
    func tooMany() async throws {
        try await Proxied.withUpstream(rest: "guard: {max_connections: 1}") { proxy, upstream in
            let first = try await proxy.connect()
            try await first.request()
            let wire = try await upstream.accept()
            _ = try await wire.message()
            let second = try await proxy.connect()
            try await second.request()
            let answer = try await second.message()
            #expect(answer.status == 503)
            #expect(answer["retry-after"] == "1")
            _ = try await second.untilClosed()
            try await wire.answer()
            #expect(try await first.message().status == 200)
        }
    }

    @Test("An address that is taken stops the start, with a line that says so")
    func taken() async throws {
        let other = try await Wire.Server.start()
        let failure = await #expect(throws: ProxyServer.StartFailure.self) {
            try await Proxied.run(
                "upstreams: {up: {url: \"http://127.0.0.1:1\", limits: [{in_flight: 1}]}}",
                adjust: { $0.listen = [Listener(address: .tcp(host: "127.0.0.1", port: other.port))] }
            ) { _ in }
        }
        #expect(failure?.description == "can't listen on 127.0.0.1:\(other.port): the address is in use")
        await other.stop()
    }
}
