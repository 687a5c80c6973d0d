import Admission

@testable import ProviderSimulator
@testable import Providers

extension Property {
    /// The walk tells the same of a text in any pieces, and of a correct one what a slow reader finds.
    static let jsonWalk = Property("json-walk") { bytes in
        for showsAllText in [false, true] {
            let told = try Pieces.agreed(on: bytes) { try walked($0, showsAllText: showsAllText) }
            guard let json = SlowJSON(bytes), json.isContainer else { continue }
            let found = json.scalars(at: paths.map(\.names)).map { scalar in
                Told(
                    mark: paths[scalar.path].mark, isText: scalar.isText,
                    bytes: scalar.isText ? scalar.bytes : kept(scalar.bytes))
            }
            try requireEqual(told.filter { $0.mark != JSONPlaces.unmarked }, found, "the walk and the slow reader")
        }
    }

    private static let paths: [(names: [String], mark: JSONPlaces.Mark)] = [
        (["a"], 1), (["a", "b"], 2), (["content", "text"], 3), (["b"], 4), (["stream"], 5),
    ]
    private static let places = JSONPlaces(paths.map { ($0.names.joined(separator: "."), $0.mark) })

    private struct Told: Equatable {
        var mark: JSONPlaces.Mark
        var isText: Bool
        var bytes: [UInt8]
    }

    /// A literal as far as the walk keeps it, with zeros for the rest.
    private static func kept(_ literal: [UInt8]) -> [UInt8] {
        literal.enumerated().map { $0 < ShortText.capacity ? $1 : 0 }
    }

    private static func walked(_ pieces: [ArraySlice<UInt8>], showsAllText: Bool) throws -> [Told] {
        var walk = JSONWalk(places, showsAllText: showsAllText)
        var told: [Told] = []
        for piece in pieces {
            let bytes = Array(piece)
            var index = 0
            var last = 0
            while let token = walk.next(bytes.span, &index) {
                try require((last...bytes.count).contains(index), "the walk went from \(last) to \(index)")
                last = index
                switch token {
                case .string(let mark): told.append(Told(mark: mark, isText: true, bytes: []))
                case .text(let mark, let range):
                    try require(!range.isEmpty && range.upperBound <= index, "\(range) is no text before \(index)")
                    try requireEqual(told.last?.mark, mark, "a text of another string")
                    told[told.count - 1].bytes += bytes[range]
                case .literal(let mark):
                    let literal = (0..<walk.literal.count).map { $0 < ShortText.capacity ? walk.literal[$0] : 0 }
                    told.append(Told(mark: mark, isText: false, bytes: literal))
                case .opened, .closed: break
                }
            }
            try requireEqual(index, bytes.count, "the end of a piece")
        }
        return told
    }

    /// The two readers of a request's body agree with themselves in any pieces, with each other and with a slow one.
    static let requestBody = Property("request-body") { bytes in
        let peek = try Pieces.agreed(on: bytes) { RequestFacts($0) }
        let tokens = try Pieces.agreed(on: bytes) { pieces in
            var tokens = TokenPeek()
            for piece in pieces { tokens.read(piece.span) }
            return tokens.claim
        }
        // A run of base64 weighs 1200 as soon as it is long; everything else at most two for a byte.
        try require(
            (0...(bytes.count * 2 + 1)).contains(tokens.input), "\(tokens.input) tokens of \(bytes.count) bytes")
        if let bound = tokens.outputBound { try require(bound >= 0, "an output of \(bound)") }
        guard let json = SlowJSON(bytes), json.isContainer else { return }
        let scalars = json.scalars(at: [["model"], ["stream"]])
        let stream = scalars.last { $0.path == 1 }
        try requireEqual(
            peek.stream.value, stream.flatMap { $0.isText ? nil : Bool(String(decoding: $0.bytes, as: UTF8.self)) },
            "whether it streams")
        let model = scalars.last { $0.path == 0 }.flatMap(plainText)
        if (model?.utf8.count ?? 0) <= 250 { try requireEqual(peek.model.value, model, "the model") }
        if let most = peek.maxTokens.value, (1...UsageCounts.maxCount).contains(most) {
            try require(tokens.outputBound ?? 0 >= most, "\(most) are more than \(tokens)")
        }
    }

    private struct RequestFacts: Equatable {
        var model: RequestPeek.Field<String>
        var stream: RequestPeek.Field<Bool>
        var maxTokens: RequestPeek.Field<Int>

        init(_ pieces: [ArraySlice<UInt8>]) {
            var peek = RequestPeek()
            for piece in pieces { peek.read(piece.span) }
            peek.finish()
            (model, stream, maxTokens) = (peek.model, peek.stream, peek.maxTokens)
        }
    }

    private static func plainText(_ scalar: SlowJSON.Scalar) -> String? {
        guard scalar.isText else { return nil }
        let quote = [UInt8(ascii: "\"")]
        return JSONValue(quote + scalar.bytes + quote)?.text
    }

    /// What is spliced into a body asks for usage, breaks nothing, and is spliced in once.
    static let usageRequest = Property("usage-request") { bytes in
        guard let request = UsageRequest(body: bytes.span) else { return }
        try require(request.range.lowerBound >= 0 && request.range.upperBound <= bytes.count, "\(request.range)")
        let spliced = bytes[..<request.range.lowerBound] + request.text.utf8 + bytes[request.range.upperBound...]
        try requireEqual(spliced.count, bytes.count + request.growth, "the growth")
        let result = Array(spliced)
        try require(UsageRequest(body: result.span) == nil, "it is asked for twice")
        guard let before = SlowJSON(bytes) else { return }
        try requireEqual(RequestFacts([bytes[...]]).stream.value, true, "only a stream is asked for usage")
        guard let after = SlowJSON(result) else { throw Violation(description: "the result is no JSON") }
        let usage = after.scalars(at: [["stream_options", "include_usage"]])
        try requireEqual(usage.last?.bytes, Array("true".utf8), "include_usage")
        let kept = [["model"], ["stream"], ["messages"], ["messages", "content"], ["a"]]
        try requireEqual(before.scalars(at: kept), after.scalars(at: kept), "everything else")
    }
}
