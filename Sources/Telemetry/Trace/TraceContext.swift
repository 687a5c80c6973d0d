/// Which trace a request belongs to, and from which span of it it comes: the field `traceparent` (W3C Trace Context,
/// https://www.w3.org/TR/trace-context-2/#traceparent-header).
package struct TraceContext: Hashable, Sendable {
    package var trace: TraceID
    package var parent: SpanID
    /// Bit 0: sampled. Bit 1: the trace's number is random.
    private var flags: UInt8

    /// Whether the caller records this trace, so that others should record their spans of it.
    package var isSampled: Bool { flags & 1 == 1 }

    /// `nil` where the text is none: §3.2 asks for lower-case digits, numbers other than zero, and exactly 55 characters
    /// in version 00; what a later version puts behind them is left aside. There is no version ff.
    package init?(_ text: String) {
        var reader = HexReader(text)
        guard let version = reader.number(digits: 2), version != 0xFF, reader.dash(),
            let high = reader.number(digits: 16), let low = reader.number(digits: 16), reader.dash(),
            let parent = reader.number(digits: 16), reader.dash(), let flags = reader.number(digits: 2),
            high | low != 0, parent != 0, reader.isAtEnd || version > 0 && reader.dash()
        else { return nil }
        trace = TraceID(high: high, low: low)
        self.parent = SpanID(parent)
        self.flags = UInt8(truncatingIfNeeded: flags)
    }

    /// The field's value for a request that comes from another span of the same trace. The version is 00, so the flags
    /// that it does not know are zero (§3.2.2.5).
    package func field(from span: SpanID) -> String {
        var bytes = Array("00-".utf8)
        bytes.reserveCapacity(55)
        trace.append(to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        span.append(to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(hex: UInt64(flags & 0b11), digits: 2)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The number of a trace, 128 bits, not zero.
package struct TraceID: Hashable, Sendable {
    fileprivate var high: UInt64
    fileprivate var low: UInt64

    /// 32 digits.
    func append(to bytes: inout [UInt8]) {
        bytes.append(hex: high, digits: 16)
        bytes.append(hex: low, digits: 16)
    }
}

/// The number of a span within its trace, not zero.
package struct SpanID: Hashable, Sendable {
    private var number: UInt64

    package init(_ number: UInt64) {
        precondition(number != 0, "zero stands for no span")
        self.number = number
    }

    /// Drawn from 1 to 2⁶⁴ − 1.
    package static func random(using generator: inout some RandomNumberGenerator) -> SpanID {
        SpanID(.random(in: 1 ... .max, using: &generator))
    }

    /// 16 digits.
    func append(to bytes: inout [UInt8]) {
        bytes.append(hex: number, digits: 16)
    }
}

/// Reads lower-case digits one after the other.
private struct HexReader {
    private var rest: Substring.UTF8View

    init(_ text: String) {
        rest = Substring(text).utf8
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// At most 16 digits.
    mutating func number(digits: Int) -> UInt64? {
        var number: UInt64 = 0
        for _ in 0..<digits {
            guard let byte = rest.popFirst() else { return nil }
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }

    mutating func dash() -> Bool {
        rest.popFirst() == UInt8(ascii: "-")
    }
}

extension [UInt8] {
    fileprivate mutating func append(hex number: UInt64, digits: Int) {
        for place in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(place) & 15)
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
        }
    }
}
