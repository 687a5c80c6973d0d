/// What a request is told that one of the simulator's own limits did not allow.
extension ErrorBody {
    /// - Parameter wait: nanoseconds; `nil` where nobody knows, or waiting does not help.
    static func limit(_ refusal: Refusal, wait: Int64?, dialect: Dialect) -> ErrorBody {
        let shape = dialect.shape
        let kind: ErrorKind = refusal.rule.isDaily ? .day : .rate
        var error = ErrorBody(kind, dialect: dialect)
        error.retryAfter = wait
        switch refusal.rule.bound {
        case .inFlight(let most):
            error.message = reached("concurrent requests (\(refusal.rule)): limit \(most)", wait: wait)
        case .requests(let quota, _, _):
            error.message = reached("requests (\(refusal.rule)): limit \(quota)", wait: wait)
        case .tokens(let tokens, let quota, let window, _):
            if let words = shape.tokenRate { (error.type, error.code) = (words.type, words.code) }
            error.countsTokens = true
            if shape.countsAloud {
                error.message = openAI(refusal, tokens.rate(window: window), quota: quota, wait: wait)
            } else {
                let most = refusal.isTooLarge ? refusal.most : quota
                let limit = "\(most) \(tokens.words) per \(WindowWords(window).name)"
                error.message =
                    "This request would exceed your organization's rate limit of \(limit) (\(refusal.rule)): "
                    + "used \(refusal.used), requested \(refusal.requested)."
            }
        }
        return error
    }

    private static func reached(_ limit: String, wait: Int64?) -> String {
        let hint = wait.map { "Please try again in \(DurationText.go($0))." } ?? "Please try again when one has ended."
        return "Rate limit reached for \(limit). \(hint)"
    }

    /// As OpenAI puts it, which clients and gateways read numbers from.
    private static func openAI(_ refusal: Refusal, _ rate: String, quota: Int, wait: Int64?) -> String {
        let whom = "\(refusal.model ?? "this model") in organization org-simulated on \(rate)"
        if refusal.isTooLarge {
            return "Request too large for \(whom): Limit \(refusal.most), Requested \(refusal.requested). "
                + "The input or output tokens must be reduced in order to run successfully."
        }
        let hint = wait.map { " Please try again in \(DurationText.go($0))." } ?? ""
        return "Rate limit reached for \(whom): Limit \(quota), Used \(refusal.used), "
            + "Requested \(refusal.requested).\(hint)"
    }
}

extension LimitRule {
    /// Whether it is a day's quota.
    fileprivate var isDaily: Bool {
        switch bound {
        case .inFlight: false
        case .requests(_, let window, _), .tokens(_, _, let window, _): window >= 86_400_000_000_000
        }
    }
}

extension LimitRule.Tokens {
    fileprivate var words: String {
        switch self {
        case .all: "tokens"
        case .input: "input tokens"
        case .output: "output tokens"
        }
    }

    /// `tokens per min (TPM)`, `input tokens per day (ITPD)`, `tokens per 10s`.
    fileprivate func rate(window: Int64) -> String {
        let window = WindowWords(window)
        let initial =
            switch self {
            case .all: ""
            case .input: "I"
            case .output: "O"
            }
        return "\(words) per \(window.short)" + (window.initial.map { " (\(initial)TP\($0))" } ?? "")
    }
}

/// A window as people name it.
private struct WindowWords {
    let name: String
    let short: String
    /// `nil` for a window that has no name.
    let initial: String?

    init(_ window: Int64) {
        let text = DurationText.short(window)
        switch text {
        case "1s": (name, short, initial) = ("second", "sec", "S")
        case "60s": (name, short, initial) = ("minute", "min", "M")
        case "1h": (name, short, initial) = ("hour", "hour", "H")
        case "1d": (name, short, initial) = ("day", "day", "D")
        default: (name, short, initial) = (text, text, nil)
        }
    }
}
