/// What the events of a stream look like but for their strings and numbers, learned from one of them.
///
/// The events of one answer are alike byte for byte outside what they carry: `data: {"id":"…","index":0,"delta":{…`.
/// An event that fits is read with a comparison of what stands between the holes and a search for the end of each
/// string, eight bytes at a time, and with the same result as a walk through its JSON: names, structure and words are
/// the same, so the walk would be at the same place at each hole.
struct EventPattern: Sendable {
    /// Longer events are not learned.
    static let maxLength = 2048

    private enum Filling: UInt8 {
        case string, number
        /// A string of the answer's output.
        case content
        /// A number at a place that somebody wants to know about.
        case count
    }

    private struct Hole {
        /// Up to where the pattern's bytes stand before it, and from where on behind it.
        var end: Int
        var filling: Filling
        var mark: JSONPlaces.Mark
    }

    /// The event without what fills the holes.
    private var bytes: [UInt8] = []
    private var holes: [Hole] = []
    /// Events since the last that fitted.
    private var misses = 0

    /// Whether an event that did not fit is worth learning: the second in a row, and ever more rarely while none fits.
    mutating func isWorthLearning() -> Bool {
        misses += 1
        return misses > 1 && misses & (misses - 1) == 0
    }

    mutating func noteFit() { misses = 0 }

    // MARK: Learning

    /// Takes an event as the pattern.
    ///
    /// - Parameters:
    ///   - event: all of it, the end of its last line included.
    ///   - data: where its one JSON text stands.
    mutating func learn(_ event: Span<UInt8>, data: Range<Int>, _ places: JSONPlaces, content: JSONPlaces.Mark) {
        bytes.removeAll(keepingCapacity: true)
        holes.removeAll(keepingCapacity: true)
        guard event.count <= Self.maxLength, let marks = Self.marks(in: event, data, places) else { return }
        var index = 0
        var isBehindColon = false
        while index < event.count {
            let byte = event[index]
            let start = index
            let end: Int?
            if byte == UInt8(ascii: "\"") {
                end = event.endOfString(from: index + 1).map { $0 + 1 }
            } else {
                end = byte.mayBeInNumber ? event.endOfNumber(from: index) : index + 1
            }
            guard let end, end <= event.count else { return bytes.removeAll(keepingCapacity: true) }
            index = end
            // Only what stands behind a colon is certainly no name.
            if isBehindColon, data.contains(start) {
                // A mark stands behind the quote that begins a string, and behind a literal.
                let place = byte == UInt8(ascii: "\"") ? start + 1 : end
                dig(event, start..<end, marks.first { $0.place == place }?.mark, content)
            } else {
                for place in start..<end { bytes.append(event[place]) }
            }
            isBehindColon = byte == UInt8(ascii: ":") || isBehindColon && byte == UInt8(ascii: " ")
        }
    }

    /// A value: a hole, or a word that has to be the same.
    private mutating func dig(
        _ event: Span<UInt8>, _ value: Range<Int>, _ mark: JSONPlaces.Mark?, _ content: JSONPlaces.Mark
    ) {
        let isString = event[value.lowerBound] == UInt8(ascii: "\"")
        let mark = mark ?? JSONPlaces.unmarked
        if isString, mark == JSONPlaces.unmarked || mark == content {
            bytes.append(UInt8(ascii: "\""))
            holes.append(Hole(end: bytes.count, filling: mark == content ? .content : .string, mark: mark))
            bytes.append(UInt8(ascii: "\""))
        } else if event[value.lowerBound].mayBeginNumber {
            holes.append(
                Hole(end: bytes.count, filling: mark == JSONPlaces.unmarked ? .number : .count, mark: mark))
        } else {
            for place in value { bytes.append(event[place]) }
        }
    }

    /// Where strings begin and literals end that somebody wants to know about; `nil` where the text is none.
    private static func marks(
        in event: Span<UInt8>, _ data: Range<Int>, _ places: JSONPlaces
    ) -> [(place: Int, mark: JSONPlaces.Mark)]? {
        var walk = JSONWalk(places)
        var marks: [(place: Int, mark: JSONPlaces.Mark)] = []
        var index = 0
        let text = event.extracting(data)
        while let token = walk.next(text, &index) {
            switch token {
            case .string(let mark), .literal(let mark): marks.append((data.lowerBound + index, mark))
            case .opened, .closed, .text: break
            }
        }
        // Where it ends before its bytes do, what follows means nothing; where it does not end, a further line may.
        return walk.isEnded && text.count > 0 && text[0] == UInt8(ascii: "{") ? marks : nil
    }

    // MARK: Matching

    /// What an event says that fits.
    struct Reading {
        /// The place behind the event.
        var end: Int
        /// Bytes of output, as they are written.
        var contentBytes = 0
    }

    /// Reads the event that begins at a place, where all of it is there and fits.
    ///
    /// - Parameter counts: are told of numbers; only what is returned together with a reading counts.
    func read(_ stream: Span<UInt8>, from start: Int, counts: inout UsageCounts) -> Reading? {
        guard !bytes.isEmpty else { return nil }
        let pattern = bytes.span
        var reading = Reading(end: start)
        var run = 0
        for hole in holes {
            guard stream.begins(at: reading.end, with: pattern, run..<hole.end) else { return nil }
            let place = reading.end + hole.end - run
            run = hole.end
            switch hole.filling {
            case .string, .content:
                guard let end = stream.endOfString(from: place) else { return nil }
                if hole.filling == .content { reading.contentBytes += end - place }
                reading.end = end
            case .number, .count:
                let end = stream.endOfNumber(from: place)
                guard end > place, stream[place].mayBeginNumber else { return nil }
                if hole.filling == .count { counts.report(stream, place..<end, as: hole.mark) }
                reading.end = end
            }
        }
        guard stream.begins(at: reading.end, with: pattern, run..<pattern.count) else { return nil }
        reading.end += pattern.count - run
        return reading
    }
}

extension UsageCounts {
    /// Takes note of a number at a place with a mark, where that is one of a count.
    fileprivate mutating func report(_ bytes: Span<UInt8>, _ range: Range<Int>, as mark: JSONPlaces.Mark) {
        guard let kind = Kind(rawValue: mark) else { return }
        var text = ShortText()
        text.append(bytes, range)
        if let count = text.wholeNumber { report(count, as: kind) }
    }
}

extension UInt8 {
    fileprivate var mayBeginNumber: Bool { isDigit || self == UInt8(ascii: "-") }

    fileprivate var mayBeInNumber: Bool {
        isDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: "+") || self == UInt8(ascii: ".")
            || self | 0x20 == UInt8(ascii: "e")
    }
}

extension Span<UInt8> {
    /// Whether the bytes of a range of another span stand here.
    fileprivate func begins(at start: Int, with other: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let length = range.count
        precondition(start >= 0 && range.lowerBound >= 0 && range.upperBound <= other.count, "places in the spans")
        guard start <= count - length else { return false }
        let (here, there) = (bytes, other.bytes)
        var index = 0
        // In bounds: so many bytes are behind both starts.
        while index <= length - 8 {
            let one = here.unsafeLoadUnaligned(fromUncheckedByteOffset: start &+ index, as: UInt64.self)
            let next = there.unsafeLoadUnaligned(fromUncheckedByteOffset: range.lowerBound &+ index, as: UInt64.self)
            if one != next { return false }
            index &+= 8
        }
        while index < length {
            let one = here.unsafeLoad(fromUncheckedByteOffset: start &+ index, as: UInt8.self)
            let next = there.unsafeLoad(fromUncheckedByteOffset: range.lowerBound &+ index, as: UInt8.self)
            if one != next { return false }
            index &+= 1
        }
        return true
    }

    /// The place of the quote that ends a string; `nil` where the bytes or the line end before.
    fileprivate func endOfString(from start: Int) -> Int? {
        precondition(start >= 0, "a place in the span")
        let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
        let lastWord = count - 8
        let bytes = bytes
        var index = start
        while index < count {
            while index <= lastWord {
                // In bounds: eight bytes begin there.
                let word = UInt64(
                    littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self))
                // The lowest flag of each is exact, and so the lowest of all.
                let controls = (word &- UInt64(repeating: UInt8(ascii: " "))) & ~word & UInt64.topBits
                let quotes = (word ^ UInt64(repeating: quote)).zeroBytes
                let hits = quotes | (word ^ UInt64(repeating: backslash)).zeroBytes | controls
                if hits != 0 {
                    index &+= hits.trailingZeroBitCount / 8
                    break
                }
                index &+= 8
            }
            while index < count, self[index] != quote, self[index] != backslash, self[index] >= UInt8(ascii: " ") {
                index &+= 1
            }
            guard index < count, self[index] >= UInt8(ascii: " ") else { return nil }
            if self[index] == quote { return index }
            // What stands behind a backslash can't end the string; a line that ends there is none of a pattern's.
            guard index + 1 < count, self[index + 1] >= UInt8(ascii: " ") else { return nil }
            index += 2
        }
        return nil
    }

    fileprivate func endOfNumber(from start: Int) -> Int {
        var index = start
        while index < count, self[index].mayBeInNumber { index += 1 }
        return index
    }
}
