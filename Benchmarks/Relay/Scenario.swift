import ArgumentParser

/// Which way requests take through the proxy.
enum Scenario: String, CaseIterable, ExpressibleByArgument {
    /// HTTP/1.1 on both sides.
    case plain = "h1-h1"
    /// The same without limits: what is missing is what limits cost.
    case unlimited = "h1-h1-unlimited"
    /// An answer of 50 server-sent events, each sent when the one before has arrived.
    case stream = "h1-h1-stream"
    /// HTTP/2 over TLS to the upstream.
    case secure = "h1-h2"
    /// HTTP/2 with prior knowledge (RFC 9113 §3.3) from the callers.
    case multiplexed = "h2c-h1"

    var isStreamed: Bool { self == .stream }
    var hasSecureUpstream: Bool { self == .secure }
    var hasHTTP2Callers: Bool { self == .multiplexed }

    /// The policy as a file has it, without `listen`.
    ///
    /// - Parameter authority: the file of the certificate that the upstream is believed by.
    func policy(port: Int, authority: String?) -> String {
        """
        upstreams:
          up:
            url: \(hasSecureUpstream ? "https://localhost" : "http://127.0.0.1"):\(port)
            provider: openai
            limits: \(limits)
            connections: {max: 500, protocol: \(hasSecureUpstream ? "h2" : "h1")}
            \(hasSecureUpstream ? "tls: {ca: \(authority ?? "")}" : "")
        """
    }

    /// They are looked at and charged for each request, and never hold one back.
    private var limits: String {
        let all = "in_flight: 20000, requests: 100000000/min"
        return self == .unlimited ? "[]" : "[{\(all)}, {per: tenant, \(all)}]"
    }
}
