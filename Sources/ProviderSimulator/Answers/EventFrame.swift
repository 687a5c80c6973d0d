/// A frame of an AWS event stream: lengths of all and of the headers with a checksum of both, the headers, the payload,
/// a checksum of everything before; numbers of 32 bits, big-endian (Smithy, "Amazon Event Stream specification").
enum EventFrame {
    static let contentType = "application/vnd.amazon.eventstream"

    static func bytes(event: String, _ json: String) -> [UInt8] {
        let headers =
            header(":event-type", event) + header(":content-type", "application/json")
            + header(":message-type", "event")
        let payload = Array(json.utf8)
        var frame = number(UInt32(16 + headers.count + payload.count)) + number(UInt32(headers.count))
        frame += number(checksum(frame))
        frame += headers
        frame += payload
        return frame + number(checksum(frame))
    }

    /// Type 7 is text with a length of 16 bits.
    private static func header(_ name: String, _ value: String) -> [UInt8] {
        let length = UInt16(value.utf8.count)
        return [UInt8(name.utf8.count)] + name.utf8 + [7, UInt8(length >> 8), UInt8(length & 0xFF)] + value.utf8
    }

    private static func number(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// CRC-32 as of IEEE 802.3, reflected.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(0xFFFF_FFFF as UInt32) { sum, byte in table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] ^ sum >> 8
        }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? 0xEDB8_8320 ^ sum >> 1 : sum >> 1 }
    }
}
