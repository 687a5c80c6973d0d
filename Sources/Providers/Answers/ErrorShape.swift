import Admission

/// How a provider's clients expect an error to look.
package enum ErrorShape: Hashable, Sendable {
    /// `{"error": {"message", "type", "param", "code"}}`; also for providers that copy OpenAI.
    case openAI
    /// `{"error": {"code": "429", "message"}}`
    case azure
    case anthropic
    /// `{"error": {"code", "message", "status", "details"}}`
    case google
    /// The error's name in `x-amzn-errortype`, the message in the body.
    case bedrock
    /// `{"object": "error", "message", "type", "code"}`
    case mistral
    /// `{"message"}`
    case cohere
    /// `{"error": "…"}`
    case ollama
    /// RFC 9457 problem details.
    case problem

    var contentType: String {
        self == .problem ? "application/problem+json" : "application/json"
    }

    /// The status under which a refusal goes out. boto3 repeats a 503 three times within 20 ms, whatever is said of
    /// coming back, and waits after a 429.
    func status(of refusal: Refusal) -> Int {
        self == .bedrock && refusal.status == 503 ? 429 : refusal.status
    }

    func headers(of refusal: Refusal, requestID: String?) -> [(name: String, value: String)] {
        switch self {
        case .anthropic:
            return requestID.map { [("request-id", $0)] } ?? []
        case .bedrock:
            var headers = [(name: "x-amzn-errortype", value: Self.bedrockName(status(of: refusal)))]
            // boto3 knows no other hint; it reads milliseconds.
            if let wait = refusal.announcedWait {
                headers.append(("x-amz-retry-after", String(wait.millisecondsRoundedUp)))
            }
            return headers
        case .openAI:
            return requestID.map { [("x-request-id", $0)] } ?? []
        case .azure, .google, .mistral, .cohere, .ollama, .problem:
            return []
        }
    }

    func body(of refusal: Refusal, requestID: String?) -> JSONText.Value {
        let message = JSONText.Value.string(refusal.message)
        switch self {
        case .openAI:
            return .object([
                (
                    "error",
                    .object([
                        ("message", message), ("type", .string(Self.openAIType(of: refusal))), ("param", .null),
                        ("code", .string(Self.openAICode(of: refusal))),
                    ])
                )
            ])
        case .azure:
            return .object([
                ("error", .object([("code", .string(String(refusal.status))), ("message", message)]))
            ])
        case .anthropic:
            let error = JSONText.Value.object([
                ("type", .string(Self.anthropicType(refusal.status))), ("message", message),
            ])
            let id = requestID.map { [("request_id", JSONText.Value.string($0))] } ?? []
            return .object([("type", .string("error")), ("error", error)] + id)
        case .google:
            return .object([("error", .object(Self.googleError(of: refusal)))])
        case .mistral:
            return .object([
                ("object", .string("error")), ("message", message), ("type", .string(Self.openAIType(of: refusal))),
                ("param", .null), ("code", .string(Self.openAICode(of: refusal))),
            ])
        case .bedrock, .cohere:
            return .object([("message", message)])
        case .ollama:
            return .object([("error", message)])
        case .problem:
            return .object(Self.problem(of: refusal))
        }
    }
}

// The words that each shape has for a status.
extension ErrorShape {
    private static func openAIType(of refusal: Refusal) -> String {
        switch refusal.status {
        case 429:
            guard case .rate(let rate)? = refusal.limit?.bound else { return "rate_limit_error" }
            return rate.unit == .requests ? "requests" : "tokens"
        case 400..<500: return "invalid_request_error"
        default: return "server_error"
        }
    }

    private static func openAICode(of refusal: Refusal) -> String {
        switch refusal.status {
        case 429: "rate_limit_exceeded"
        case 413 where refusal.limit != nil: "request_too_large"
        default: refusal.error.rawValue
        }
    }

    private static func anthropicType(_ status: Int) -> String {
        switch status {
        case 403: "permission_error"
        case 404: "not_found_error"
        case 408, 504: "timeout_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 400..<500: "invalid_request_error"
        case 503: "overloaded_error"
        default: "api_error"
        }
    }

    private static func bedrockName(_ status: Int) -> String {
        switch status {
        case 403: "AccessDeniedException"
        case 404: "ResourceNotFoundException"
        case 408, 504: "ModelTimeoutException"
        case 429: "ThrottlingException"
        case 400..<500: "ValidationException"
        default: "InternalServerException"
        }
    }

    /// The names of `google.rpc.Code`.
    private static func googleStatus(_ status: Int) -> String {
        switch status {
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 408, 504: "DEADLINE_EXCEEDED"
        case 429: "RESOURCE_EXHAUSTED"
        case 400..<500: "INVALID_ARGUMENT"
        case 502, 503: "UNAVAILABLE"
        default: "INTERNAL"
        }
    }

    private static func googleError(of refusal: Refusal) -> [(String, JSONText.Value)] {
        let error: [(String, JSONText.Value)] = [
            ("code", .number(refusal.status)), ("message", .string(refusal.message)),
            ("status", .string(googleStatus(refusal.status))),
        ]
        guard let wait = refusal.retryAfter else { return error }
        let retryInfo = JSONText.Value.object([
            ("@type", .string("type.googleapis.com/google.rpc.RetryInfo")),
            ("retryDelay", .string(protobufDuration(wait))),
        ])
        return error + [("details", .array([retryInfo]))]
    }

    /// Seconds with three decimals, or none where they would be zeros, as protobuf's JSON has them.
    private static func protobufDuration(_ wait: Interval) -> String {
        let milliseconds = max(0, wait.millisecondsRoundedUp)
        guard milliseconds % 1000 != 0 else { return "\(milliseconds / 1000)s" }
        let digits = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits + "s"
    }

    /// The problem types of draft-ietf-httpapi-ratelimit-headers-10 §6 for limits and for what Penstock can't do just
    /// now; otherwise the status says it all (RFC 9457 §4.2.1).
    private static func problem(of refusal: Refusal) -> [(String, JSONText.Value)] {
        let (type, title): (String, String) =
            if refusal.limit != nil {
                (
                    "https://iana.org/assignments/http-problem-types#quota-exceeded",
                    "Request cannot be satisfied as assigned quota has been exceeded"
                )
            } else if refusal.status == 503 || refusal.status == 429 {
                (
                    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
                    "Request cannot be satisfied due to temporary server capacity constraints"
                )
            } else {
                ("about:blank", phrase(refusal.status))
            }
        let problem: [(String, JSONText.Value)] = [
            ("type", .string(type)), ("title", .string(title)), ("status", .number(refusal.status)),
            ("detail", .string(refusal.message)),
        ]
        return problem + (refusal.limit.map { [("violated-policies", .array([.string($0.name)]))] } ?? [])
    }

    private static func phrase(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 431: "Request Header Fields Too Large"
        case 502: "Bad Gateway"
        case 504: "Gateway Timeout"
        case 508: "Loop Detected"
        default: "Error"
        }
    }
}
