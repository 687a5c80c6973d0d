/// Takes duplicate keys out of the parser's way.
///
/// The parser gives up at the first mapping with a duplicate key and so would hide every other mistake. Each such key is
/// therefore renamed in the text, by putting one private-use character in the place of its first; no line or column
/// moves. Readers ask here for the name that the author wrote, and report the duplicate themselves.
struct DuplicateKeys {
    private(set) var text: String
    private var names: [Position: String] = [:]

    /// A file with more duplicates than this is reported up to here.
    private static let most = 64
    /// The first of Unicode's private-use characters (U+E000–U+F8FF), which no key of ours begins with.
    private static let firstPlaceholder: UInt32 = 0xE000

    init(text: String) {
        self.text = text
    }

    /// The name that the author gave to the key at this place, where it is another than the tree's.
    subscript(position: Position) -> String? { names[position] }

    /// Whether the key could be renamed: it must begin at this place as plain or quoted text, without an anchor.
    mutating func rename(_ name: String, at position: Position) -> Bool {
        guard names.count < Self.most, names[position] == nil,
            let placeholder = Unicode.Scalar(Self.firstPlaceholder + UInt32(names.count)),
            var index = Lines.index(of: position, in: text)
        else { return false }
        if let quote = Optional(text.unicodeScalars[index]), quote == "\"" || quote == "'" {
            index = text.unicodeScalars.index(after: index)
            guard index < text.unicodeScalars.endIndex, text.unicodeScalars[index] != quote else { return false }
        } else if !name.unicodeScalars.starts(with: [text.unicodeScalars[index]]) {
            return false
        }
        let next = text.unicodeScalars.index(after: index)
        text.unicodeScalars.replaceSubrange(index..<next, with: [placeholder])
        names[position] = name
        return true
    }
}
