import NIOHTTP1

/// What a request asks for that is no answer but a way for bytes, both ways.
enum TunnelKind: Equatable {
    /// CONNECT (RFC 9110 §9.3.6).
    case connect
    /// `Upgrade: websocket` (RFC 6455 §4.1), or the extended CONNECT that is the same in HTTP/2 (RFC 8441).
    ///
    /// - Parameter key: what the caller's handshake is proved with; HTTP/2 needs none.
    case webSocket(key: String?)

    /// - Parameter protocolName: of an extended CONNECT.
    init?(_ head: HTTPRequestHead, _ fields: RequestFields, protocolName: String?) {
        if head.method == .CONNECT {
            self = .connect
        } else if protocolName == "websocket" {
            self = .webSocket(key: nil)
        } else if head.method == .GET, fields.has("upgrade"), fields.has("sec-websocket-key"),
            Self.elements(of: "upgrade", in: fields).contains("websocket"),
            Self.elements(of: "connection", in: fields).contains("upgrade")
        {
            self = .webSocket(key: fields.first("sec-websocket-key"))
        } else {
            return nil
        }
    }

    private static func elements(of name: String, in fields: RequestFields) -> [String] {
        fields.all[name].flatMap(FieldName.elements)
    }
}
