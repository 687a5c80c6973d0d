import Admission
import Providers

extension StatusSnapshot.UpstreamStatus {
    /// The member `wait` of a tenant: how long its oldest request has waited, and why.
    func value(of wait: GateReport.WaitReport) -> JSONText.Value {
        let (because, reason) = words(for: wait.cause)
        return .object([
            ("ms", .number(wait.length.millisecondsRoundedUp)), ("because", .string(because)),
            ("reason", .string(reason)), ("limit", limitName(of: wait.cause)),
            ("ends_in_ms", wait.endsIn.map { .number($0.millisecondsRoundedUp) } ?? .null),
        ])
    }

    private func limitName(of cause: GateReport.Cause) -> JSONText.Value {
        guard case .limit(let binding) = cause, upstream.gate.limits.indices.contains(binding.limit) else {
            return .null
        }
        return .string(upstream.gate.limits[binding.limit].name)
    }

    /// One of a closed set, and the same for people: what comes behind "held back by".
    func words(for cause: GateReport.Cause) -> (because: String, reason: String) {
        switch cause {
        case .limit(let binding):
            let limit = RefusedLimit(binding, in: upstream.gate.limits) { dimensions.name(of: $0) }
            return ("limit", limit?.inWords ?? "a limit that has been replaced")
        case .pause: return ("pause", "a pause by the provider")
        case .breaker: return ("breaker", "the breaker: \(upstream.name) failed too often")
        case .adaptive: return ("adaptive", "the adaptive limit: \(upstream.name) was overloaded")
        case .backoff: return ("backoff", "the time until it is tried again")
        case .turn: return ("turn", "its turn: others are before it")
        }
    }
}

extension RefusalJournal.Entry {
    func value(at instant: Instant) -> JSONText.Value {
        .object([
            ("tenant", .string(kind.tenant)), ("status", .number(kind.status)), ("error", .string(kind.error.rawValue)),
            ("limit", kind.limit.map { .string($0) } ?? .null), ("reason", .string(reason)), ("count", .number(count)),
            ("first_ms_ago", .number((instant - first).millisecondsRoundedUp)),
            ("last_ms_ago", .number((instant - last).millisecondsRoundedUp)),
        ])
    }
}
