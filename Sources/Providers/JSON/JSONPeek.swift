/// Picks the scalars at a few known places out of a JSON text that arrives in pieces, without building the document.
///
/// Arrays are transparent: `error.details.retryDelay` is the member of each object in `details`, and a whole text
/// `[{"error": …}]` reads like `{"error": …}`. Values that no path leads to are stepped over by counting brackets, so
/// the time is linear and the memory bounded whatever is nested how deep. It does not validate: it is for texts whose
/// real reader is somebody else.
struct JSONPeek: Sendable {
    /// A scalar as it was found: a string unescaped, anything else as written.
    struct Scalar: Hashable, Sendable {
        var text: String
        var isString: Bool
    }

    /// Scalars kept of one place; of more the last ones, as a parser that overwrites would.
    static let maxPerPath = 8
    /// Levels of objects and arrays that are followed; deeper ones are stepped over.
    static let maxDepth = 16
    /// Bytes kept of one string.
    let maxText: Int

    /// The scalars found so far, by the place of their path in the list.
    private(set) var values: [[Scalar]]

    private let paths: [JSONPath]
    private var phase = Phase.between
    private var stack: [Container] = []
    /// Containers open inside the outermost one that no path leads into.
    private var skippedDepth = 0
    /// Whether the innermost followed container waits for a member's name.
    private var expectsName = false
    /// The paths that lead to the next value, one bit each.
    private var candidates: UInt64
    private var text: [UInt8] = []
    private var escape = Escape.none
    private var highSurrogate: UInt32?

    /// - Parameter paths: at most 64.
    init(_ paths: [JSONPath], maxText: Int = 2048) {
        precondition(paths.count <= 64, "a bit for each path")
        self.paths = paths
        self.maxText = maxText
        self.values = Array(repeating: [], count: paths.count)
        self.candidates = ~0
    }

    /// Whether nothing that follows can change the values: the document has ended, or is none.
    var isEnded: Bool { phase == .ended }

    mutating func read(_ bytes: Span<UInt8>) {
        var index = 0
        while index < bytes.count {
            switch phase {
            case .between where skippedDepth > 0: index = skipContainer(bytes, from: index)
            case .between: index = readStructure(bytes, from: index)
            case .name, .string: index = readText(bytes, from: index)
            case .skippedString: index = skipText(bytes, from: index)
            case .literal: index = readLiteral(bytes, from: index)
            case .ended: return
            }
        }
    }

    /// Nothing more comes.
    ///
    /// - Parameter keepsPartialText: whether a string that was cut off counts with what there is of it.
    mutating func finish(keepsPartialText: Bool = false) {
        switch phase {
        case .string where keepsPartialText: keep(isString: true)
        case .literal where keepsPartialText: keep(isString: false)
        default: break
        }
        phase = .ended
    }

    private enum Phase { case between, name, string, skippedString, literal, ended }

    private enum Escape: Equatable {
        case none, backslash
        case unicode(digits: Int, value: UInt32)
    }

    private struct Container {
        var isObject: Bool
        var candidates: UInt64
        /// Names that lead here.
        var depth: Int
    }
}

// Structure: what stands between strings.
extension JSONPeek {
    private mutating func readStructure(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                beginText()
                return index + 1
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open(isObject: byte == UInt8(ascii: "{"))
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                close(isObject: byte == UInt8(ascii: "}"))
            case UInt8(ascii: ","):
                separate()
            case UInt8(ascii: ":"):
                expectsName = false
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                break
            default:
                if beginLiteral(byte) { return index }
            }
            index += 1
            if phase == .ended || skippedDepth > 0 { return index }
        }
        return index
    }

    /// Steps over the rest of a container that no path leads into, up to its end or its next string.
    private mutating func skipContainer(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        var depth = skippedDepth
        while index < bytes.count, depth > 0 {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\"") {
                escape = .none
                phase = .skippedString
                break
            }
            // Brackets differ from braces in this bit only.
            if byte | 0x20 == UInt8(ascii: "{") { depth += 1 }
            if byte | 0x20 == UInt8(ascii: "}") { depth -= 1 }
        }
        skippedDepth = depth
        return index
    }

    private mutating func beginText() {
        escape = .none
        if stack.isEmpty {
            phase = .ended
        } else {
            phase = expectsName ? .name : wantsScalar ? .string : .skippedString
            text.removeAll(keepingCapacity: true)
        }
    }

    /// Whether a literal begins here that somebody wants. Outside a document anything but a byte-order mark ends it all.
    private mutating func beginLiteral(_ byte: UInt8) -> Bool {
        guard !stack.isEmpty else {
            if ![0xEF, 0xBB, 0xBF].contains(byte) { phase = .ended }
            return false
        }
        guard !expectsName, wantsScalar else { return false }
        text.removeAll(keepingCapacity: true)
        phase = .literal
        return true
    }

    private mutating func open(isObject: Bool) {
        guard candidates != 0, stack.count < Self.maxDepth else {
            skippedDepth = 1
            return
        }
        stack.append(Container(isObject: isObject, candidates: candidates, depth: valueDepth))
        expectsName = isObject
        if isObject { candidates = 0 }
    }

    private mutating func close(isObject: Bool) {
        guard let closed = stack.popLast(), closed.isObject == isObject, let outer = stack.last else {
            phase = .ended
            return
        }
        expectsName = false
        candidates = outer.isObject ? 0 : outer.candidates
    }

    private mutating func separate() {
        guard let container = stack.last else { return }
        expectsName = container.isObject
        candidates = container.isObject ? 0 : container.candidates
    }

    /// How many names lead to the next value.
    private var valueDepth: Int {
        guard let container = stack.last else { return 0 }
        return container.isObject ? container.depth + 1 : container.depth
    }

    private var wantsScalar: Bool {
        guard candidates != 0 else { return false }
        let depth = valueDepth
        return paths.indices.contains { candidates & (1 << UInt64($0)) != 0 && paths[$0].names.count == depth }
    }
}

// Strings and literals.
extension JSONPeek {
    private mutating func readText(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if escape != .none {
                readEscape(byte)
            } else if byte == UInt8(ascii: "\\") {
                escape = .backslash
            } else if byte == UInt8(ascii: "\"") {
                endText()
                return index
            } else {
                append(byte)
            }
        }
        return index
    }

    private mutating func endText() {
        endSurrogate()
        if phase == .name {
            let depth = valueDepth - 1
            var matching: UInt64 = 0
            let open = stack.last?.candidates ?? 0
            for (place, path) in paths.enumerated()
            where open & (1 << UInt64(place)) != 0 && path.names.count > depth && path.names[depth] == text {
                matching |= 1 << UInt64(place)
            }
            candidates = matching
            expectsName = false
        } else {
            keep(isString: true)
        }
        phase = .between
    }

    private mutating func keep(isString: Bool) {
        let scalar = Scalar(text: String(decoding: text, as: UTF8.self), isString: isString)
        let depth = valueDepth
        for place in paths.indices where candidates & (1 << UInt64(place)) != 0 && paths[place].names.count == depth {
            if values[place].count == Self.maxPerPath { values[place].removeFirst() }
            values[place].append(scalar)
        }
    }

    private mutating func readLiteral(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: " "), UInt8(ascii: "\t"),
                UInt8(ascii: "\r"), UInt8(ascii: "\n"), UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "["),
                UInt8(ascii: ":"):
                keep(isString: false)
                phase = .between
                return index
            default:
                append(byte)
                index += 1
            }
        }
        return index
    }

    /// Steps over a string. Long prompts are most of a request, so eight bytes are looked at in one step.
    private mutating func skipText(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        if escape == .backslash, index < bytes.count {
            escape = .none
            index += 1
        }
        while index < bytes.count {
            while index + 8 <= bytes.count {
                let word = bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
                if Self.contains(word, UInt8(ascii: "\"")) || Self.contains(word, UInt8(ascii: "\\")) { break }
                index += 8
            }
            while index < bytes.count, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\") {
                index += 1
            }
            guard index < bytes.count else { return index }
            if bytes[index] == UInt8(ascii: "\"") {
                phase = .between
                return index + 1
            }
            // What stands behind a backslash can't end the string; the digits of \u are plain text to a skipper.
            index += 2
        }
        if index > bytes.count {
            escape = .backslash
            index = bytes.count
        }
        return index
    }

    /// Whether one of the eight bytes is this one: the borrow out of a zero byte reaches its top bit.
    private static func contains(_ word: UInt64, _ byte: UInt8) -> Bool {
        let difference = word ^ (UInt64(byte) &* 0x0101_0101_0101_0101)
        return (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080 != 0
    }

    private mutating func readEscape(_ byte: UInt8) {
        switch escape {
        case .backslash where byte == UInt8(ascii: "u"):
            escape = .unicode(digits: 0, value: 0)
        case .unicode(let digits, let value):
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                // Not JSON; what stands there is kept as it is.
                escape = .none
                append(byte)
                return
            }
            let value = value << 4 | UInt32(digit)
            escape = digits == 3 ? .none : .unicode(digits: digits + 1, value: value)
            if digits == 3 { append(codeUnit: value) }
        default:
            escape = .none
            append(Self.unescaped(byte))
        }
    }

    private static func unescaped(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "n"): UInt8(ascii: "\n")
        case UInt8(ascii: "t"): UInt8(ascii: "\t")
        case UInt8(ascii: "r"): UInt8(ascii: "\r")
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        default: byte
        }
    }

    private mutating func append(_ byte: UInt8) {
        endSurrogate()
        if text.count < maxText { text.append(byte) }
    }

    /// Joins the two halves of a surrogate pair; a half alone becomes U+FFFD.
    private mutating func append(codeUnit: UInt32) {
        if let high = highSurrogate, (0xDC00...0xDFFF).contains(codeUnit) {
            highSurrogate = nil
            append(scalar: 0x10000 + (high - 0xD800) << 10 + (codeUnit - 0xDC00))
            return
        }
        endSurrogate()
        if (0xD800...0xDBFF).contains(codeUnit) {
            highSurrogate = codeUnit
        } else {
            append(scalar: codeUnit)
        }
    }

    private mutating func endSurrogate() {
        guard highSurrogate != nil else { return }
        highSurrogate = nil
        append(scalar: 0xFFFD)
    }

    private mutating func append(scalar: UInt32) {
        let scalar = Unicode.Scalar(scalar) ?? "\u{FFFD}"
        guard text.count + 4 <= maxText else { return }
        text.append(contentsOf: Character(scalar).utf8)
    }
}

/// The names that lead to a value, outermost first.
struct JSONPath: Hashable, Sendable, ExpressibleByStringLiteral {
    var names: [[UInt8]]

    /// - Parameter value: names with dots between them.
    init(stringLiteral value: StaticString) {
        names = value.description.utf8.split(separator: UInt8(ascii: ".")).map(Array.init)
    }
}
