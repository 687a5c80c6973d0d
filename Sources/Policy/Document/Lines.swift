/// Lines and columns of a text, counted as YAML 1.1 counts them: CR, LF, CRLF, NEL, LS and PS end a line.
enum Lines {
    static func index(of position: Position, in text: String) -> String.UnicodeScalarView.Index? {
        let scalars = text.unicodeScalars
        var here = Position.start
        var index = scalars.startIndex
        while index < scalars.endIndex {
            if here == position { return index }
            if here > position { return nil }
            here = advanced(here, over: scalars[index], in: scalars, at: index)
            index = scalars.index(after: index)
        }
        return nil
    }

    /// The position itself, or the end of the text where it lies behind that: the parser counts one line more for a
    /// last line without an end.
    static func clamped(_ position: Position, in text: String) -> Position {
        min(position, self.position(ofCharacter: text.count, in: text))
    }

    static func scalar(at position: Position, in text: String) -> Unicode.Scalar? {
        index(of: position, in: text).map { text.unicodeScalars[$0] }
    }

    /// The position of the `offset`-th character; the end of the text where it has fewer.
    static func position(ofCharacter offset: Int, in text: String) -> Position {
        let end = text.index(text.startIndex, offsetBy: offset, limitedBy: text.endIndex) ?? text.endIndex
        let scalars = text.unicodeScalars
        var here = Position.start
        for index in scalars.indices where index < end {
            here = advanced(here, over: scalars[index], in: scalars, at: index)
        }
        return here
    }

    /// Where bytes that are no UTF-8 first go wrong.
    static func firstInvalid(in bytes: ArraySlice<UInt8>) -> Position {
        var here = Position.start
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&iterator) {
            if scalar == "\n" {
                here = Position(line: here.line + 1, column: 1)
            } else {
                here.column += 1
            }
        }
        return here
    }

    private static func advanced(
        _ position: Position, over scalar: Unicode.Scalar, in scalars: String.UnicodeScalarView,
        at index: String.UnicodeScalarView.Index
    ) -> Position {
        let next = scalars.index(after: index)
        let endsLine =
            switch scalar {
            case "\n", "\u{85}", "\u{2028}", "\u{2029}": true
            case "\r": next == scalars.endIndex || scalars[next] != "\n"
            default: false
            }
        return endsLine
            ? Position(line: position.line + 1, column: 1)
            : Position(line: position.line, column: position.column + 1)
    }
}
