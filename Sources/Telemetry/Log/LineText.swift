/// Pieces of a log line. Text comes from strangers: whatever could end the line, break its JSON or steer a terminal is
/// written as an escape sequence, and what is too long is cut.
extension [UInt8] {
    /// A JSON string (RFC 8259 §7), its quotes included.
    ///
    /// - Parameter longest: in bytes of UTF-8; a longer text is cut between characters and ends in `…`.
    mutating func appendJSON(_ text: String, longest: Int = .max) {
        append(UInt8(ascii: "\""))
        appendEscaped(text, longest: longest, escapeQuotes: true)
        append(UInt8(ascii: "\""))
    }

    /// Text for a terminal: as it is, without control characters.
    mutating func appendPlain(_ text: String, longest: Int = .max) {
        appendEscaped(text, longest: longest, escapeQuotes: false)
    }

    /// A value behind `key=` on a terminal: quoted where its end or its inside would be unclear otherwise.
    mutating func appendValue(_ text: String, longest: Int = .max) {
        let isClear = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x7F }
        if isClear { appendPlain(text, longest: longest) } else { appendJSON(text, longest: longest) }
    }

    /// Text that needs no escapes.
    mutating func append(_ text: String) {
        let isDone: Void? = text.utf8.withContiguousStorageIfAvailable { append(contentsOf: $0) }
        if isDone == nil { append(contentsOf: text.utf8) }
    }

    mutating func append(decimal number: Int) {
        if number < 0 { append(UInt8(ascii: "-")) }
        append(digitsOf: UInt64(number.magnitude), atLeast: 1)
    }

    /// A number from zero up with leading zeros; more digits than asked for are kept.
    mutating func append(_ number: Int64, digits: Int) {
        append(digitsOf: UInt64(number), atLeast: digits)
    }

    private mutating func append(digitsOf number: UInt64, atLeast least: Int) {
        if number >= 10 || least > 1 { append(digitsOf: number / 10, atLeast: least - 1) }
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }

    /// Nanoseconds as milliseconds with three decimals; what is below zero, from a clock that was set back, is zero.
    mutating func append(milliseconds nanoseconds: Int64) {
        let microseconds = Swift.max(nanoseconds, 0) / 1_000
        append(microseconds / 1_000, digits: 1)
        append(UInt8(ascii: "."))
        append(microseconds % 1_000, digits: 3)
    }

    private mutating func appendEscaped(_ text: String, longest: Int, escapeQuotes: Bool) {
        // Of all but Objective-C strings this shows the bytes in place.
        var text = text
        let isCut = text.withUTF8 { bytes in
            let end = LineText.end(of: bytes, longest: longest)
            var clean = 0
            var place = 0
            while place < end {
                let length = LineText.lengthToEscape(bytes, at: place, escapeQuotes: escapeQuotes)
                if length > 0 {
                    append(contentsOf: UnsafeBufferPointer(rebasing: bytes[clean..<place]))
                    appendEscape(bytes[place + length - 1])
                    clean = place + length
                }
                place += Swift.max(length, 1)
            }
            append(contentsOf: UnsafeBufferPointer(rebasing: bytes[clean..<end]))
            return end < bytes.count
        }
        if isCut { append(contentsOf: "…".utf8) }
    }

    /// - Parameter byte: an ASCII byte, or the second byte of U+0080 … U+009F, which equals the scalar.
    private mutating func appendEscape(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0D: append(UInt8(ascii: "r"))
        case 0x09: append(UInt8(ascii: "t"))
        default:
            append(contentsOf: "u00".utf8)
            append(LineText.hexDigits[Int(byte >> 4)])
            append(LineText.hexDigits[Int(byte & 0x0F)])
        }
    }
}

private enum LineText {
    static let hexDigits = Array("0123456789abcdef".utf8)

    /// Where to cut, never inside a character's bytes.
    static func end(of bytes: UnsafeBufferPointer<UInt8>, longest: Int) -> Int {
        guard bytes.count > longest else { return bytes.count }
        var end = max(longest, 0)
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }

    /// How many bytes an escape sequence replaces here: 1 for ASCII controls (and quotes), 2 for the controls U+0080 …
    /// U+009F, among which terminals take U+009B for the start of a command; 0 for ordinary text.
    static func lengthToEscape(_ bytes: UnsafeBufferPointer<UInt8>, at place: Int, escapeQuotes: Bool) -> Int {
        switch bytes[place] {
        case 0x00...0x1F, 0x7F: 1
        case 0x22, 0x5C: escapeQuotes ? 1 : 0
        case 0xC2 where place + 1 < bytes.count && bytes[place + 1] < 0xA0: 2
        default: 0
        }
    }
}
