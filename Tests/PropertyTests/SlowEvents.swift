/// A stream of server-sent events (WHATWG HTML §9.2.6) parted slowly, to compare with.
struct SlowEvent: Equatable {
    /// From its first line that is no comment to the end of the empty line behind it.
    var range: Range<Int>
    /// What its lines of data hold, joined by line feeds.
    var data: [UInt8]
    /// Whether its empty line is there.
    var isWhole: Bool

    static func all(in bytes: [UInt8]) -> [SlowEvent] {
        var events: [SlowEvent] = []
        var start: Int?
        var data: [[UInt8]] = []
        for line in lines(of: bytes) {
            let text = bytes[line.text]
            if text.first == UInt8(ascii: ":") { continue }
            let isEnd = text.isEmpty && line.text.upperBound < line.end
            let begin = start ?? line.text.lowerBound
            if text.isEmpty, !isEnd { continue }
            start = begin
            if isEnd {
                events.append(
                    SlowEvent(range: begin..<line.end, data: Array(data.joined(separator: [0x0A])), isWhole: true))
                start = nil
                data = []
            } else if text == Array("data".utf8)[...] {
                data.append([])
            } else if text.starts(with: "data:".utf8) {
                let value = text.dropFirst(5)
                data.append(Array(value.first == 0x20 ? value.dropFirst() : value))
            }
        }
        if let start {
            events.append(
                SlowEvent(range: start..<bytes.count, data: Array(data.joined(separator: [0x0A])), isWhole: false))
        }
        return events
    }

    /// Lines without their ends, and where those end.
    private static func lines(of bytes: [UInt8]) -> [(text: Range<Int>, end: Int)] {
        var lines: [(text: Range<Int>, end: Int)] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            guard bytes[index] == 0x0A || bytes[index] == 0x0D else {
                index += 1
                continue
            }
            let isPair = bytes[index] == 0x0D && index + 1 < bytes.count && bytes[index + 1] == 0x0A
            lines.append((start..<index, index + (isPair ? 2 : 1)))
            index += isPair ? 2 : 1
            start = index
        }
        if start < bytes.count { lines.append((start..<bytes.count, bytes.count)) }
        return lines
    }
}
