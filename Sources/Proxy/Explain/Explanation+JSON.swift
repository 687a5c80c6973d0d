import Admission
import Providers

extension Explanation {
    /// The same as one JSON object; lengths of time in milliseconds.
    package var json: [UInt8] {
        var members: [(String, JSONText.Value)] = [("request", .string(request))]
        switch verdict {
        case .goes: members.append(("verdict", .string("goes")))
        case .answeredHere: members.append(("verdict", .string("answered_here")))
        case .refused(let refusal):
            members += [
                ("verdict", .string("refused")), ("status", .number(refusal.status)),
                ("error", .string(refusal.error.rawValue)), ("message", .string(refusal.message)),
            ]
        }
        return JSONText(.object(members + (way?.members ?? []))).bytes
    }
}

extension Explanation.Way {
    fileprivate var members: [(String, JSONText.Value)] {
        [
            ("upstream", .string(upstream)), ("reason", .string(reason)), ("target", .string(target)),
            ("key", .string(key)), ("withheld", .array(withheld.map { .string($0) })),
            (
                "identity",
                .object(
                    names.map { ($0.name, .object([("value", .string($0.value)), ("source", .string($0.source))])) })
            ),
            ("streams", streams.map { .boolean($0) } ?? .null),
            (
                "tokens",
                tokens.map {
                    .object([
                        ("input", .number($0.input)), ("output_bound", $0.outputBound.map { .number($0) } ?? .null),
                    ])
                } ?? .null
            ),
            ("limits", .array(limits.map(\.value))),
            (
                "other_limits",
                .array(others.map { .object([("name", .string($0.name)), ("reason", .string($0.reason))]) })
            ),
            (
                "line",
                .array(
                    line.map {
                        .object([
                            ("level", .string($0.level)), ("value", .string($0.value)), ("weight", .number($0.weight)),
                        ])
                    })
            ),
            ("longest_wait_ms", .number(longestWait.millisecondsRoundedUp)), ("wait_by", .string(waitSource)),
        ]
    }
}

extension Explanation.Held {
    fileprivate var value: JSONText.Value {
        .object([
            ("name", .string(name)), ("for", .object(key.map { ($0.name, .string($0.value)) })),
            ("overridden", .boolean(isOverridden)), ("observed", .boolean(isObserved)),
            (
                "bounds",
                .array(
                    bounds.map {
                        .object([("bound", .string($0.text)), ("takes", $0.takes.map { .number($0) } ?? .null)])
                    })
            ),
        ])
    }
}
