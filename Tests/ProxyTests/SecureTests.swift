import NIOCore
import Testing

@testable import Proxy

@Suite("An upstream over TLS", .timeLimit(.minutes(2)), .enabled(if: Certificate.canBeMade))
struct SecureTests {
    private static func policy(_ port: Int, _ rest: String) -> String {
        """
        upstreams:
          up:
            url: https://localhost:\(port)
            limits: [{in_flight: 50}]
            \(rest.replacing("\n", with: "\n    "))
        """
    }

    @Test("speaks HTTP/2 where both can")
    func http2() async throws {
        let certificate = try Certificate(for: "localhost")
        defer { certificate.remove() }
        try await FrameServer.run(tls: certificate.context("h2")) { upstream in
            try await Proxied.run(Self.policy(upstream.port, "tls: {ca: \(certificate.path)}")) { proxy in
                var callers: [Wire] = []
                for number in 0..<10 {
                    let caller = try await proxy.connect()
                    try await caller.request("POST", "/\(number)", body: "x")
                    callers.append(caller)
                }
                let wire = try await upstream.accept()
                for _ in 0..<10 {
                    let (stream, path) = try await wire.request()
                    try await wire.answer(stream, path)
                }
                for (number, caller) in callers.enumerated() {
                    #expect(try await caller.message().text == "/\(number)")
                }
                // The first handshake told that one connection is enough.
                #expect(upstream.count == 1)
            }
        }
    }

    @Test("speaks HTTP/1.1 where the upstream knows nothing else", arguments: [["http/1.1"], []])
    func http1(protocols: [String]) async throws {
        let certificate = try Certificate(for: "localhost")
        defer { certificate.remove() }
        let tls = protocols.isEmpty ? try certificate.context() : try certificate.context(protocols[0])
        let upstream = try await Wire.Server.start(tls: tls)
        try await Proxied.run(Self.policy(upstream.port, "tls: {ca: \(certificate.path)}")) { proxy in
            let caller = try await proxy.connect()
            try await caller.request("POST", "/v1", body: "x")
            let wire = try await upstream.accept()
            let request = try await wire.message()
            #expect(request.startLine == "POST /v1 HTTP/1.1")
            #expect(request["host"] == "localhost:\(upstream.port)")
            try await wire.answer()
            #expect(try await caller.message().text == "ok")
        }
        await upstream.stop()
    }

    @Test(
        "is not spoken to when its certificate is not good, and the caller learns why",
        arguments: [
            ("localhost", false, false, "is signed by no authority that is trusted here"),
            ("other.example", true, false, "is not for localhost"), ("localhost", true, true, "has expired"),
            ("localhost", false, true, "has expired"),
        ])
    func certificate(name: String, isTrusted: Bool, hasExpired: Bool, reason: String) async throws {
        let certificate = try Certificate(for: name, hasExpired: hasExpired)
        defer { certificate.remove() }
        let upstream = try await Wire.Server.start(tls: certificate.context("http/1.1"))
        try await Proxied.run(
            Self.policy(upstream.port, isTrusted ? "tls: {ca: \(certificate.path)}" : "")
        ) { proxy in
            let caller = try await proxy.connect()
            try await caller.request("GET", "/v1", "Authorization: Bearer secret")
            let answer = try await caller.message()
            #expect(answer.status == 502)
            #expect(answer["proxy-status"]?.contains("error=tls_certificate_error") == true)
            #expect(answer.text.contains("Penstock could not reach up: its certificate \(reason)"))
            #expect(proxy.metric("penstock_attempts_total") == 1)
            #expect(try await upstream.accept().inbox.read { $0.received } == 0)
        }
        await upstream.stop()
    }

    /// RFC 8446 §6: alert 40 is handshake_failure, 120 no_application_protocol.
    @Test(
        "A handshake that fails for another reason is told apart",
        arguments: [
            ("HTTP/1.1 400 Bad Request\r\n\r\n", "tls_protocol_error", "it does not speak TLS at this port"),
            ("\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}\u{28}", "tls_alert_received", "with the alert HANDSHAKE_FAILURE"),
            ("\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}\u{78}", "tls_alert_received", "with the alert NO_APPLICATION_PROTOCOL"),
            ("", "tls_protocol_error", "it closed the connection during the TLS handshake"),
        ])
    func handshake(bytes: String, error: String, reason: String) async throws {
        let upstream = try await Wire.Server.start()
        try await Proxied.run(Self.policy(upstream.port, "retry: {attempts: 1}")) { proxy in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            try await wire.hasReceived(atLeast: 200)
            if bytes.isEmpty { await wire.close() } else { try await wire.send(bytes) }
            let answer = try await caller.message()
            #expect(answer.status == 502)
            #expect(answer["proxy-status"]?.contains("error=\(error)") == true)
            #expect(answer.text.contains(reason), "\(answer.text)")
        }
        await upstream.stop()
    }

    @Test("A peer that speaks no TLS is reported as such")
    func plain() async throws {
        let upstream = try await Wire.Server.start()
        let serving = Task {
            while let wire = try? await upstream.accept() { try? await wire.send("HTTP/1.1 400 Bad Request\r\n\r\n") }
        }
        try await Proxied.run(Self.policy(upstream.port, "retry: {attempts: 2, backoff: {base: 1ms, max: 1ms}}")) {
            proxy in
            let caller = try await proxy.connect()
            try await caller.request()
            let answer = try await caller.message()
            #expect(answer.status == 502)
            #expect(answer["proxy-status"]?.contains("error=tls_protocol_error") == true)
        }
        serving.cancel()
        await upstream.stop()
    }

    @Test("HTTP/2 that was insisted on and not agreed to is an error")
    func insisted() async throws {
        let certificate = try Certificate(for: "localhost")
        defer { certificate.remove() }
        let upstream = try await Wire.Server.start(tls: certificate.context())
        try await Proxied.run(
            Self.policy(upstream.port, "tls: {ca: \(certificate.path)}\nconnections: {protocol: h2}")
        ) { proxy in
            let caller = try await proxy.connect()
            try await caller.request()
            let answer = try await caller.message()
            #expect(answer.status == 502)
            #expect(answer["proxy-status"]?.contains("error=tls_protocol_error") == true)
        }
        await upstream.stop()
    }

    @Test("The first message names the host and the protocols that are offered")
    func hello() async throws {
        let upstream = try await Wire.Server.start()
        try await Proxied.run(Self.policy(upstream.port, "retry: {attempts: 1}")) { proxy in
            let caller = try await proxy.connect()
            try await caller.request()
            let wire = try await upstream.accept()
            try await wire.hasReceived(atLeast: 200)
            let hello = wire.inbox.read { $0.bytes }
            for part in ["localhost", "\u{2}h2\u{8}http/1.1"] {
                #expect(String(decoding: hello, as: UTF8.self).contains(part))
            }
            await caller.close()
        }
        await upstream.stop()
    }
}
