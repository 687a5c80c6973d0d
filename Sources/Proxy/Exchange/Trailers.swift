import NIOHTTP1

/// Which fields may come after a body (RFC 9110 §6.5.1): whoever has acted on the head must not learn behind it that it
/// said something else.
enum Trailers {
    /// What passes of them; `nil` where nothing does.
    ///
    /// - Parameter withheld: further names that stay here.
    static func passing(_ trailers: HTTPHeaders?, withheld: (String) -> Bool = { _ in false }) -> HTTPHeaders? {
        guard let trailers, !trailers.isEmpty else { return nil }
        let named = Forwarding.nominated(by: trailers)
        var passing: [(String, String)] = []
        for (name, value) in trailers {
            if FieldName.isHopByHop(name) || withheld(name) { continue }
            if named.contains(where: { FieldName.matches(name, $0) }) { continue }
            if forbidden.contains(where: { FieldName.matches(name, $0) }) { continue }
            passing.append((name, value))
        }
        return passing.isEmpty ? nil : HTTPHeaders(passing)
    }

    /// Whether they announce the end of the connection, which belongs in the head.
    static func announceClose(_ trailers: HTTPHeaders?) -> Bool {
        trailers?.contains(name: "connection") ?? false
    }

    /// Framing, routing, authentication, conditions, control of caches and of the answer, and what the content is.
    private static let forbidden = [
        "content-length", "trailer", "host", "max-forwards", "expect", "authorization", "www-authenticate",
        "authentication-info", "proxy-authentication-info", "cookie", "set-cookie", "cache-control", "pragma", "range",
        "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "age", "date", "expires",
        "location", "retry-after", "vary", "warning", "content-encoding", "content-type", "content-range",
        "content-location", "content-language",
    ]
}
