/// A place in a short text from which something is read; every reading either moves it behind what it read, or fails
/// and leaves it where it was.
struct TextCursor {
    private let bytes: [UInt8]
    private(set) var index = 0

    init(_ text: some Sequence<UInt8>) {
        bytes = Array(text)
    }

    init(_ text: String) {
        self.init(text.utf8)
    }

    var isAtEnd: Bool { index == bytes.count }

    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func move(to index: Int) {
        self.index = min(max(index, 0), bytes.count)
    }

    mutating func skipSpaces() {
        while let byte = next, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { index += 1 }
    }

    /// Reads one byte if it is one of these.
    mutating func take(_ wanted: UInt8...) -> Bool {
        guard let byte = next, wanted.contains(byte) else { return false }
        index += 1
        return true
    }

    /// Reads a word if it comes next; the case of ASCII letters does not count.
    mutating func take(word: String) -> Bool {
        var end = index
        for wanted in word.utf8 {
            guard end < bytes.count, bytes[end].lowercasedASCII == wanted.lowercasedASCII else { return false }
            end += 1
        }
        index = end
        return true
    }

    /// Reads a whole number of exactly so many digits.
    mutating func digits(_ count: Int) -> Int? {
        guard index + count <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[index..<index + count] {
            guard byte.isDigit else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        index += count
        return value
    }

    /// Reads letters (and the Greek or micro sign of `µs`) up to the next byte of another kind.
    mutating func letters() -> String {
        let start = index
        while let byte = next, byte.isLetter || byte >= 0x80 { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// The places right behind each occurrence of a word; the case of ASCII letters does not count.
    func places(behind word: String) -> [Int] {
        var cursor = self
        var places: [Int] = []
        while !cursor.isAtEnd {
            if cursor.take(word: word) {
                places.append(cursor.index)
            } else {
                cursor.index += 1
            }
        }
        return places
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowercasedASCII) }
    var lowercasedASCII: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }
}
