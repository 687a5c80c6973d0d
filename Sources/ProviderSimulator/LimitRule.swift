/// One limit of the simulated provider: the numbers only; ``Enforcement`` holds the state.
package struct LimitRule: Hashable, Sendable {
    package var scope: Scope
    package var bound: Bound
    /// The only model whose requests are counted, by the name that requests give; `nil`: all are, those without a
    /// model too.
    package var model: String?

    /// Traps where the bound does not hold a number of 1 or more, a window of 1 ns or more, or more than can be
    /// computed exactly in 64 bits; text from outside goes through ``init(_:)``, which reports that.
    package init(_ bound: Bound, scope: Scope = .everyone, model: String? = nil) {
        if let flaw = bound.flaw { preconditionFailure("a limit \(flaw)") }
        self.bound = bound
        self.scope = scope
        self.model = model
    }

    /// Whose requests are counted together.
    package enum Scope: Hashable, Sendable {
        case everyone
        /// Those with the same API key, in whichever header their provider takes it.
        case key
    }

    package enum Bound: Hashable, Sendable {
        /// So many requests under way at one time.
        case inFlight(Int)
        /// So many requests per window (nanoseconds).
        case requests(Int, window: Int64, Method)
        /// So many tokens per window (nanoseconds).
        case tokens(Tokens, Int, window: Int64, Method)
    }

    /// Which tokens of a request are counted; the name in texts.
    package enum Tokens: String, CaseIterable, Hashable, Sendable {
        case all = "tokens"
        case input = "input_tokens"
        case output = "output_tokens"
    }

    /// How a provider holds a rate. Times in nanoseconds.
    package enum Method: Hashable, Sendable {
        /// In any stretch of the window's length.
        case slidingLog
        /// In each window of the clock; window 0 starts at the phase, counted from the simulator's start.
        case fixed(phase: Int64)
        /// A bucket that holds what this much time brings (the window: all of the quota at once).
        case bucket(burst: Int64)
        /// A weighted pair of fixed windows.
        case counter(phase: Int64)
    }
}

extension LimitRule.Bound {
    /// 1 000 days: sums of a few such lengths are far from what 64 bits hold.
    private static let longest: Int64 = 86_400_000_000_000_000

    var isOfTokens: Bool {
        if case .tokens = self { return true }
        return false
    }

    var isInFlight: Bool {
        if case .inFlight = self { return true }
        return false
    }

    /// What is wrong with the numbers, as the end of a sentence; `nil` where nothing is.
    var flaw: String? {
        switch self {
        case .inFlight(let most):
            return most >= 1 ? nil : "allows at least 1 request in flight"
        case .requests(let quota, let window, let method), .tokens(_, let quota, let window, let method):
            if quota < 1 { return "allows at least 1 \(isOfTokens ? "token" : "request") per window" }
            if window < 1 { return "has a window longer than nothing" }
            if max(window, method.length) > Self.longest { return "has no time longer than 1000d" }
            return method.flaw(quota: quota, window: window)
        }
    }
}

extension LimitRule.Method {
    /// The length that the method brings itself.
    fileprivate var length: Int64 {
        switch self {
        case .slidingLog: 0
        case .fixed(let length), .bucket(let length), .counter(let length): length
        }
    }

    fileprivate func flaw(quota: Int, window: Int64) -> String? {
        switch self {
        case .bucket(let burst):
            if burst < 1 { return "has a bucket that holds more than nothing" }
            return TokenBucket.canHold(quota: quota, window: window, burst: burst) ? nil : "is too large for a bucket"
        case .counter:
            return SlidingCounter.canHold(quota: quota, window: window) ? nil : "is too large for a counter"
        case .slidingLog, .fixed:
            return nil
        }
    }
}

extension LimitRule: CustomStringConvertible {
    /// The rule in the form in which the command line takes it: its name in metrics and refusals.
    package var description: String {
        (scope == .key ? "per_key." : "") + bound.text + (model.map { "@model=\($0)" } ?? "")
    }
}

extension LimitRule.Bound {
    fileprivate var text: String {
        switch self {
        case .inFlight(let most):
            "in_flight=\(most)"
        case .requests(let quota, let window, let method):
            "requests=\(quota)/\(DurationText.short(window)):\(method.text(window: window))"
        case .tokens(let tokens, let quota, let window, let method):
            "\(tokens.rawValue)=\(quota)/\(DurationText.short(window)):\(method.text(window: window))"
        }
    }
}

extension LimitRule.Method {
    fileprivate func text(window: Int64) -> String {
        switch self {
        case .slidingLog: return "sliding"
        case .fixed(let phase): return phase == 0 ? "fixed" : "fixed(\(DurationText.short(phase)))"
        case .bucket(let burst): return burst == window ? "bucket" : "bucket(\(DurationText.short(burst)))"
        case .counter(let phase): return phase == 0 ? "counter" : "counter(\(DurationText.short(phase)))"
        }
    }
}
