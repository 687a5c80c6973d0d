/// Takes out of an OpenAI-shaped stream the one event that the caller did not ask for: the chunk with no choices and
/// with usage (`"choices":[],"usage":{…}`) that `stream_options.include_usage` adds before `[DONE]`. Many applications
/// index `choices[0]` and would fail on it.
///
/// Every other byte passes as it came, and at once: an event is held only as long as it may still be that chunk, which
/// for OpenAI's is until its first choice begins, some 200 bytes, and at most ``maxHeld``. The `"usage":null` that
/// OpenAI adds to all other chunks stays: SDKs have the member as optional, and it hurts nobody.
package struct UsageChunkFilter: Sendable {
    /// Bytes of one event that are held at most; a chunk with usage has some 500.
    package static let maxHeld = 4096

    /// What of a piece passes.
    package enum Passage: Hashable, Sendable {
        /// All of it and nothing else, as nearly always.
        case all
        /// First bytes of earlier pieces, then these parts of this one.
        case parts(held: [UInt8], [Range<Int>])
    }

    private enum Stage { case open, passes, drops }

    private var lines = EventLines()
    private var reader = ChunkReader()
    /// What is known of the event.
    private var stage = Stage.open
    /// The event's beginning in earlier pieces.
    private var held: [UInt8] = []
    /// Whether the last event was dropped, and with it the rest of its line break.
    private var dropsLineFeed = false

    package init() {}

    /// The next piece of the body.
    package mutating func read(_ bytes: Span<UInt8>) -> Passage {
        var cut = Cut(start: stage == .drops ? nil : 0)
        var index = 0
        while index < bytes.count {
            // An event that has been open for too long passes, wherever pieces are cut.
            let end = stage == .open ? min(bytes.count, cut.eventStart + Self.maxHeld - held.count) : bytes.count
            let start = index
            if let part = lines.next(bytes.extracting(0..<end), &index) {
                take(part, bytes, start..<index, &cut)
            } else {
                pass(&cut)
            }
        }
        return end(bytes, &cut)
    }

    /// The body has ended.
    ///
    /// - Returns: what was held of an event that never became whole.
    package mutating func finish() -> [UInt8] {
        defer { held = [] }
        return held
    }

    private mutating func take(
        _ part: EventLines.Part, _ bytes: Span<UInt8>, _ place: Range<Int>, _ cut: inout Cut
    ) {
        let isAtStart = stage == .open && held.isEmpty && cut.eventStart == place.lowerBound
        let endsDropped = dropsLineFeed
        dropsLineFeed = false
        switch part {
        case .data(let range):
            if stage == .open { decide(reader.read(bytes.extracting(range)), &cut) }
        case .lineEnd:
            if stage == .open { decide(reader.endLine(), &cut) }
        case .eventEnd:
            dropsLineFeed = stage == .drops
            if stage == .open { pass(&cut) }
            stage = .open
            reader = ChunkReader()
            cut.beginEvent(at: place.upperBound)
        // Between events, so that nothing need be held for it.
        case .comment where isAtStart: cut.eventStart = place.upperBound
        case .lineFeed where isAtStart:
            cut.eventStart = place.upperBound
            if endsDropped { cut.start = place.upperBound }
        case .comment, .lineFeed, .other: break
        }
    }

    private mutating func decide(_ verdict: ChunkReader.Verdict, _ cut: inout Cut) {
        switch verdict {
        case .open: break
        case .passes: pass(&cut)
        case .drops:
            stage = .drops
            held.removeAll(keepingCapacity: true)
            cut.close(at: cut.eventStart)
        }
    }

    /// The event is not the one.
    private mutating func pass(_ cut: inout Cut) {
        stage = .passes
        if !held.isEmpty {
            cut.released = held
            held.removeAll(keepingCapacity: true)
        }
    }

    private mutating func end(_ bytes: Span<UInt8>, _ cut: inout Cut) -> Passage {
        let end = stage == .open ? cut.eventStart : bytes.count
        if stage == .open {
            for index in end..<bytes.count { held.append(bytes[index]) }
        }
        if cut.released.isEmpty, cut.ranges.isEmpty, cut.start == 0, end == bytes.count { return .all }
        cut.close(at: end)
        return .parts(held: cut.released, cut.ranges)
    }
}

/// What of one piece passes, while it is being found out.
private struct Cut {
    var released: [UInt8] = []
    var ranges: [Range<Int>] = []
    /// Where the part that passes begins; nothing while an event is dropped.
    var start: Int?
    /// Where the event begins, as far as it is in this piece.
    var eventStart = 0

    init(start: Int?) {
        self.start = start
    }

    mutating func beginEvent(at index: Int) {
        eventStart = index
        if start == nil { start = index }
    }

    mutating func close(at end: Int) {
        if let start, start < end { ranges.append(start..<end) }
        start = nil
    }
}

/// Reads one event for whether it is the chunk that only tells usage.
private struct ChunkReader {
    enum Verdict { case open, passes, drops }

    private enum Choices { case unknown, opening, none }

    private static let root: JSONPlaces.Mark = 1
    private static let choices: JSONPlaces.Mark = 2
    private static let usage: JSONPlaces.Mark = 3
    private static let places = JSONPlaces(root: root, [("choices", choices), ("usage", usage)])

    private var walk = JSONWalk(Self.places)
    private var choices = Choices.unknown
    private var hasUsage = false

    mutating func read(_ bytes: Span<UInt8>) -> Verdict {
        var index = 0
        while let token = walk.next(bytes, &index) {
            switch token {
            case .opened(Self.root, isObject: true), .closed(Self.root), .closed(Self.usage): break
            case .opened(Self.choices, isObject: false) where choices == .unknown: choices = .opening
            case .closed(Self.choices): choices = .none
            case .opened(Self.usage, isObject: true): hasUsage = true
            // A choice, `"usage":null`, `[DONE]`.
            default: return .passes
            }
            if hasUsage, choices == .none { return .drops }
        }
        return walk.isEnded ? .passes : .open
    }

    /// A line of the event is complete and another may follow.
    mutating func endLine() -> Verdict {
        let lineBreak: [1 of UInt8] = [UInt8(ascii: "\n")]
        return read(lineBreak.span)
    }
}
