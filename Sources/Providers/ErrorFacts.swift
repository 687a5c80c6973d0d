import Admission

/// What an error answer says about itself, in whatever shape its provider says it.
struct ErrorFacts: Sendable {
    /// Bytes of an error body that are looked at.
    static let maxBody = 8192

    /// Codes, types and statuses, from the body and from `x-amzn-errortype`.
    var names: Set<String> = []
    var message = ""
    /// Google's names of the quotas that were exceeded; they tell the window.
    var quotas: [String] = []
    /// `google.rpc.RetryInfo.retryDelay`, as written.
    var retryDelays: [String] = []

    init(headers: AnswerHeaders, body: Span<UInt8>) {
        var peek = JSONPeek(Self.paths)
        peek.read(body.extracting(first: Self.maxBody))
        peek.finish(keepsPartialText: true)
        var texts = peek.values.map { $0.map(\.text) }[...]
        let take = { (paths: [JSONPath]) -> [String] in
            defer { texts = texts.dropFirst(paths.count) }
            return texts.prefix(paths.count).flatMap { $0 }
        }
        message = take(Self.messages).max { $0.utf8.count < $1.utf8.count } ?? ""
        quotas = take(Self.quotas)
        retryDelays = take(Self.retryDelays)
        names = Set(take(Self.names).map(Self.name))
        if let type = headers["x-amzn-errortype"].first { names.insert(Self.name(type)) }
    }

    /// AWS dresses its names: `com.amazon#ThrottlingException`, `ThrottlingException:http://…`.
    private static func name(_ text: String) -> String {
        let behindNamespace = text.split(separator: "#").last ?? ""
        return String(behindNamespace.prefix { $0 != ":" })
    }

    private static let paths = messages + quotas + retryDelays + names
    private static let messages: [JSONPath] = ["error.message", "message", "error", "detail"]
    private static let quotas: [JSONPath] = ["error.details.violations.quotaId", "error.details.quotaId"]
    private static let retryDelays: [JSONPath] = ["error.details.retryDelay"]
    private static let names: [JSONPath] = [
        "error.code", "error.type", "error.status", "error.details.error_code", "error.details.reason",
        "error.metadata.limit_source", "code", "type", "__type", "status",
    ]

    /// Whether the message says that this one request asks for more than the whole limit: "Limit 10000, Requested
    /// 12000". Waiting can't help it.
    var neverFits: Bool {
        guard let limit = number(behind: "limit "), let requested = number(behind: "requested ") else { return false }
        return requested.whole > limit.whole
    }

    private func number(behind word: String) -> PlainNumber? {
        var cursor = TextCursor(message)
        for place in cursor.places(behind: word) {
            cursor.move(to: place)
            if let number = cursor.number() { return number }
        }
        return nil
    }
}

/// The header fields of an answer by lower-case name, in the order in which they came.
///
/// Made for error answers only: it copies.
struct AnswerHeaders: Sendable {
    private var fields: [String: [String]] = [:]

    init(_ headers: some Sequence<(name: String, value: String)>) {
        for (name, value) in headers { fields[name.lowercased(), default: []].append(value) }
    }

    /// All values of a field, empty where it is missing.
    ///
    /// - Parameter name: in lower case.
    subscript(name: String) -> [String] { fields[name] ?? [] }
}
