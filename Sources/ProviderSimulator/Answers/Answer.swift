/// How an endpoint writes what the model has made up: whole, or in pieces that open the answer, one for each token, and
/// pieces that close it.
protocol Answer: Sendable {
    var completion: Completion { get }
    /// JSON.
    var whole: String { get }
    /// The content type of a stream.
    var streamType: String { get }
    /// What its headers tell beside what every answer of the provider does.
    var headers: ProviderShape.Fields { get }

    var openings: Int { get }
    var closings: Int { get }
    func opening(_ place: Int) -> [UInt8]
    func token(_ place: Int) -> [UInt8]
    func closing(_ place: Int) -> [UInt8]
}

extension Answer {
    var streamType: String { "text/event-stream; charset=utf-8" }
    var headers: ProviderShape.Fields { [] }
    var ask: Ask { completion.ask }
    var outputTokens: Int { completion.outputTokens }

    /// How many pieces a streamed answer has.
    var steps: Int { openings + outputTokens + closings }

    /// A piece of a streamed answer, 0 ..< ``steps``.
    func piece(_ step: Int) -> [UInt8] {
        if step < openings { return opening(step) }
        if step < openings + outputTokens { return token(step - openings) }
        return closing(step - openings - outputTokens)
    }

    /// Whether the piece carries a token that takes time to make; the first of the answer falls under the latency.
    func takesTime(_ step: Int) -> Bool {
        step > openings && step < openings + outputTokens
    }

    /// A server-sent event.
    func event(_ data: String, named name: String? = nil) -> [UInt8] {
        Array(((name.map { "event: \($0)\n" } ?? "") + "data: \(data)\n\n").utf8)
    }
}

/// An object of members whose values are JSON already, in the order given.
func object(_ members: [(String, String)]) -> String {
    "{" + members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
}
