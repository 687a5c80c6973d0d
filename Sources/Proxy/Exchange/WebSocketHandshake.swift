import Crypto
import NIOHTTP1

/// The proof of a WebSocket handshake over HTTP/1.1, which HTTP/2 does without (RFC 6455 §4.2.2, RFC 8441 §5).
enum WebSocketHandshake {
    /// What a server answers to a key.
    static func accept(_ key: String) -> String {
        let text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        return Base64.encode(Insecure.SHA1.hash(data: Array(text.utf8)))
    }

    /// A key for an upstream, where the caller had none: 16 random bytes.
    static func newKey() -> String {
        var random = SystemRandomNumberGenerator()
        return Base64.encode((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) })
    }

    /// Fields of the handshake that differ between the versions of HTTP.
    static func isProof(_ name: String) -> Bool {
        FieldName.matches(name, "sec-websocket-key") || FieldName.matches(name, "sec-websocket-accept")
    }
}
