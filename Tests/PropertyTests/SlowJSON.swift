/// A JSON text read strictly (RFC 8259) and slowly, to compare quick and lenient readers with. Members keep their order
/// and their repetitions, strings and numbers stand as written.
indirect enum SlowJSON: Equatable {
    case literal([UInt8])
    /// Without its quotes, with its escapes.
    case text([UInt8])
    case array([SlowJSON])
    case object([Member])

    struct Member: Equatable {
        var name: [UInt8]
        var value: SlowJSON
    }

    /// `nil` for what is no JSON, is nested deeper than 128 or has a name that is written with a surrogate or in more
    /// than 32 bytes with an escape.
    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        guard String(validating: bytes, as: UTF8.self) != nil, let value = Self.value(&rest, depth: 0) else {
            return nil
        }
        Self.skipSpace(&rest)
        guard rest.isEmpty else { return nil }
        self = value
    }

    /// The scalars at some paths in the order of the text, by the place of their path. Arrays are transparent, and
    /// what lies in more than 16 containers is not looked at.
    func scalars(at paths: [[String]]) -> [Scalar] {
        var found: [Scalar] = []
        collect(paths.enumerated().map { ($0, $1.map { Array($0.utf8) }[...]) }, depth: 0, into: &found)
        return found
    }

    struct Scalar: Equatable {
        var path: Int
        var isText: Bool
        var bytes: [UInt8]
    }

    private func collect(_ paths: [(Int, ArraySlice<[UInt8]>)], depth: Int, into found: inout [Scalar]) {
        let ending = paths.filter { $0.1.isEmpty }.map(\.0)
        switch self {
        case .literal(let bytes): found += ending.map { Scalar(path: $0, isText: false, bytes: bytes) }
        case .text(let bytes): found += ending.map { Scalar(path: $0, isText: true, bytes: bytes) }
        case .array(let elements):
            guard depth < 16 else { return }
            for element in elements { element.collect(paths, depth: depth + 1, into: &found) }
        case .object(let members):
            guard depth < 16 else { return }
            for member in members {
                let leading = paths.filter { $0.1.first == member.name }.map { ($0.0, $0.1.dropFirst()) }
                if !leading.isEmpty { member.value.collect(leading, depth: depth + 1, into: &found) }
            }
        }
    }

    var isContainer: Bool {
        switch self {
        case .array, .object: true
        case .literal, .text: false
        }
    }
}

extension SlowJSON {
    private static func value(_ rest: inout ArraySlice<UInt8>, depth: Int) -> SlowJSON? {
        skipSpace(&rest)
        switch rest.first {
        case UInt8(ascii: "{"): return depth < 128 ? object(&rest, depth: depth + 1) : nil
        case UInt8(ascii: "["): return depth < 128 ? array(&rest, depth: depth + 1) : nil
        case UInt8(ascii: "\""): return text(&rest).map { .text($0) }
        default: return literal(&rest)
        }
    }

    private static func object(_ rest: inout ArraySlice<UInt8>, depth: Int) -> SlowJSON? {
        var members: [Member] = []
        rest.removeFirst()
        if takes("}", &rest) { return .object([]) }
        repeat {
            skipSpace(&rest)
            guard let name = text(&rest).flatMap(plainName), takes(":", &rest), let value = value(&rest, depth: depth)
            else { return nil }
            members.append(Member(name: name, value: value))
        } while takes(",", &rest)
        return takes("}", &rest) ? .object(members) : nil
    }

    private static func array(_ rest: inout ArraySlice<UInt8>, depth: Int) -> SlowJSON? {
        var elements: [SlowJSON] = []
        rest.removeFirst()
        if takes("]", &rest) { return .array([]) }
        repeat {
            guard let element = value(&rest, depth: depth) else { return nil }
            elements.append(element)
        } while takes(",", &rest)
        return takes("]", &rest) ? .array(elements) : nil
    }

    private static func text(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        guard rest.popFirst() == UInt8(ascii: "\"") else { return nil }
        var bytes: [UInt8] = []
        while let byte = rest.popFirst(), byte >= 0x20 {
            if byte == UInt8(ascii: "\"") { return bytes }
            bytes.append(byte)
            guard byte == UInt8(ascii: "\\") else { continue }
            guard let escaped = rest.popFirst(), "\"\\/bfnrtu".utf8.contains(escaped) else { return nil }
            bytes.append(escaped)
            if escaped == UInt8(ascii: "u") {
                let digits = rest.prefix(4)
                guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
                    return nil
                }
                bytes += digits
                rest = rest.dropFirst(4)
            }
        }
        return nil
    }

    /// The readers compare at most 32 bytes of a name that has an escape.
    private static func plainName(_ written: [UInt8]) -> [UInt8]? {
        guard written.contains(UInt8(ascii: "\\")) else { return written }
        guard written.count <= 32 else { return nil }
        var rest = written[...]
        var name: [UInt8] = []
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() else {
                name.append(byte)
                continue
            }
            if escaped == UInt8(ascii: "u") {
                let unit = UInt32(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16)
                guard let scalar = unit.flatMap(Unicode.Scalar.init) else { return nil }
                name += Character(scalar).utf8
                rest = rest.dropFirst(4)
            } else {
                name.append(controls[escaped] ?? escaped)
            }
        }
        return name
    }

    private static let controls: [UInt8: UInt8] = [
        UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
        UInt8(ascii: "t"): 9,
    ]

    private static func literal(_ rest: inout ArraySlice<UInt8>) -> SlowJSON? {
        let bytes = Array(rest.prefix { !" \t\r\n,]}:\"[{".utf8.contains($0) })
        let text = String(decoding: bytes, as: UTF8.self)
        guard ["true", "false", "null"].contains(text) || isNumber(bytes) else { return nil }
        rest = rest.dropFirst(bytes.count)
        return .literal(bytes)
    }

    /// RFC 8259 §6: `-`, digits without a leading zero, a fraction, an exponent.
    private static func isNumber(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        let whole = digits(&rest)
        guard whole.count == 1 || whole.count > 1 && whole.first != UInt8(ascii: "0") else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            if digits(&rest).isEmpty { return false }
        }
        if let mark = rest.first, mark | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            if let sign = rest.first, "+-".utf8.contains(sign) { rest.removeFirst() }
            if digits(&rest).isEmpty { return false }
        }
        return rest.isEmpty
    }

    private static func digits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        rest = rest.dropFirst(digits.count)
        return digits
    }

    private static func takes(_ mark: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
        skipSpace(&rest)
        guard rest.first == UInt8(ascii: mark) else { return false }
        rest.removeFirst()
        return true
    }

    private static func skipSpace(_ rest: inout ArraySlice<UInt8>) {
        rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    }
}
