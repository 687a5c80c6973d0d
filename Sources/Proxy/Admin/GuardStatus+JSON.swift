import Providers

extension GuardStatus {
    /// The member `guard` of `/status`; sizes in bytes, `null` where something can't be known.
    var value: JSONText.Value {
        .object([
            ("level", .string(level.name)),
            (
                "memory",
                .object([
                    ("buffered", .number(buffered)), ("resident", .number(resident)), ("bound", Self.number(bound)),
                ])
            ),
            (
                "connections",
                .object([
                    ("open", .number(connected)), ("value", .number(connections.most)),
                    ("configured", .number(connections.configured)), ("reset", .number(turnedAway)),
                    ("accept_failures", .number(acceptFailures)),
                ])
            ),
            ("descriptors", .object([("open", Self.number(openFiles)), ("value", Self.number(mostOpenFiles))])),
            ("loop_lag_ms", .number(lag.millisecondsRoundedUp)),
        ])
    }

    private static func number(_ value: Int?) -> JSONText.Value {
        value.map { .number($0) } ?? .null
    }
}
