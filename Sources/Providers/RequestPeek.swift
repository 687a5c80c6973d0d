/// Reads the few members of a request's JSON body that decide about it, while the body arrives.
///
/// Feed it the pieces in order; it keeps nothing of them but the values, and is done with each byte once. Of a member
/// that stands twice the last counts, as for most JSON parsers, so that the model that was admitted is the model that
/// is served.
package struct RequestPeek: Sendable {
    /// What is known of one member.
    package enum Field<Value: Hashable & Sendable>: Hashable, Sendable {
        case found(Value)
        /// The body is complete, or is no JSON document, and has no such member (or one of another type).
        case absent
        /// It may still come.
        case needMore

        /// The value where there is one.
        package var value: Value? {
            if case .found(let value) = self { value } else { nil }
        }
    }

    private var peek: JSONPeek

    package init() {
        peek = JSONPeek(Self.paths, maxText: 256)
    }

    /// The next piece of the body.
    package mutating func read(_ bytes: Span<UInt8>) {
        peek.read(bytes)
    }

    /// The body is complete, or no more of it will be shown.
    package mutating func finish() {
        peek.finish()
    }

    /// Whether nothing that may still come can change what is known.
    package var isEnded: Bool { peek.isEnded }

    /// `"model"`, cut off at 256 bytes.
    package var model: Field<String> {
        field(Self.modelPlace) { $0.isString ? $0.text : nil }
    }

    /// `"stream"`
    package var stream: Field<Bool> {
        field(Self.streamPlace) { $0.isString ? nil : Bool($0.text) }
    }

    /// The bound that the request sets to its output, in tokens, under whichever name its wire has for it; the largest
    /// where it has several.
    package var maxTokens: Field<Int> {
        let counts = Self.maxTokensPlaces.compactMap { place in
            peek.values[place].last.flatMap { $0.isString ? nil : Int($0.text) }
        }
        if let count = counts.filter({ $0 >= 0 }).max() { return .found(count) }
        return isEnded ? .absent : .needMore
    }

    private func field<Value>(_ place: Int, as value: (JSONPeek.Scalar) -> Value?) -> Field<Value> {
        if let found = peek.values[place].last.flatMap(value) { return .found(found) }
        return isEnded ? .absent : .needMore
    }

    private static let modelPlace = 0
    private static let streamPlace = 1
    private static let maxTokensPlaces = 2..<8
    private static let paths: [JSONPath] = [
        "model", "stream",
        "max_tokens", "max_completion_tokens", "max_output_tokens", "generationConfig.maxOutputTokens",
        "inferenceConfig.maxTokens", "options.num_predict",
    ]
}
