import NIOHTTP1

/// What a request and a response look like on the other side of a proxy (RFC 9110 §7.6).
enum Forwarding {
    /// Where the end of a response stands for the caller.
    enum Framing {
        case none, contentLength, chunked
        /// An HTTP/1.0 caller knows the end only by the close of the connection.
        case close
        /// There is none: what follows the head is not HTTP.
        case tunnel
    }

    /// The fields for the caller, without framing.
    static func responseHeaders(
        _ headers: HTTPHeaders, status: HTTPResponseStatus
    ) -> (fields: [(String, String)], hasLength: Bool) {
        var kept: [(String, String)] = []
        kept.reserveCapacity(headers.count + 5)
        var hasLength = false
        var hasConnection = false
        for (name, value) in headers {
            switch name.utf8.count {
            case 10 where FieldName.matches(name, "connection"): hasConnection = true
            case 14 where FieldName.matches(name, "content-length"): hasLength = true
            default: break
            }
            if !FieldName.isHopByHop(name) { kept.append((name, value)) }
        }
        // An answer that never has a body has no length of one either (RFC 9110 §8.6).
        if hasLength, status.code < 200 || status == .noContent {
            kept.removeAll { FieldName.matches($0.0, "content-length") }
        }
        let nominated = hasConnection ? nominated(by: headers) : []
        if !nominated.isEmpty {
            kept.removeAll { field in nominated.contains { FieldName.matches(field.0, $0) } }
        }
        return (kept, hasLength)
    }

    static func framing(
        of status: HTTPResponseStatus, to method: HTTPMethod, version: HTTPVersion, hasLength: Bool
    ) -> Framing {
        if method == .HEAD || !status.mayHaveResponseBody { return .none }
        if hasLength { return .contentLength }
        return version.knowsChunks ? .chunked : .close
    }

    /// What is wrong with an answer's transfer codings: none was offered to the upstream, so none but `chunked` may
    /// come (RFC 9112 §6.1, §7.4).
    static func codingFault(in headers: HTTPHeaders) -> String? {
        // Most answers have a length; they need no second look.
        guard headers.contains(name: "transfer-encoding") else { return nil }
        var codings: [String] = []
        for (name, value) in headers where name.utf8.count == 17 && FieldName.matches(name, "transfer-encoding") {
            codings += FieldName.elements(value)
        }
        return codings.isEmpty || codings == ["chunked"] ? nil : "its transfer coding is not chunked alone"
    }

    /// Whether a body is coded, so that nothing can be read of it as it passes (RFC 9110 §8.4).
    static func isCompressed(_ headers: HTTPHeaders) -> Bool {
        headers.first(name: "content-encoding").map { !FieldName.matches($0, "identity") } ?? false
    }

    /// Fields that `Connection` names beside the usual ones, but for those without which a message is another one.
    static func nominated(by headers: HTTPHeaders) -> [String] {
        var names: [String] = []
        for (name, value) in headers where name.utf8.count == 10 && FieldName.matches(name, "connection") {
            // A body must not lose its length on the way: the rest of it would be read as another request.
            for element in FieldName.elements(value)
            where !["close", "keep-alive", "content-length", "host"].contains(element) {
                names.append(element)
            }
        }
        return names
    }
}
