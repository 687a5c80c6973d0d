/// A text given by a user that does not mean anything here, with what it should have been.
package struct SimulatorTextError: Error, Hashable, CustomStringConvertible {
    package var description: String

    init(_ description: String) {
        self.description = description
    }
}

extension LimitRule {
    /// Reads `in_flight=16`, `requests=500/60s:METHOD` or the latter with `tokens`, `input_tokens` or `output_tokens`;
    /// each with `per_key.` before it where the limit holds for each `Authorization` header apart, and `@model=NAME`
    /// after it where it holds for one model only. METHOD is `sliding` (default), `fixed`, `fixed(PHASE)`, `bucket`, `bucket(BURST)`,
    /// `counter` or `counter(PHASE)`; the window is a duration or one of `s min hour day`.
    package init(_ text: String) throws(SimulatorTextError) {
        let (limit, extent) = text.splitOnce("@")
        let model = extent.map { $0.droppingPrefix("model=") ?? "" }
        if model == "" { throw Self.error(text, "it needs model=NAME after \"@\"") }
        let global = limit.droppingPrefix("per_key.")
        let (name, value) = (global ?? limit).splitOnce("=")
        guard let value else { throw Self.error(text, "it has no \"=\"; a limit is in_flight=16 or requests=500/60s") }
        let bound: Bound
        switch name {
        case "in_flight": bound = .inFlight(try Self.number(value, in: text))
        case "requests":
            let rate = try Self.rate(value, in: text)
            bound = .requests(rate.quota, window: rate.window, rate.method)
        default:
            guard let tokens = Tokens(rawValue: String(name)) else {
                let known = "in_flight, requests, tokens, input_tokens and output_tokens"
                throw Self.error(text, "\"\(name)\" is no limit; \(known) are")
            }
            let rate = try Self.rate(value, in: text)
            bound = .tokens(tokens, rate.quota, window: rate.window, rate.method)
        }
        if let flaw = bound.flaw { throw Self.error(text, "a limit \(flaw)") }
        self.init(bound, scope: global == nil ? .everyone : .key, model: model.map(String.init))
    }

    private static func rate(
        _ value: Substring, in text: String
    ) throws(SimulatorTextError) -> (quota: Int, window: Int64, method: Method) {
        let (amount, method) = value.splitOnce(":")
        let (quota, unit) = amount.splitOnce("/")
        guard let unit else { throw error(text, "a rate needs a window, as in 500/60s") }
        let window = try length(unit, in: text)
        return (
            try number(quota, in: text), window, try self.method(method ?? "sliding", window: window, in: text)
        )
    }

    private static func method(
        _ value: Substring, window: Int64, in text: String
    ) throws(SimulatorTextError) -> Method {
        var (name, argument) = value.splitOnce("(")
        var given: Int64?
        if let inner = argument {
            guard inner.last == ")" else { throw error(text, "\"\(value)\" lacks its closing bracket") }
            argument = inner.dropLast()
            given = try length(inner.dropLast(), in: text)
        }
        switch (name, given) {
        case ("sliding", nil): return .slidingLog
        case ("fixed", _): return .fixed(phase: given ?? 0)
        case ("bucket", _): return .bucket(burst: given ?? window)
        case ("counter", _): return .counter(phase: given ?? 0)
        case ("sliding", _): throw error(text, "sliding takes nothing in brackets")
        default:
            throw error(text, "\"\(name)\" is no way to count; sliding, fixed, bucket and counter are")
        }
    }

    private static func number(_ value: Substring, in text: String) throws(SimulatorTextError) -> Int {
        guard let number = Int(value), number >= 1 else {
            throw error(text, "\"\(value)\" is not a whole number of 1 or more")
        }
        return number
    }

    private static func length(_ value: Substring, in text: String) throws(SimulatorTextError) -> Int64 {
        let units: [Substring: Int64] = ["s": 1, "min": 60, "hour": 3_600, "day": 86_400]
        if let seconds = units[value] { return seconds * 1_000_000_000 }
        guard let length = DurationText.parse(value) else {
            throw error(text, "\"\(value)\" is not a duration such as 250ms, 60s, 1m or 1d")
        }
        return length
    }

    private static func error(_ text: String, _ reason: String) -> SimulatorTextError {
        SimulatorTextError("limit \"\(text)\": \(reason)")
    }
}

extension StringProtocol where SubSequence == Substring {
    /// What stands before and after the first separator; the second part is `nil` where there is none.
    func splitOnce(_ separator: Character) -> (Substring, Substring?) {
        guard let place = firstIndex(of: separator) else { return (self[...], nil) }
        return (self[..<place], self[index(after: place)...])
    }

    /// The rest after the prefix, `nil` where the text does not begin with it.
    func droppingPrefix(_ prefix: String) -> Substring? {
        hasPrefix(prefix) ? dropFirst(prefix.count) : nil
    }
}
