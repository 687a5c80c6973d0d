/// A command as it is sent: an array of strings.
package struct RESPCommand: Hashable, Sendable {
    package var words: [[UInt8]]

    package init(_ words: [String]) { self.words = words.map { Array($0.utf8) } }

    package init(_ words: String...) { self.init(words) }

    package func write(to bytes: inout [UInt8]) {
        Self.writeHead("*", words.count, to: &bytes)
        for word in words {
            Self.writeHead("$", word.count, to: &bytes)
            bytes += word
            bytes += [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
        }
    }

    private static func writeHead(_ mark: Character, _ count: Int, to bytes: inout [UInt8]) {
        bytes += Array("\(mark)\(count)\r\n".utf8)
    }
}
