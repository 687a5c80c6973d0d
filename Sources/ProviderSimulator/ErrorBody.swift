/// The JSON body of an error in each provider's shape.
struct ErrorBody: Hashable, Sendable {
    var status: Int
    var message: String
    /// OpenAI's `type`; the others derive theirs from the status.
    var type: String
    var parameter: String?
    var code: String?
    /// Nanoseconds; Google tells it in the body.
    var retryAfter: Int64?

    init(_ flaw: RequestFlaw) {
        self.init(
            status: flaw.status, message: flaw.message, type: "invalid_request_error", parameter: flaw.parameter,
            code: flaw.code)
    }

    init(
        status: Int, message: String, type: String, parameter: String? = nil, code: String? = nil,
        retryAfter: Int64? = nil
    ) {
        self.status = status
        self.message = message
        self.type = type
        self.parameter = parameter
        self.code = code
        self.retryAfter = retryAfter
    }

    /// An error that a fault switch asked for.
    static func injected(_ status: Int, retryAfter: Int64?) -> ErrorBody {
        let wait = retryAfter.map { " Please try again in \(DurationText.go($0))." } ?? ""
        switch status {
        case 429:
            return ErrorBody(
                status: status, message: "Rate limit reached (simulated).\(wait)", type: "requests",
                code: "rate_limit_exceeded", retryAfter: retryAfter)
        case 500...:
            return ErrorBody(
                status: status, message: "The server is overloaded or failed (simulated).\(wait)", type: "server_error",
                code: status == 503 ? "server_is_overloaded" : nil, retryAfter: retryAfter)
        default:
            return ErrorBody(status: status, message: "Refused (simulated).\(wait)", type: "invalid_request_error")
        }
    }

    static let quotaExhausted = ErrorBody(
        status: 429, message: "You exceeded your current quota, please check your plan and billing details.",
        type: "insufficient_quota", code: "insufficient_quota")

    func text(in dialect: Dialect) -> String {
        switch dialect {
        case .openAI:
            return object([
                "error": object([
                    "message": quoted(message), "type": quoted(type), "param": parameter.map(quoted) ?? "null",
                    "code": code.map(quoted) ?? "null",
                ])
            ])
        case .anthropic:
            let error = object(["type": quoted(anthropicType), "message": quoted(message)])
            return object(["type": quoted("error"), "error": error])
        case .google:
            return object([
                "error": object([
                    "code": "\(status)", "message": quoted(message), "status": quoted(googleStatus),
                    "details": "[\(googleDetails)]",
                ])
            ])
        }
    }

    private var anthropicType: String {
        switch status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 529: "overloaded_error"
        case 500...: "api_error"
        default: "invalid_request_error"
        }
    }

    private var googleStatus: String {
        switch status {
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 429: "RESOURCE_EXHAUSTED"
        case 503: "UNAVAILABLE"
        case 504: "DEADLINE_EXCEEDED"
        case 500...: "INTERNAL"
        default: "INVALID_ARGUMENT"
        }
    }

    private var googleDetails: String {
        guard let retryAfter else { return "" }
        let seconds = (retryAfter + 999_999_999) / 1_000_000_000
        return object([
            "@type": quoted("type.googleapis.com/google.rpc.RetryInfo"), "retryDelay": quoted("\(seconds)s"),
        ])
    }
}
