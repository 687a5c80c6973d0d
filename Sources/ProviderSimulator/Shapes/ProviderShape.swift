/// What one provider's API looks like around its answers: where its calls are, how it words its errors, and what its
/// headers tell. Data only, one value per provider.
struct ProviderShape: Sendable {
    typealias Fields = [(name: String, value: String)]

    /// Beginnings of paths that no other provider has.
    var homes: [String] = []
    /// Endings of paths that no other provider has.
    var verbs: [String] = []
    var calls: [Call]
    var errors: [ErrorKind: ErrorWords]
    /// Of a rate in tokens, where it is worded in another way than one in requests.
    var tokenRate: ErrorWords?
    /// Its name for an error of a status that says all there is to say.
    var type: @Sendable (_ status: Int) -> String
    /// Whether the refusal by a limit in tokens says "Limit 100, Used 90, Requested 20".
    var countsAloud = false
    var errorText: @Sendable (ErrorBody) -> String
    var errorHeaders: @Sendable (ErrorBody) -> Fields = { _ in [] }
    /// What every answer carries: an id of the request, mostly. The id is hexadecimal.
    var answerHeaders: @Sendable (_ id: String) -> Fields
    /// Where the limits stand; the date is in seconds since 1970.
    var limitHeaders: @Sendable (Standings, _ date: Int64) -> Fields = { _, _ in [] }
    /// When a refused request may come back: nanoseconds from the date, which is in seconds since 1970.
    var retryHeaders: @Sendable (_ wait: Int64, _ date: Int64) -> Fields = { _, _ in [] }
    var chatUsage = ChatUsage.whereAsked

    /// Which event of an OpenAI-shaped chat's stream tells its usage.
    enum ChatUsage: Sendable {
        /// One of its own, with `stream_options.include_usage`.
        case whereAsked
        /// The one that finishes.
        case atEnd
        /// The one that finishes, within a member of this name, and where asked one of its own.
        case within(String)
    }

    /// The method, and what lies behind a path.
    func call(path: Substring, query: Substring) -> (method: String, endpoint: Endpoint)? {
        for call in calls {
            if let endpoint = call.endpoint(path, query) { return (call.method, endpoint) }
        }
        return nil
    }

    /// One call of an API.
    struct Call: Sendable {
        var method: String
        fileprivate var endpoint: @Sendable (_ path: Substring, _ query: Substring) -> Endpoint?

        static func get(_ path: String, _ endpoint: Endpoint) -> Call {
            Call(method: "GET") { given, _ in given == path ? endpoint : nil }
        }

        static func post(_ path: String, _ endpoint: Endpoint) -> Call {
            Call(method: "POST") { given, _ in given == path ? endpoint : nil }
        }

        /// A path with something in its middle, which may be percent-encoded and is not empty.
        static func get(_ head: String, _ tail: String, _ endpoint: @escaping @Sendable (String) -> Endpoint) -> Call {
            Call(method: "GET") { path, _ in middle(of: path, head, tail).map(endpoint) }
        }

        static func post(_ head: String, _ tail: String, _ endpoint: @escaping @Sendable (String) -> Endpoint) -> Call {
            Call(method: "POST") { path, _ in middle(of: path, head, tail).map(endpoint) }
        }

        static func post(
            _ head: String, _ tail: String, _ endpoint: @escaping @Sendable (String, _ query: Substring) -> Endpoint
        ) -> Call {
            Call(method: "POST") { path, query in middle(of: path, head, tail).map { endpoint($0, query) } }
        }

        private static func middle(of path: Substring, _ head: String, _ tail: String) -> String? {
            guard let rest = path.droppingPrefix(head), rest.hasSuffix(tail), rest.utf8.count > tail.utf8.count else {
                return nil
            }
            return PercentEncoding.decoded(rest.dropLast(tail.count))
        }
    }
}

/// What can be wrong that each provider has words of its own for; the raw value is how a fault asks for it.
package enum ErrorKind: String, CaseIterable, Hashable, Sendable {
    case rate = "rate-limited"
    case overloaded
    /// Paid for, and used up.
    case money = "quota-exhausted"
    case day = "day-quota-exhausted"
    case context = "context-too-long"
    case credential = "bad-credential"
}

/// A provider's words for one kind of error.
struct ErrorWords: Hashable, Sendable {
    var status: Int
    var type: String
    var code: String?
    var message: String

    init(_ status: Int, _ type: String, code: String? = nil, _ message: String) {
        (self.status, self.type, self.code, self.message) = (status, type, code, message)
    }
}

/// RFC 3986 §2.1.
enum PercentEncoding {
    /// Text with each valid `%XX` replaced by its byte.
    static func decoded(_ text: Substring) -> String {
        var parts = text.split(separator: "%", omittingEmptySubsequences: false)[...]
        var bytes = Array((parts.popFirst() ?? "").utf8)
        for part in parts {
            if part.utf8.count >= 2, let byte = UInt8(part.prefix(2), radix: 16) {
                bytes.append(byte)
                bytes += part.dropFirst(2).utf8
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes += part.utf8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
