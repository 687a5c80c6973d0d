import NIOHPACK
import NIOHTTP1

/// Between the heads of HTTP/2 and those of HTTP/1.1, which is what the inside knows (RFC 9113 §8.3).
enum HTTP2Fields {
    // MARK: Reading

    /// The fields of a request, with its authority as `Host` in front; cookies that were sent in crumbs are one field
    /// again (RFC 9113 §8.2.3).
    static func requestHeaders(_ block: HPACKHeaders, authority: String?) -> HTTPHeaders {
        var fields: [(String, String)] = []
        fields.reserveCapacity(block.count)
        if let authority { fields.append(("host", authority)) }
        var cookie: Int?
        for (name, value, _) in block where name.utf8.first != UInt8(ascii: ":") {
            if authority != nil, name == "host" { continue }
            if name == "cookie", let cookie {
                fields[cookie].1 += "; \(value)"
                continue
            }
            if name == "cookie" { cookie = fields.count }
            fields.append((name, value))
        }
        return HTTPHeaders(fields)
    }

    /// The fields of a response or of trailers.
    static func headers(_ block: HPACKHeaders) -> HTTPHeaders {
        var fields: [(String, String)] = []
        fields.reserveCapacity(block.count)
        for (name, value, _) in block where name.utf8.first != UInt8(ascii: ":") { fields.append((name, value)) }
        return HTTPHeaders(fields)
    }

    // MARK: Writing

    /// - Parameter scheme: of the upstream's url.
    static func request(_ head: HTTPRequestHead, scheme: String) -> HPACKHeaders {
        var block = HPACKHeaders()
        block.reserveCapacity(head.headers.count + 4)
        block.add(name: ":method", value: head.method.rawValue)
        block.add(name: ":scheme", value: scheme)
        block.add(name: ":authority", value: head.headers.first(name: "host") ?? "")
        block.add(name: ":path", value: head.uri)
        for (name, value) in head.headers where !FieldName.matches(name, "host") { add(name, value, to: &block) }
        return block
    }

    static func extendedConnect(_ head: HTTPRequestHead, scheme: String, protocolName: String) -> HPACKHeaders {
        var block = HPACKHeaders([(":method", "CONNECT"), (":protocol", protocolName)])
        for (name, value, indexing) in request(head, scheme: scheme) where name != ":method" {
            block.add(name: name, value: value, indexing: indexing)
        }
        return block
    }

    static func response(_ status: HTTPResponseStatus, _ fields: [(String, String)]) -> HPACKHeaders {
        var block = HPACKHeaders()
        block.reserveCapacity(fields.count + 1)
        block.add(name: ":status", value: status == .ok ? "200" : String(status.code))
        for (name, value) in fields { add(name, value, to: &block) }
        return block
    }

    static func trailers(_ headers: HTTPHeaders) -> HPACKHeaders {
        var block = HPACKHeaders()
        for (name, value) in headers where !FieldName.isHopByHop(name) { add(name, value, to: &block) }
        return block
    }

    private static func add(_ name: String, _ value: String, to block: inout HPACKHeaders) {
        let name = lowercased(name)
        block.add(name: name, value: value, indexing: changesOften(name) ? .nonIndexable : .indexable)
    }

    /// Names are lower case on the wire (RFC 9113 §8.2.1); most are already.
    private static func lowercased(_ name: String) -> String {
        guard name.withBytes({ $0.contains { $0 &- 0x41 < 26 } }) else { return name }
        return FieldName.lowered(name)
    }

    /// Fields that differ from message to message only push others out of the table (RFC 7541 §6.2.2).
    private static func changesOften(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4: name == "date"
        case 12: name == "x-request-id"
        case 13: name == "server-timing"
        case 14: name == "content-length"
        default: false
        }
    }
}
