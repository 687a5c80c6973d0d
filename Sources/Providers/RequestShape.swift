/// Where a provider's requests say which model they are for and whether the answer streams.
package struct RequestShape: Hashable, Sendable {
    /// Places of the model in the path, tried in order; the body's `model` counts where none has it.
    package var modelPlaces: [ModelPlace]
    /// A field that names the model, believed before any place in target or body; lower case.
    package var modelField: String?
    /// Endings of paths whose answers stream.
    package var streamingSuffixes: [String]
    /// Endings of paths whose answers stream unless the body says `"stream": false`.
    package var streamingByDefault: [String]

    package init(
        modelPlaces: [ModelPlace] = [], streamingSuffixes: [String] = [], streamingByDefault: [String] = []
    ) {
        self.modelPlaces = modelPlaces
        self.streamingSuffixes = streamingSuffixes
        self.streamingByDefault = streamingByDefault
    }

    package enum ModelPlace: Hashable, Sendable {
        /// What stands behind this word up to one of the delimiters (ASCII), or to the end of the path.
        case behind(String, upTo: String)
        /// A parameter of the query.
        case query(String)
    }

    /// The model that a request's target names, percent-decoded; nothing where it names none.
    ///
    /// - Parameter target: path and query.
    package func model(inTarget target: String) -> String? {
        guard !modelPlaces.isEmpty else { return nil }
        let target = RequestTarget(target)
        for place in modelPlaces {
            let found: Substring? =
                switch place {
                case .behind(let word, let delimiters): target.segment(behind: word, upTo: delimiters)
                case .query(let name): target.parameter(name)
                }
            if let found, !found.isEmpty { return PercentEncoding.decoded(found) }
        }
        return nil
    }

    /// Whether the answer to a request streams.
    ///
    /// - Parameters:
    ///   - target: path and query.
    ///   - body: the body's own `stream`, where it has one.
    package func streams(target: String, body: Bool?) -> Bool {
        guard !streamingSuffixes.isEmpty || !streamingByDefault.isEmpty else { return body ?? false }
        let path = RequestTarget(target).path
        if streamingSuffixes.contains(where: path.hasSuffix) { return true }
        return body ?? streamingByDefault.contains(where: path.hasSuffix)
    }

    /// Whether the answer to a request has tokens of its own that count as output.
    ///
    /// - Parameter target: path and query.
    package func hasOutput(target: String) -> Bool {
        let path = RequestTarget(target).path
        return !Self.outputless.contains(where: path.hasSuffix)
    }

    /// Embeddings, rankings, verdicts and counts, at whichever provider: no other endpoint ends like one of these.
    private static let outputless = [
        "/embeddings", "/embed", ":embedContent", ":batchEmbedContents", "/rerank", "/moderations", "/count_tokens",
        "/count-tokens", ":countTokens", "/tokenize",
    ]
}

/// The target of a request, parted into path and query.
struct RequestTarget {
    var path: Substring
    /// Empty where there is none.
    var query: Substring

    init(_ target: String) {
        // In bytes, since every request comes here: splitting by characters takes ten times as long. Most have no query.
        let bytes = target.utf8
        let mayHaveQuery = bytes.withContiguousStorageIfAvailable { $0.contains(UInt8(ascii: "?")) } ?? true
        guard mayHaveQuery, let mark = bytes.firstIndex(of: UInt8(ascii: "?")) else {
            path = target[...]
            query = ""
            return
        }
        path = target[..<mark]
        query = Substring(bytes[mark...].dropFirst())
    }

    /// What stands behind the first occurrence of a word, up to a delimiter.
    func segment(behind word: String, upTo delimiters: String) -> Substring? {
        var rest = path.utf8
        while !rest.isEmpty {
            if rest.starts(with: word.utf8) {
                return Substring(rest.dropFirst(word.utf8.count).prefix { !delimiters.utf8.contains($0) })
            }
            rest.removeFirst()
        }
        return nil
    }

    /// The first value of a parameter, still encoded.
    func parameter(_ name: String) -> Substring? {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, parts[0] == name { return parts[1] }
        }
        return nil
    }
}

/// RFC 3986 §2.1.
enum PercentEncoding {
    /// Text with each valid `%XX` replaced by its byte; what is no valid escape stays as it is.
    static func decoded(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        let bytes = Array(text.utf8)
        var decoded: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = digit(bytes[index + 1]),
                let low = digit(bytes[index + 2])
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
    }
}
