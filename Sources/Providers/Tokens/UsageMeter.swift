import Admission

/// Reads from an answer, while it passes by, how many tokens it took.
///
/// It is fed every piece of the body as it comes, cut anywhere, and keeps nothing of it but the shape of one event
/// (``EventPattern``): bounded memory, a few allocations for a stream. No event is too long for it. What is no JSON, or is
/// compressed, makes it find nothing.
package struct UsageMeter: Sendable {
    private let framing: AnswerFraming
    private var lines = EventLines()
    private var frames = EventFrames()
    private var envelope = FrameEnvelope()
    private var reader = UsageReader()
    private var pattern = EventPattern()
    /// Whether nothing of the next event has been read.
    private var isBetweenTexts = true
    private var isFinished = false

    package init(_ framing: AnswerFraming) {
        self.framing = framing
    }

    /// What the answer has reported of its tokens so far; the input may be known long before the output.
    package var usage: Tokens? { reader.counts.tokens }

    /// Whether ``usage`` is the answer's last word: it is known, and the answer has come to its own end. Without that
    /// the output that was reported may be of the answer's beginning only.
    package var isFinal: Bool {
        guard usage != nil else { return false }
        return reader.hasEndMark || (framing == .document && reader.isTextEnded)
    }

    /// Whether the answer has said that it is whole: `[DONE]`, `message_stop` and the like. A document does not.
    package var hasEndMark: Bool { reader.hasEndMark }

    /// What has passed by of the output, in tokens: one for each event that carries some (as OpenAI streams), a fourth
    /// of its bytes where that is more (events of other providers carry several words).
    package var estimatedOutput: Int {
        framing == .document ? reader.contentBytes / 4 : reader.estimatedOutput
    }

    /// The output to settle with: what was reported, and of an answer that broke off at least what has passed by.
    package var output: Int {
        isFinal ? usage?.output ?? 0 : max(usage?.output ?? 0, estimatedOutput)
    }

    /// Takes note of a header field of the answer; nearly all mean nothing here.
    ///
    /// - Parameter name: in any case.
    package mutating func read(header name: String, value: String) {
        reader.counts.report(header: name, value: value)
    }

    /// The next piece of the body.
    package mutating func read(_ bytes: Span<UInt8>) {
        switch framing {
        case .document: reader.read(bytes)
        case .lines: readLines(bytes)
        case .events: readEvents(bytes)
        case .frames: readFrames(bytes)
        }
    }

    /// The body has ended, well or not. An event that was cut off counts with what there is of it.
    package mutating func finish() {
        guard !isFinished, framing != .document else { return }
        isFinished = true
        reader.endText()
    }

    private mutating func readEvents(_ bytes: Span<UInt8>) {
        var index = 0
        var event = WholeText()
        while index < bytes.count {
            if isBetweenTexts, lines.isAtLineStart {
                if let end = reader.read(bytes, from: index, as: &pattern) {
                    lines.stepOver(linesEndingWith: bytes[end - 1])
                    index = end
                    continue
                }
                event = WholeText(start: index)
                isBetweenTexts = false
            }
            switch lines.next(bytes, &index) {
            case .data(let range):
                reader.read(bytes.extracting(range))
                event.add(range)
            case .lineEnd: reader.endLine()
            case .eventEnd: endText(bytes, event, upTo: index)
            case .comment, .lineFeed, .other, nil: break
            }
        }
    }

    private mutating func readLines(_ bytes: Span<UInt8>) {
        var index = 0
        var line = WholeText()
        while index < bytes.count {
            if isBetweenTexts {
                if let end = reader.read(bytes, from: index, as: &pattern) {
                    index = end
                    continue
                }
                line = WholeText(start: index)
                isBetweenTexts = false
            }
            let end = bytes.firstIndex(of: UInt8(ascii: "\n"), or: UInt8(ascii: "\n"), from: index)
            reader.read(bytes.extracting(index..<end))
            line.add(index..<end)
            index = end + 1
            if end < bytes.count { endText(bytes, line, upTo: index) }
        }
    }

    /// An event or a line is over. Where all of it is here, others like it may follow.
    private mutating func endText(_ bytes: Span<UInt8>, _ text: WholeText, upTo end: Int) {
        reader.endText()
        isBetweenTexts = true
        guard let start = text.start, let data = text.data, pattern.isWorthLearning() else { return }
        let whole = bytes.extracting(start..<end)
        UsageReader.teach(&pattern, whole, data: data.lowerBound - start..<data.upperBound - start)
    }

    private mutating func readFrames(_ bytes: Span<UInt8>) {
        var index = 0
        while let part = frames.next(bytes, &index) {
            switch part {
            case .payload(let range): envelope.read(bytes.extracting(range), into: &reader)
            case .frameEnd: envelope.end(into: &reader)
            }
        }
    }
}

/// Where an event begins and has its data, as far as all of it is in one piece and in one line.
private struct WholeText {
    var start: Int?
    private(set) var data: Range<Int>?

    mutating func add(_ range: Range<Int>) {
        if data != nil { start = nil }
        data = range
    }
}
