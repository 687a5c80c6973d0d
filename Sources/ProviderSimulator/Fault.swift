/// Something that goes wrong on purpose with one request. Never counted as a violation of the caller.
package enum Fault: Hashable, Sendable {
    /// An error answer instead of the real one.
    case status(Int, RetryHint?)
    /// An error of this kind in the provider's own words.
    case refusal(ErrorKind)
    /// The connection is reset (HTTP/2: the stream, `INTERNAL_ERROR`) when the request has been read.
    case resetBeforeHead
    /// The same after the head and, of a longer body, its first part.
    case resetAfterHead
    /// HTTP/2: the stream is refused unprocessed (`REFUSED_STREAM`); HTTP/1.1: as ``resetBeforeHead``.
    case refuseStream
    /// Nothing comes until the caller leaves.
    case stall
    /// The body comes in small pieces, so many nanoseconds apart.
    case slowBody(Int64)
    /// The body ends early and without its end: no last chunk, a length not reached, `RST_STREAM`.
    case cutBody
    /// The first byte comes this much later (nanoseconds).
    case delay(Int64)

    /// How an injected error tells when to come back. Times in nanoseconds.
    package enum RetryHint: Hashable, Sendable {
        case seconds(Int64)
        case milliseconds(Int64)
        case date(Int64)

        var length: Int64 {
            switch self {
            case .seconds(let length), .milliseconds(let length), .date(let length): length
            }
        }
    }

    /// Reads `status=503`, `status=429;retry-after=2` (also `retry-after-ms=1500`, `retry-after-date=5s`),
    /// `retry-after-date` (a 429 that says 2 s by date), `rate-limited`, `overloaded`, `quota-exhausted`,
    /// `day-quota-exhausted`, `context-too-long`, `bad-credential`, `reset-before-head`, `reset-after-head`,
    /// `refuse-stream`, `stall`, `slow-body`, `slow-body=50ms`, `cut-body`, `delay=250ms`.
    package init(_ text: String) throws(SimulatorTextError) {
        let (name, value) = text.splitOnce("=")
        switch (name, value) {
        case ("status", let value?): self = try Self.status(value, in: text)
        case ("retry-after-date", nil): self = .status(429, .date(2_000_000_000))
        case ("retry-after-date", let value?): self = .status(429, .date(try Self.length(value, in: text)))
        case ("reset-before-head", nil): self = .resetBeforeHead
        case ("reset-after-head", nil): self = .resetAfterHead
        case ("refuse-stream", nil): self = .refuseStream
        case ("stall", nil): self = .stall
        case ("slow-body", nil): self = .slowBody(100_000_000)
        case ("slow-body", let value?): self = .slowBody(try Self.length(value, in: text))
        case ("cut-body", nil): self = .cutBody
        case ("delay", let value?): self = .delay(try Self.length(value, in: text))
        default:
            guard value == nil, let kind = ErrorKind(rawValue: String(name)) else {
                let kinds = ErrorKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw Self.error(
                    text,
                    "is none of status=N, retry-after-date, \(kinds), reset-before-head, reset-after-head, "
                        + "refuse-stream, stall, slow-body, cut-body, delay=TIME")
            }
            self = .refusal(kind)
        }
    }

    private static func status(_ value: Substring, in text: String) throws(SimulatorTextError) -> Fault {
        let (code, hint) = value.splitOnce(";")
        guard let code = Int(code), (400...599).contains(code) else {
            throw error(text, "needs a status from 400 to 599")
        }
        guard let hint else { return .status(code, nil) }
        let (name, amount) = hint.splitOnce("=")
        switch (name, amount.flatMap { Int64($0) }) {
        case ("retry-after", let seconds?) where (0...1_000_000).contains(seconds):
            return .status(code, .seconds(seconds * 1_000_000_000))
        case ("retry-after-ms", let milliseconds?) where (0...1_000_000_000).contains(milliseconds):
            return .status(code, .milliseconds(milliseconds * 1_000_000))
        case ("retry-after-date", _):
            return .status(code, .date(try length(amount ?? "", in: text)))
        default:
            throw error(
                text, "needs retry-after=SECONDS, retry-after-ms=MILLISECONDS or retry-after-date=TIME after \";\"")
        }
    }

    private static func length(_ value: Substring, in text: String) throws(SimulatorTextError) -> Int64 {
        guard let length = DurationText.parse(value), length <= 86_400_000_000_000 else {
            throw error(text, "needs a time such as 250ms or 5s, one day at most")
        }
        return length
    }

    private static func error(_ text: String, _ reason: String) -> SimulatorTextError {
        SimulatorTextError("fault \"\(text)\" \(reason)")
    }
}

extension Fault: CustomStringConvertible {
    /// The form that ``init(_:)`` reads.
    package var description: String {
        switch self {
        case .status(let code, nil): "status=\(code)"
        case .status(let code, .seconds(let length)): "status=\(code);retry-after=\(length / 1_000_000_000)"
        case .status(let code, .milliseconds(let length)): "status=\(code);retry-after-ms=\(length / 1_000_000)"
        case .status(let code, .date(let length)): "status=\(code);retry-after-date=\(DurationText.short(length))"
        case .refusal(let kind): kind.rawValue
        case .resetBeforeHead: "reset-before-head"
        case .resetAfterHead: "reset-after-head"
        case .refuseStream: "refuse-stream"
        case .stall: "stall"
        case .slowBody(let pause): "slow-body=\(DurationText.short(pause))"
        case .cutBody: "cut-body"
        case .delay(let length): "delay=\(DurationText.short(length))"
        }
    }
}
