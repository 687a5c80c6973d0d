/// Up to 32 bytes in place, for names and numbers that may be cut in two by the end of a piece. A longer text equals
/// nothing that fits.
struct ShortText: Hashable, Sendable {
    static let capacity = 32

    /// All bytes of the text, kept or not.
    private(set) var count = 0
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init() {}

    init(_ text: String) {
        for byte in text.utf8 { append(byte) }
    }

    var fits: Bool { count <= Self.capacity }

    /// - Parameter index: below ``count`` and ``capacity``.
    subscript(index: Int) -> UInt8 {
        let word =
            switch index / 8 {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        return UInt8(truncatingIfNeeded: word >> UInt64(index % 8 * 8))
    }

    mutating func append(_ byte: UInt8) {
        let placed = UInt64(byte) << UInt64(count % 8 * 8)
        switch count / 8 {
        case 0: words.0 |= placed
        case 1: words.1 |= placed
        case 2: words.2 |= placed
        case 3: words.3 |= placed
        default: break
        }
        count += 1
    }

    mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard count == 0, range.count <= Self.capacity else {
            for index in range.prefix(Self.capacity + 1) { append(bytes[index]) }
            return
        }
        count = range.count
        let start = range.lowerBound
        words.0 = Self.load(bytes, start, count)
        if count > 8 { words.1 = Self.load(bytes, start + 8, count - 8) }
        if count > 16 { words.2 = Self.load(bytes, start + 16, count - 16) }
        if count > 24 { words.3 = Self.load(bytes, start + 24, count - 24) }
    }

    /// The first eight of some bytes, the first of them lowest.
    private static func load(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> UInt64 {
        if start + 8 <= bytes.count {
            let word = bytes.word(at: start)
            return count >= 8 ? word : word & ~(UInt64.max << UInt64(count * 8))
        }
        var word: UInt64 = 0
        for index in (start..<start + min(count, 8)).reversed() { word = word << 8 | UInt64(bytes[index]) }
        return word
    }

    static func == (one: ShortText, other: ShortText) -> Bool {
        one.count == other.count && one.words == other.words
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        hasher.combine(words.0)
    }
}

extension ShortText {
    /// The text without the backslashes of JSON; nothing where it is cut off or has an escape that is no ASCII.
    var unescaped: ShortText? {
        guard fits else { return nil }
        var plain = ShortText()
        var index = 0
        while index < count {
            guard self[index] == UInt8(ascii: "\\") else {
                plain.append(self[index])
                index += 1
                continue
            }
            guard let (byte, length) = escape(at: index + 1) else { return nil }
            plain.append(byte)
            index += 1 + length
        }
        return plain
    }

    /// What stands behind a backslash, and in how many bytes. None of the names looked for has a control character, so
    /// that `\n` and the like are none of them.
    private func escape(at index: Int) -> (UInt8, length: Int)? {
        guard index < count else { return nil }
        guard self[index] == UInt8(ascii: "u") else {
            return "\"\\/".utf8.contains(self[index]) ? (self[index], 1) : nil
        }
        guard index + 5 <= count else { return nil }
        var value = 0
        for place in index + 1..<index + 5 {
            guard let digit = Character(Unicode.Scalar(self[place])).hexDigitValue else { return nil }
            value = value << 4 | digit
        }
        return value < 0x80 ? (UInt8(value), 5) : nil
    }

    /// The text as a count: 0 or more, a fraction rounded up (Cohere writes `12.0`). Nothing for what is negative, has
    /// an exponent or is no number.
    var wholeNumber: Int? {
        guard fits, count > 0 else { return nil }
        var value = 0
        var digits = 0
        var fraction: (digits: Int, isZero: Bool)?
        for index in 0..<count {
            let byte = self[index]
            if byte == UInt8(ascii: "."), fraction == nil, digits > 0 {
                fraction = (0, true)
            } else if byte.isDigit, let part = fraction {
                fraction = (part.digits + 1, part.isZero && byte == UInt8(ascii: "0"))
            } else if byte.isDigit {
                digits += 1
                // 32 digits: beyond any count, and stays there.
                value = min(value * 10 + Int(byte - UInt8(ascii: "0")), Self.beyond)
            } else {
                return nil
            }
        }
        guard digits > 0, fraction.map({ $0.digits > 0 }) ?? true else { return nil }
        return value + (fraction.map(\.isZero) ?? true ? 0 : 1)
    }

    /// Where numbers stop growing; ten times it is still an `Int`.
    private static let beyond = 1 << 53
}
