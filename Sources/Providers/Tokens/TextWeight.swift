/// Estimates the tokens of the strings of a JSON text by what their characters are, without keeping them.
///
/// In quarters of a token: an ASCII character 1 (OpenAI's tokenizer page: "one token generally corresponds to ~4
/// characters" of English); one of two bytes in UTF-8 (Latin with accents, Greek, Cyrillic, Hebrew, Arabic) 2; one of
/// three (Chinese, Japanese, Korean, Indic, Thai) 4, as newer vocabularies have about a token for a Chinese character
/// (DeepSeek's page on token usage says 0.6, older vocabularies take more than one); one of four (emoji) 8. The
/// figures are rough on purpose: whoever uses them learns the rest per model from what answers report.
///
/// A run of more than 1 024 bytes of the base64 alphabet is no text but an image, a sound or a document, wherever it
/// stands (`data:` URLs, Anthropic's and Gemini's `data`, Ollama's `images`, Bedrock's `bytes`). It counts 1 200
/// tokens, between OpenAI's 765 and 1 105 for large pictures in high detail and Anthropic's 1 600 (width · height / 750
/// at the largest size), or one for 1 600 bytes of what it encodes where that is more, as LiteLLM counts sound.
struct TextWeight: Sendable {
    static let longestWord = 1024
    static let tokensPerMedium = 1200
    /// 1 600 bytes in base64.
    static let bytesPerMediumToken = 2134
    /// A medium of so many bytes counts flat.
    private static let flatBytes = tokensPerMedium * bytesPerMediumToken
    /// Lines of base64 have 64 (PEM) or 76 characters (MIME, RFC 2045 §6.8).
    static let shortestLine = 60

    /// Rounded up.
    var tokens: Int { (quarters + 3) / 4 }

    private var quarters = 0
    /// Bytes since the last that base64 doesn't have.
    private var run = 0
    /// Bytes of the run since its last line break.
    private var line = 0
    private var escape = Escape.none

    private enum Escape {
        case none, backslash
        case unicode(digits: Int, value: UInt32)
    }

    /// A string begins.
    mutating func beginText() {
        run = 0
        line = 0
        escape = .none
    }

    /// So many tokens that are no text.
    mutating func add(tokens: Int) {
        quarters += 4 * tokens
    }

    /// Some of a string's bytes, as they are written.
    mutating func read(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        var index = range.lowerBound
        while index < range.upperBound {
            if case .none = escape, index + 8 <= range.upperBound {
                let count = readPlain(bytes.word(at: index))
                index += count
                if count > 0 { continue }
            }
            if case .none = escape, bytes[index] >= 0x80 {
                readWide(bytes, &index, upTo: range.upperBound)
            } else {
                read(bytes[index])
                index += 1
            }
        }
    }

    /// Reads on as far as no byte is ASCII. A character counts with its first byte.
    private mutating func readWide(_ bytes: Span<UInt8>, _ index: inout Int, upTo end: Int) {
        var count = 0
        while index < end, bytes[index] >= 0x80 {
            let byte = bytes[index]
            count += byte < 0xC0 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 4 : 8
            index += 1
        }
        endRun(adding: count)
    }

    /// Reads up to eight bytes in one step, as far as they are ASCII and no backslash.
    ///
    /// - Returns: how many.
    private mutating func readPlain(_ word: UInt64) -> Int {
        let specials = word & UInt64.topBits | Self.flags(word, of: UInt8(ascii: "\\"))
        let count = specials.trailingZeroBitCount / 8
        guard count > 0 else { return 0 }
        let below = ~((word | UInt64.topBits) &- UInt64(repeating: Self.firstOfBase64)) & UInt64.topBits
        let anyBreaks = below | Self.flags(word, of: UInt8(ascii: ",")) | Self.flags(word, of: UInt8(ascii: "."))
        let breaks = count == 8 ? anyBreaks : anyBreaks & ~(UInt64.max << UInt64(count * 8))
        guard breaks != 0 else {
            extendRun(by: count)
            return count
        }
        let leading = breaks.trailingZeroBitCount / 8
        extendRun(by: leading)
        quarters += count - leading
        run = count - 8 + breaks.leadingZeroBitCount / 8
        line = run
        return count
    }

    /// The top bit of each byte that is this one; bytes that are no ASCII may have it too.
    private static func flags(_ word: UInt64, of byte: UInt8) -> UInt64 {
        ~((word ^ UInt64(repeating: byte) | UInt64.topBits) &- UInt64(repeating: 1)) & UInt64.topBits
    }

    /// What is below, and the comma and the point, end a run; so does what is no ASCII. Other punctuation would too,
    /// but text without any of these is none.
    private static let firstOfBase64 = UInt8(ascii: "+")

    private mutating func read(_ byte: UInt8) {
        switch escape {
        case .none:
            if byte == UInt8(ascii: "\\") { escape = .backslash } else { readPlain(byte) }
        case .backslash:
            escape = .none
            readEscaped(byte)
        case .unicode(let digits, let value):
            let digit = Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt32.init) ?? 0
            escape = digits == 3 ? .none : .unicode(digits: digits + 1, value: value << 4 | digit)
            if digits == 3 { endRun(adding: Self.quarters(ofCodeUnit: value << 4 | digit)) }
        }
    }

    private mutating func readPlain(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "."), ..<Self.firstOfBase64: endRun(adding: 1)
        default: extendRun(by: 1)
        }
    }

    private mutating func readEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "u"): escape = .unicode(digits: 0, value: 0)
        // Some encoders escape it, also in base64.
        case UInt8(ascii: "/"): extendRun(by: 1)
        case UInt8(ascii: "r") where line >= Self.shortestLine: extendRun(by: 1)
        case UInt8(ascii: "n") where line >= Self.shortestLine:
            extendRun(by: 1)
            line = 0
        default: endRun(adding: 1)
        }
    }

    private static func quarters(ofCodeUnit unit: UInt32) -> Int {
        switch unit {
        case ..<0x80: 1
        case ..<0x800: 2
        // The first half of a pair counts for both.
        case 0xD800...0xDBFF: 8
        case 0xDC00...0xDFFF: 0
        default: 4
        }
    }

    private mutating func endRun(adding count: Int) {
        quarters += count
        run = 0
        line = 0
    }

    /// As text up to its longest word, as a medium beyond.
    private mutating func extendRun(by count: Int) {
        let longer = run + count
        if longer <= Self.longestWord {
            quarters += count
        } else if run <= Self.longestWord || longer > Self.flatBytes {
            quarters += Self.quarters(ofRun: longer) - Self.quarters(ofRun: run)
        }
        run = longer
        line += count
    }

    private static func quarters(ofRun length: Int) -> Int {
        length <= longestWord ? length : 4 * max(tokensPerMedium, length / bytesPerMediumToken)
    }
}
