/// Server-sent events (HTML standard, §9.2).
enum EventText {
    static let contentType = "text/event-stream"
    /// How long a browser waits before it connects anew, in milliseconds.
    static let start = Array("retry: 2000\n\n".utf8)

    /// An event with this text: each of its lines behind `data: `, ended by a line that is empty.
    static func event(_ text: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count + 16)
        // A break at the very end ends the text and is no empty line more.
        let text = text.last == UInt8(ascii: "\n") ? text.dropLast() : text[...]
        let lines = text.split(omittingEmptySubsequences: false) {
            $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
        }
        for line in lines {
            bytes.append(contentsOf: "data: ".utf8)
            bytes.append(contentsOf: line)
            bytes.append(UInt8(ascii: "\n"))
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
}
