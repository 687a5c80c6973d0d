/// JSON written piece by piece, in the order in which it is said.
package struct JSONText {
    /// A value to be written. Objects keep the order of their members.
    package indirect enum Value {
        case string(String)
        case number(Int)
        case boolean(Bool)
        case null
        case array([Value])
        case object([(String, Value)])
    }

    package private(set) var bytes: [UInt8] = []

    package init(_ value: Value) {
        append(value)
    }

    private mutating func append(_ value: Value) {
        switch value {
        case .string(let text): append(quoted: text)
        case .number(let number): bytes.append(contentsOf: String(number).utf8)
        case .boolean(let truth): bytes.append(contentsOf: (truth ? "true" : "false").utf8)
        case .null: bytes.append(contentsOf: "null".utf8)
        case .array(let elements):
            appendList(elements, between: "[", "]") { json, element in json.append(element) }
        case .object(let members):
            appendList(members, between: "{", "}") { json, member in
                json.append(quoted: member.0)
                json.bytes.append(UInt8(ascii: ":"))
                json.append(member.1)
            }
        }
    }

    private mutating func appendList<Element>(
        _ elements: [Element], between open: Unicode.Scalar, _ close: Unicode.Scalar,
        each write: (inout JSONText, Element) -> Void
    ) {
        bytes.append(UInt8(ascii: open))
        for (place, element) in elements.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            write(&self, element)
        }
        bytes.append(UInt8(ascii: close))
    }

    /// RFC 8259 §7: quote, backslash and the control characters are escaped, everything else stands as UTF-8.
    private mutating func append(quoted text: String) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(contentsOf: [digits[Int(byte >> 4)], digits[Int(byte & 15)]])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
