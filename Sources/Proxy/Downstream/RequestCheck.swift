import NIOHPACK
import NIOHTTP1
import Providers

/// What a request must be before anybody looks at where it goes (RFC 9112 §3.2, RFC 9110 §9.3).
enum RequestCheck {
    static func refusal(of head: HTTPRequestHead, fields: RequestFields) -> Refusal? {
        if head.version.major != 1 { return .badRequest("its HTTP version is not supported") }
        if head.method == .TRACE { return .badRequest("the method TRACE is not supported") }
        if let host = fields.first("host"), !host.isEmpty, RequestTarget.Authority(host) == nil {
            return .badRequest("its Host is not a host and a port")
        }
        if fields.hostCount > 1 { return .badRequest("it has more than one Host field") }
        if fields.hostCount == 0, head.version.knowsChunks { return .badRequest("it has no Host field") }
        return fields.mayHave("transfer-encoding") ? framingFault(in: head) : nil
    }

    /// The same for HTTP/2, where the authority stands in place of `Host` (RFC 9113 §8.3.1).
    static func refusal(of request: HTTP2RequestHead, _ block: HPACKHeaders) -> Refusal? {
        let hosts = block[":authority"] + block["host"]
        if hosts.isEmpty { return .badRequest("it names no authority") }
        if hosts.contains(where: { $0 != hosts[0] }) { return .badRequest("it names several hosts") }
        if RequestTarget.Authority(hosts[0]) == nil {
            return .badRequest("its authority is not a host and a port")
        }
        if request.head.method == .TRACE { return .badRequest("the method TRACE is not supported") }
        return nil
    }

    /// A transfer coding that is not exactly `chunked` may hide where the body ends (RFC 9112 §6.1).
    private static func framingFault(in head: HTTPRequestHead) -> Refusal? {
        var codings: [String] = []
        for (name, value) in head.headers
        where name.utf8.count == 17 && FieldName.matches(name, "transfer-encoding") {
            codings += FieldName.elements(value)
        }
        if codings.isEmpty { return nil }
        if codings != ["chunked"] { return .badRequest("its transfer coding is not chunked alone") }
        if !head.version.knowsChunks { return .badRequest("it has a transfer coding and is HTTP/1.0") }
        return nil
    }

    /// What the parser could not read.
    static func refusal(of error: HTTPParserError, maxHeaderBytes: Int) -> Refusal {
        error == .headerOverflow
            ? .headTooLarge(limit: maxHeaderBytes) : .badRequest("it is not valid HTTP (\(error))")
    }
}

extension HTTPVersion {
    /// Whether this side understands chunked bodies, 1xx answers and persistent connections by default: HTTP/1.1.
    var knowsChunks: Bool { major > 1 || major == 1 && minor >= 1 }
}

extension HTTPMethod {
    /// Repeating such a request does what making it once does (RFC 9110 §9.2.2).
    var isIdempotent: Bool {
        switch self {
        case .GET, .HEAD, .OPTIONS, .PUT, .DELETE: true
        default: false
        }
    }
}
