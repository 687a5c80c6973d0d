/// Parts a stream of server-sent events into what its lines are (WHATWG HTML §9.2.6), in pieces cut anywhere.
///
/// Lines end with LF, CR or CRLF. Fields other than `data` mean nothing to whoever counts tokens.
struct EventLines: Sendable {
    enum Part: Equatable {
        /// Some of a line's data; several lines of one event belong together, with a line break between them.
        case data(Range<Int>)
        /// The end of a line that is neither empty nor a comment.
        case lineEnd
        /// The end of an empty line, and so of an event.
        case eventEnd
        /// Some of a comment, its end included.
        case comment
        /// The LF of a CRLF whose CR was told of before.
        case lineFeed
        /// Some of anything else: the name of a field, a field that is no data.
        case other
    }

    private enum Place: Equatable {
        /// So many bytes of `data:` have been read.
        case name(Int)
        /// Behind the colon, where one space does not count.
        case colon
        case data, otherField, comment
    }

    private static let name: [5 of UInt8] = [
        UInt8(ascii: "d"), UInt8(ascii: "a"), UInt8(ascii: "t"), UInt8(ascii: "a"), UInt8(ascii: ":"),
    ]

    private var place = Place.name(0)
    private var isBehindCR = false

    /// Whether a line begins here, and not with the rest of another's end.
    var isAtLineStart: Bool { place == .name(0) && !isBehindCR }

    /// Whole lines have been read by somebody else, from the start of one.
    ///
    /// - Parameter byte: the last of them.
    mutating func stepOver(linesEndingWith byte: UInt8) {
        isBehindCR = byte == UInt8(ascii: "\r")
    }

    /// The next part of a piece.
    ///
    /// - Parameter index: how far the piece has been read; it ends up behind the part.
    /// - Returns: nothing at the end of the piece.
    mutating func next(_ bytes: Span<UInt8>, _ index: inout Int) -> Part? {
        guard index < bytes.count else { return nil }
        if isBehindCR {
            isBehindCR = false
            if bytes[index] == UInt8(ascii: "\n") {
                index += 1
                return .lineFeed
            }
        }
        switch place {
        case .name(let count): return readName(bytes, &index, count)
        case .colon:
            place = .data
            if bytes[index] == UInt8(ascii: " ") {
                index += 1
                return .other
            }
            return readField(bytes, &index)
        case .data, .otherField, .comment: return readField(bytes, &index)
        }
    }

    private mutating func readName(_ bytes: Span<UInt8>, _ index: inout Int, _ known: Int) -> Part? {
        var count = known
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                return endLine(byte, &index, as: count == 0 ? .eventEnd : .lineEnd)
            }
            guard byte == Self.name[count] else {
                place = count == 0 && byte == UInt8(ascii: ":") ? .comment : .otherField
                return readField(bytes, &index)
            }
            index += 1
            count += 1
            if count == Self.name.count {
                place = .colon
                return .other
            }
        }
        place = .name(count)
        return .other
    }

    /// The rest of a line, up to its end or to the end of the piece.
    private mutating func readField(_ bytes: Span<UInt8>, _ index: inout Int) -> Part? {
        let start = index
        let end = bytes.firstIndex(of: UInt8(ascii: "\n"), or: UInt8(ascii: "\r"), from: start)
        if end == start { return endLine(bytes[end], &index, as: place == .comment ? .comment : .lineEnd) }
        index = end
        switch place {
        case .data: return .data(start..<end)
        case .comment: return .comment
        default: return .other
        }
    }

    private mutating func endLine(_ byte: UInt8, _ index: inout Int, as part: Part) -> Part {
        index += 1
        isBehindCR = byte == UInt8(ascii: "\r")
        place = .name(0)
        return part
    }
}
