/// Walks through a JSON text that arrives in pieces and tells what stands at the places somebody wants to know about.
///
/// It keeps nothing but where it is: constant memory, no allocation, one pass, whatever is nested how deep. Values that
/// nobody wants are stepped over eight bytes at a time. It does not validate: it is for texts whose real reader is
/// somebody else, and rubbish only makes it find nothing.
struct JSONWalk: Sendable {
    enum Token: Equatable {
        case opened(JSONPlaces.Mark, isObject: Bool)
        case closed(JSONPlaces.Mark)
        /// A string begins.
        case string(JSONPlaces.Mark)
        /// Some of the string's bytes as written, escapes and all; never empty.
        case text(JSONPlaces.Mark, Range<Int>)
        /// Anything else: a number, `true`, `null`; ``JSONWalk/literal`` is what it is.
        case literal(JSONPlaces.Mark)
    }

    /// Levels of objects and arrays that are followed; deeper ones are stepped over.
    static let maxDepth = 16

    /// Whether the text has ended, or is none; all that follows is ignored.
    var isEnded: Bool { phase == .ended }

    private let places: JSONPlaces
    private let showsAllText: Bool
    private var phase = Phase.between
    /// Followed containers around this place.
    private var depth = 0
    /// The nodes of the followed containers.
    private var nodes = SIMD16<UInt8>()
    /// Which of them are objects, a bit each.
    private var objects: UInt32 = 0
    /// Containers open inside the innermost followed one.
    private var skippedDepth = 0
    private var expectsName = false
    /// The node of the next value; ``nowhere`` where no path leads to it.
    private var node: UInt8 = 0
    /// The mark of the string that is being read.
    private var textMark = JSONPlaces.unmarked
    /// Whether a backslash was the last byte of a piece.
    private var isEscaped = false
    /// Whether the name that is being read has an escape in it.
    private var hasEscape = false
    /// The name that is being read.
    private var name = ShortText()
    /// The literal that was read last.
    private(set) var literal = ShortText()

    /// - Parameter showsAllText: strings are shown wherever they stand, those at places that nobody asked for as
    ///   unmarked; there also the names of members.
    init(_ places: JSONPlaces, showsAllText: Bool = false) {
        self.places = places
        self.showsAllText = showsAllText
    }

    /// Forgets the text so far; a new one begins.
    mutating func restart() {
        phase = .between
        depth = 0
        objects = 0
        skippedDepth = 0
        expectsName = false
        node = 0
        isEscaped = false
    }

    /// Goes on to the next thing worth telling.
    ///
    /// - Parameters:
    ///   - bytes: a piece; ranges in tokens are places in it.
    ///   - index: how far it has been read; it ends up at the end, or right behind what is told (of a literal: right
    ///     behind its last byte).
    /// - Returns: nothing when the piece has been read to its end.
    mutating func next(_ bytes: Span<UInt8>, _ index: inout Int) -> Token? {
        while index < bytes.count {
            let token: Token?
            switch phase {
            case .between where skippedDepth > 0: token = skipContainer(bytes, &index)
            case .between: token = readStructure(bytes, &index)
            case .name: token = readName(bytes, &index)
            case .text: token = readText(bytes, &index)
            case .skippedText: token = skipText(bytes, &index)
            case .literal: token = readLiteral(bytes, &index)
            case .ended:
                index = bytes.count
                return nil
            }
            if let token { return token }
        }
        return nil
    }

    private enum Phase { case between, name, text, skippedText, literal, ended }

    private static let nowhere = UInt8.max
}

// What stands between strings.
extension JSONWalk {
    private mutating func readStructure(_ bytes: Span<UInt8>, _ index: inout Int) -> Token? {
        while index < bytes.count {
            let byte = bytes[index]
            var token: Token?
            switch byte {
            case UInt8(ascii: "\""): token = beginText()
            case UInt8(ascii: "{"), UInt8(ascii: "["): token = open(isObject: byte == UInt8(ascii: "{"))
            case UInt8(ascii: "}"), UInt8(ascii: "]"): token = close(isObject: byte == UInt8(ascii: "}"))
            case UInt8(ascii: ","): separate()
            case UInt8(ascii: ":"): expectsName = false
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): break
            default:
                if beginLiteral(byte) { return nil }
            }
            index += 1
            if token != nil || phase != .between || skippedDepth > 0 { return token }
        }
        return nil
    }

    private mutating func beginText() -> Token? {
        isEscaped = false
        guard depth > 0 else {
            phase = .ended
            return nil
        }
        if expectsName {
            phase = .name
            name = ShortText()
            hasEscape = false
            return nil
        }
        textMark = mark
        guard textMark != JSONPlaces.unmarked || showsAllText else {
            phase = .skippedText
            return nil
        }
        phase = .text
        return .string(textMark)
    }

    /// Whether a literal begins here that somebody wants. Outside a text anything but a byte-order mark ends it all.
    private mutating func beginLiteral(_ byte: UInt8) -> Bool {
        guard depth > 0 else {
            if ![0xEF, 0xBB, 0xBF].contains(byte) { phase = .ended }
            return false
        }
        guard !expectsName, mark != JSONPlaces.unmarked else { return false }
        literal = ShortText()
        phase = .literal
        return true
    }

    private mutating func open(isObject: Bool) -> Token? {
        guard node != Self.nowhere, depth < Self.maxDepth else {
            skippedDepth = 1
            return nil
        }
        let mark = mark
        nodes[depth] = node
        objects = isObject ? objects | 1 << UInt32(depth) : objects & ~(1 << UInt32(depth))
        depth += 1
        beginElement()
        return mark == JSONPlaces.unmarked ? nil : .opened(mark, isObject: isObject)
    }

    private mutating func close(isObject: Bool) -> Token? {
        guard depth > 0, isInObject == isObject else {
            phase = .ended
            return nil
        }
        depth -= 1
        let mark = places.mark(of: Int(nodes[depth]))
        if depth == 0 { phase = .ended }
        node = Self.nowhere
        return mark == JSONPlaces.unmarked ? nil : .closed(mark)
    }

    private mutating func separate() {
        if depth > 0 { beginElement() }
    }

    /// A member or an element comes next.
    private mutating func beginElement() {
        expectsName = isInObject
        node = expectsName ? Self.nowhere : nodes[depth - 1]
    }

    private var isInObject: Bool { objects & 1 << UInt32(depth - 1) != 0 }

    private var mark: JSONPlaces.Mark {
        node == Self.nowhere ? JSONPlaces.unmarked : places.mark(of: Int(node))
    }

    /// Steps over the rest of a container that no path leads into, up to its end or its next string.
    private mutating func skipContainer(_ bytes: Span<UInt8>, _ index: inout Int) -> Token? {
        var place = index
        var open = skippedDepth
        while place < bytes.count, open > 0 {
            if place + 8 <= bytes.count, !Self.hasStructure(bytes.word(at: place)) {
                place += 8
                continue
            }
            let byte = bytes[place]
            place += 1
            if byte == UInt8(ascii: "\"") {
                isEscaped = false
                textMark = JSONPlaces.unmarked
                phase = showsAllText ? .text : .skippedText
                break
            }
            // Brackets differ from braces in this bit only.
            if byte | 0x20 == UInt8(ascii: "{") { open += 1 }
            if byte | 0x20 == UInt8(ascii: "}") { open -= 1 }
        }
        index = place
        skippedDepth = open
        return phase == .text ? .string(JSONPlaces.unmarked) : nil
    }

    /// Whether one of eight bytes is a quote, a bracket or a brace.
    private static func hasStructure(_ word: UInt64) -> Bool {
        let folded = word | UInt64(repeating: 0x20)
        let quotes = (word ^ UInt64(repeating: UInt8(ascii: "\""))).zeroBytes
        let opening = (folded ^ UInt64(repeating: UInt8(ascii: "{"))).zeroBytes
        let closing = (folded ^ UInt64(repeating: UInt8(ascii: "}"))).zeroBytes
        return quotes | opening | closing != 0
    }
}

// Strings and literals.
extension JSONWalk {
    private mutating func readName(_ bytes: Span<UInt8>, _ index: inout Int) -> Token? {
        let end = endOfText(bytes, from: index)
        let start = index
        index = end
        guard end < bytes.count else {
            name.append(bytes, start..<end)
            return nil
        }
        index += 1
        phase = .between
        expectsName = false
        let parent = Int(nodes[depth - 1])
        let child: Int?
        if name.count == 0, !hasEscape {
            child = places.child(of: parent, named: bytes, start..<end)
        } else {
            name.append(bytes, start..<end)
            child = name.unescaped.flatMap { places.child(of: parent, named: $0) }
        }
        node = child.map { UInt8(truncatingIfNeeded: $0) } ?? Self.nowhere
        if child == nil, !showsAllText { skipStringValue(bytes, &index) }
        return nil
    }

    /// A short cut for what most members of a streamed chunk are: a string that nobody wants, and another member.
    /// Where anything else comes, or the piece ends, the long way goes on from where this one stops.
    private mutating func skipStringValue(_ bytes: Span<UInt8>, _ index: inout Int) {
        guard index + 2 <= bytes.count, bytes[index] == UInt8(ascii: ":"), bytes[index + 1] == UInt8(ascii: "\"")
        else { return }
        isEscaped = false
        index = endOfText(bytes, from: index + 2)
        guard index < bytes.count else {
            phase = .skippedText
            return
        }
        index += 1
        guard index + 2 <= bytes.count, bytes[index] == UInt8(ascii: ","), bytes[index + 1] == UInt8(ascii: "\"")
        else { return }
        index += 2
        expectsName = true
        _ = beginText()
    }

    private mutating func readText(_ bytes: Span<UInt8>, _ index: inout Int) -> Token? {
        let start = index
        let end = endOfText(bytes, from: start)
        index = end
        if end < bytes.count {
            index += 1
            phase = .between
        }
        return start < end ? .text(textMark, start..<end) : nil
    }

    private mutating func skipText(_ bytes: Span<UInt8>, _ index: inout Int) -> Token? {
        index = endOfText(bytes, from: index)
        if index < bytes.count {
            index += 1
            phase = .between
        }
        return nil
    }

    /// The place of the closing quote, or the end of the piece.
    private mutating func endOfText(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        if isEscaped {
            isEscaped = false
            index += 1
        }
        while true {
            index = bytes.firstIndex(of: UInt8(ascii: "\""), or: UInt8(ascii: "\\"), from: index)
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\\") else { return index }
            // What stands behind a backslash can't end the string; the digits of \u are plain text here.
            index += 2
            hasEscape = true
            if index > bytes.count {
                isEscaped = true
                return bytes.count
            }
        }
    }

    private mutating func readLiteral(_ bytes: Span<UInt8>, _ index: inout Int) -> Token? {
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: " "), UInt8(ascii: "\t"),
                UInt8(ascii: "\r"), UInt8(ascii: "\n"), UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "["),
                UInt8(ascii: ":"):
                phase = .between
                return .literal(mark)
            default:
                literal.append(bytes[index])
                index += 1
            }
        }
        return nil
    }
}
