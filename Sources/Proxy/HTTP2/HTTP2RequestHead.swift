import NIOHPACK
import NIOHTTP1

/// A request's head as HTTP/2 says it, in the words of the inside (RFC 9113 §8.3.1). NIO has checked that each
/// pseudo-field stands there at most once, and which ones.
struct HTTP2RequestHead {
    let head: HTTPRequestHead
    /// `websocket` and the like of an extended CONNECT (RFC 8441 §4).
    let protocolName: String?

    /// `nil` where something is missing.
    init?(_ block: HPACKHeaders) {
        var method: String?
        var target: String?
        var authority: String?
        var scheme: String?
        var protocolName: String?
        for (name, value, _) in block {
            // Pseudo-fields stand first.
            guard name.utf8.first == UInt8(ascii: ":") else { break }
            switch name {
            case ":method": method = value
            case ":path": target = value
            case ":scheme": scheme = value
            case ":authority": authority = value
            case ":protocol": protocolName = value
            default: break
            }
        }
        // What stands in the scheme's place goes nowhere, but must be one (RFC 3986 §3.1).
        guard let method, scheme?.utf8.allSatisfy(Self.isOfScheme) ?? true, FieldName.isToken(method),
            block["content-length"].allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
        else { return nil }
        self.protocolName = protocolName
        let isConnect = method == "CONNECT" && protocolName == nil
        // Only a CONNECT goes without scheme and path, and only it may name a protocol (RFC 8441 §4).
        guard protocolName == nil || method == "CONNECT", isConnect == (target == nil) else { return nil }
        guard let uri = isConnect ? authority : target, !uri.isEmpty,
            uri.withBytes({ $0.allSatisfy { $0 > 0x20 && $0 != 0x7F } })
        else { return nil }
        head = HTTPRequestHead(
            version: HTTPVersion(major: 2, minor: 0),
            // An extended CONNECT is what a GET with `Upgrade` is in HTTP/1.1.
            method: protocolName == nil ? HTTPMethod(rawValue: method) : .GET, uri: uri,
            headers: HTTP2Fields.requestHeaders(block, authority: authority))
    }

    private static func isOfScheme(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0x2B, 0x2D, 0x2E: true
        default: false
        }
    }
}
