import Admission
import NIOHTTP1

/// How long the caller is going to listen, as far as it says so.
enum CallerDeadline {
    /// The shortest wait that an announced timeout leaves.
    static let least = Interval.seconds(1)

    /// Fields in which SDKs announce their own timeout, in seconds (openai and anthropic for Python and Node,
    /// google-genai).
    private static let announced = ["x-stainless-read-timeout", "x-stainless-timeout", "x-server-timeout"]

    /// As ``of(_:usualFirstByte:now:)``, which is spared where none of the names is there.
    static func of(_ fields: RequestFields, usualFirstByte: Interval, now: Instant) -> Instant {
        guard fields.mayHave("prefer") || announced.contains(where: fields.mayHave) else { return .never }
        return of(fields.all, usualFirstByte: usualFirstByte, now: now)
    }

    /// The latest instant at which the request may still begin; `never` where the caller announces nothing.
    ///
    /// - Parameter usualFirstByte: what the upstream usually takes to begin its answer, for which the caller has to be
    ///   there still.
    static func of(_ headers: HTTPHeaders, usualFirstByte: Interval = .zero, now: Instant) -> Instant {
        var deadline = Instant.never
        for (name, value) in headers {
            switch name.utf8.count {
            case 6 where FieldName.matches(name, "prefer"):
                if let wait = preferredWait(value) { deadline = min(deadline, now + wait) }
            case 16, 19, 24:
                guard announced.contains(where: { FieldName.matches(name, $0) }), let length = seconds(value) else {
                    continue
                }
                deadline = min(deadline, now + max(least, length - usualFirstByte))
            default: continue
            }
        }
        return deadline
    }

    /// `wait=N` of `Prefer` (RFC 7240 §4.3), in quotes or without, parameters left aside.
    private static func preferredWait(_ value: String) -> Interval? {
        for element in FieldName.elements(value) where element.hasPrefix("wait=") {
            return seconds(String(element.dropFirst(5).prefix { $0 != ";" }.filter { $0 != "\"" }))
        }
        return nil
    }

    /// Seconds with an optional fraction; what is no such number is ignored.
    private static func seconds(_ text: String) -> Interval? {
        guard let value = Double(text), value.isFinite, value >= 0, value < 1e9 else { return nil }
        return Interval(nanoseconds: Int64(value * 1e9))
    }
}
