/// A reply of Redis or Valkey (RESP2 and RESP3, https://redis.io/docs/latest/develop/reference/protocol-spec/).
package indirect enum RESPValue: Hashable, Sendable {
    case string([UInt8])
    case error(String)
    case integer(Int64)
    case null
    case boolean(Bool)
    case array([RESPValue])
    /// Pairs in the order in which they came.
    case map([RESPValue])
    /// Said without having been asked for.
    case push([RESPValue])

    /// The value as text, where it is one.
    package var text: String? {
        guard case .string(let bytes) = self else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The value as a number, also where it came as text.
    package var number: Int64? {
        switch self {
        case .integer(let number): number
        case .string(let bytes): Int64(String(decoding: bytes, as: UTF8.self))
        default: nil
        }
    }

    /// The members of an array or a map.
    package var members: [RESPValue]? {
        switch self {
        case .array(let members), .map(let members): members
        default: nil
        }
    }
}
