/// Whether a stream of events that nobody reads has come to its own end, seen from the last bytes of each piece.
///
/// ``UsageMeter`` knows it exactly. This is for upstreams whose answers are not metered, where it costs next to
/// nothing: an end mark that is cut in two by the end of a piece is not seen.
package enum StreamEnd: Hashable, Sendable {
    case unwatched
    case open
    case reached

    /// OpenAI's and Anthropic's last events.
    private static let marks: [StaticString] = ["[DONE]", "message_stop\"}", "message_stop\" }"]

    /// The next piece of the stream.
    package mutating func take(_ bytes: Span<UInt8>) {
        guard self != .unwatched else { return }
        var end = bytes.count
        while end > 0, bytes[end - 1] == UInt8(ascii: "\n") || bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        // Line breaks alone are the end of an event that was there before.
        if end == 0 { return }
        let rest = bytes.extracting(first: end)
        self = Self.marks.contains { rest.ends(with: $0) } ? .reached : .open
    }
}

extension Span<UInt8> {
    fileprivate func ends(with word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard count >= length else { return false }
        return word.withUTF8Buffer { word in
            for place in 0..<length where self[count - length + place] != word[place] { return false }
            return true
        }
    }
}
