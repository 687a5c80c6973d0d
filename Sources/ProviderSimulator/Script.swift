/// What the simulator does with one request.
enum Act: Sendable {
    case play(Script)
    case reset(StreamReset)
    /// Nothing, until the caller leaves.
    case stall
}

enum StreamReset: Sendable {
    /// The request may have been processed.
    case broken
    /// The request has not been processed (HTTP/2 `REFUSED_STREAM`).
    case refused
}

/// An answer and when its pieces are written.
struct Script: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: Body
    /// Nanoseconds from the end of the request to the head and the first piece.
    var firstByte: Int64 = 0
    /// Nanoseconds before each further piece that takes time.
    var pause: Int64 = 0
    /// Whether all pieces take time, not only those with a token.
    var isSlow = false
    /// Share by which a pause varies, 0 to 1.
    var jitter = 0.0
    var random = SeededRandom(seed: 0)
    var ending = Ending.complete

    enum Body: Sendable {
        /// In so many pieces.
        case whole([UInt8], pieces: Int)
        case streamed(any Answer)

        /// A text that is written as fast as the caller reads.
        static func inParts(_ text: String) -> Body {
            let bytes = Array(text.utf8)
            return .whole(bytes, pieces: max(1, bytes.count / 16_384))
        }
    }

    enum Ending: Sendable {
        case complete
        /// Half of the pieces, then the end of the connection or stream.
        case cut
        /// One piece at most, then a reset.
        case reset
    }

    /// How many pieces are written.
    var pieces: Int {
        let all =
            switch body {
            case .whole(let bytes, let pieces): min(pieces, bytes.count)
            case .streamed(let answer): answer.steps
            }
        return switch ending {
        case .complete: all
        case .cut: all / 2
        case .reset: min(1, all / 2)
        }
    }

    func piece(_ place: Int) -> ArraySlice<UInt8> {
        switch body {
        case .whole(let bytes, let pieces):
            let count = min(pieces, bytes.count)
            return bytes[bytes.count * place / count..<bytes.count * (place + 1) / count]
        case .streamed(let answer):
            return answer.piece(place)[...]
        }
    }

    /// Nanoseconds to wait before a piece other than the first.
    mutating func pause(before place: Int) -> Int64 {
        guard pause > 0, takesTime(place) else { return 0 }
        return jitter == 0 ? pause : Int64(Double(pause) * (1 + jitter * (2 * random.fraction() - 1)))
    }

    private func takesTime(_ place: Int) -> Bool {
        if isSlow { return true }
        guard case .streamed(let answer) = body else { return false }
        return answer.takesTime(place)
    }

    /// Known where the answer is not streamed, also when it is going to be cut.
    var contentLength: Int? {
        if case .whole(let bytes, _) = body { return bytes.count }
        return nil
    }
}
