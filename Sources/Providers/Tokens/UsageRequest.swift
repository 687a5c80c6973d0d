/// Asks an OpenAI-shaped provider to report the tokens of a streamed answer (`stream_options.include_usage`), which it
/// does only when asked.
///
/// The body is spliced, never written anew: the order of members and the form of numbers matter to prompt caches and
/// signatures. What the answer then has too much is taken out again by ``UsageChunkFilter``.
package struct UsageRequest: Hashable, Sendable {
    /// The bytes of the body that are replaced; empty where something is put in between.
    package var range: Range<Int>
    /// What stands there instead; ASCII.
    package var text: String

    /// How many bytes longer the body becomes.
    package var growth: Int { text.utf8.count - range.count }

    /// What to change in a request for chat completions or completions; nothing where its answer does not stream,
    /// where it asks for usage itself, or where it is not whole or not of that shape.
    ///
    /// - Parameter body: the whole body.
    package init?(body: Span<UInt8>) {
        var options = StreamOptions()
        options.read(body)
        guard let splice = options.splice(body) else { return nil }
        self = splice
    }

    fileprivate init(_ text: String, at range: Range<Int>) {
        self.range = range
        self.text = text
    }
}

/// What a request says about its stream. Of members that stand twice the last counts.
private struct StreamOptions {
    private enum Options {
        case missing
        case null(Range<Int>)
        /// Opens right before this place; what it says of usage, and where.
        case object(Int, Usage)
        case other
    }

    private enum Usage {
        case missing, wanted
        case unwanted(Range<Int>)
        case other
    }

    private static let root: JSONPlaces.Mark = 1
    private static let stream: JSONPlaces.Mark = 2
    private static let options: JSONPlaces.Mark = 3
    private static let usage: JSONPlaces.Mark = 4
    private static let places = JSONPlaces(
        root: root, [("stream", stream), ("stream_options", options), ("stream_options.include_usage", usage)])

    /// Behind the brace that opens the body.
    private var start: Int?
    private var isWhole = false
    private var streams = false
    private var options = Options.missing
    private var isInOptions = false
    /// Containers open where a scalar or the options themselves should stand; what is in them means nothing.
    private var strayDepth = 0

    mutating func read(_ body: Span<UInt8>) {
        var walk = JSONWalk(Self.places)
        var index = 0
        while let token = walk.next(body, &index) {
            switch token {
            case .opened(Self.root, let isObject):
                guard isObject else { return }
                start = index
            case .closed(Self.root): isWhole = true
            case .opened(let mark, let isObject): open(mark, isObject: isObject, at: index)
            case .closed: if strayDepth > 0 { strayDepth -= 1 } else { isInOptions = false }
            case .literal(let mark): take(walk.literal, at: mark, index - walk.literal.count..<index)
            case .string(let mark): takeOther(at: mark)
            case .text: break
            }
        }
    }

    private mutating func open(_ mark: JSONPlaces.Mark, isObject: Bool, at index: Int) {
        if mark == Self.options, isObject, !isInOptions, strayDepth == 0 {
            isInOptions = true
            options = .object(index, .missing)
        } else {
            takeOther(at: mark)
            strayDepth += 1
        }
    }

    private mutating func take(_ literal: ShortText, at mark: JSONPlaces.Mark, _ range: Range<Int>) {
        guard strayDepth == 0 else { return }
        switch mark {
        case Self.stream: streams = literal == ShortText("true")
        case Self.options: options = literal == ShortText("null") ? .null(range) : .other
        case Self.usage:
            guard case .object(let start, _) = options else { return }
            let isUnwanted = literal == ShortText("false") || literal == ShortText("null")
            let isWanted = literal == ShortText("true")
            options = .object(start, isUnwanted ? .unwanted(range) : isWanted ? .wanted : .other)
        default: break
        }
    }

    private mutating func takeOther(at mark: JSONPlaces.Mark) {
        guard strayDepth == 0 else { return }
        switch mark {
        case Self.stream: streams = false
        case Self.options: options = .other
        case Self.usage: if case .object(let start, _) = options { options = .object(start, .other) }
        default: break
        }
    }

    func splice(_ body: Span<UInt8>) -> UsageRequest? {
        guard let start, isWhole, streams else { return nil }
        let wish = #""include_usage":true"#
        switch options {
        case .missing: return UsageRequest(#""stream_options":{\#(wish)},"#, at: start..<start)
        case .null(let range): return UsageRequest("{\(wish)}", at: range)
        case .object(let start, .missing):
            return UsageRequest(Self.isEmpty(body, from: start) ? wish : "\(wish),", at: start..<start)
        case .object(_, .unwanted(let range)): return UsageRequest("true", at: range)
        case .object(_, .wanted), .object(_, .other), .other: return nil
        }
    }

    private static func isEmpty(_ body: Span<UInt8>, from start: Int) -> Bool {
        var index = start
        while index < body.count, [0x20, 0x09, 0x0A, 0x0D].contains(body[index]) { index += 1 }
        return index < body.count && body[index] == UInt8(ascii: "}")
    }
}
