/// An error as a provider tells it: status and words; its shape makes a body of it.
struct ErrorBody: Hashable, Sendable {
    var dialect: Dialect
    /// `nil` where the status says all that there is to say.
    var kind: ErrorKind?
    var status: Int
    var message: String
    /// The provider's name for it.
    var type: String
    var code: String?
    var parameter: String?
    /// Nanoseconds; some providers tell it in the body.
    var retryAfter: Int64?
    /// Whether it is a limit in tokens that was met.
    var countsTokens = false
    /// Of the request, hexadecimal.
    var id = "0"

    init(_ status: Int, _ message: String, dialect: Dialect) {
        self.dialect = dialect
        self.status = status
        self.message = message
        type = dialect.shape.type(status)
    }

    init(_ flaw: RequestFlaw, dialect: Dialect) {
        self.init(flaw.status, flaw.message, dialect: dialect)
        parameter = flaw.parameter
        code = flaw.code
    }

    init(_ words: ErrorWords, kind: ErrorKind, dialect: Dialect) {
        self.dialect = dialect
        self.kind = kind
        status = words.status
        message = words.message
        type = words.type
        code = words.code
    }

    /// In the provider's own words; in those of its status where it has none for this kind.
    init(_ kind: ErrorKind, dialect: Dialect) {
        guard let words = dialect.shape.errors[kind] else {
            self.init(400, "Refused (simulated).", dialect: dialect)
            return
        }
        self.init(words, kind: kind, dialect: dialect)
    }

    /// An error of a status that a fault asked for.
    static func injected(_ status: Int, retryAfter: Int64?, dialect: Dialect) -> ErrorBody {
        let shape = dialect.shape
        let kind = [ErrorKind.rate, .overloaded].first { shape.errors[$0]?.status == status }
        var error =
            kind.map { ErrorBody($0, dialect: dialect) }
            ?? ErrorBody(
                status, status >= 500 ? "The server failed (simulated)." : "Refused (simulated).", dialect: dialect)
        error.message += retryAfter.map { " Please try again in \(DurationText.go($0))." } ?? ""
        error.retryAfter = retryAfter
        return error
    }

    var text: String { dialect.shape.errorText(self) }

    var headers: ProviderShape.Fields { dialect.shape.answerHeaders(id) + dialect.shape.errorHeaders(self) }
}
