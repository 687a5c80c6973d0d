import Admission
import Policy
import Providers

extension StatusSnapshot {
    /// `/status`: one object, upstreams by name, lengths of time in seconds or milliseconds as the member's name says.
    var json: [UInt8] {
        let value = JSONText(
            .object([
                ("version", .string(version)), ("ready", .boolean(isReady)), ("draining", .boolean(isDraining)),
                ("connections", .number(connections)), ("guard", guardStatus.value),
                (
                    "cluster",
                    isStoreConnected.map { .object([("connected", .boolean($0))]) } ?? .null
                ),
                ("upstreams", .object(upstreams.map { ($0.upstream.name, $0.value(at: at)) })),
            ]))
        return value.bytes + [UInt8(ascii: "\n")]
    }
}

extension GateReport.KeyReport {
    /// `exhausted` and `rejected` keys come back for a trial by themselves.
    var state: String { fault?.rawValue ?? (pausedFor == nil ? "ok" : "paused") }
}

extension StatusSnapshot.UpstreamStatus {
    fileprivate func value(at instant: Instant) -> JSONText.Value {
        let (refusals, seconds) = recent.report
        return .object([
            ("url", .string(address)), ("provider", .string(upstream.provider.rawValue)),
            ("in_flight", .number(report.inFlight)), ("queued", .number(report.waiting)),
            ("paused_ms", report.pausedFor.map { .number($0.millisecondsRoundedUp) } ?? .null),
            ("breaker", breaker),
            ("adaptive_limit", report.adaptiveLimit.map { .number($0) } ?? .null),
            (
                "retry_budget",
                .object([
                    ("used", .number(report.retryBudget.used)), ("value", .number(report.retryBudget.allowed)),
                ])
            ),
            (
                "limits",
                .array(zip(upstream.gate.limits, report.limits).map { value(of: $0, $1) })
            ),
            ("fair_by", .array(upstream.gate.fairness.levels.map { .string(dimensions.name(of: $0)) })),
            ("tenant_count", .number(report.tenantCount)),
            ("tenants", .object(report.tenants.map { ($0.name, value(of: $0)) })),
            ("credentials", .array(report.keys.map { value(of: $0) })),
            (
                "pool",
                .object([
                    ("protocol", .string(pool.isHTTP2 ? "h2" : "h1")), ("idle", .number(pool.idle)),
                    ("active", .number(pool.active)), ("connecting", .number(pool.connecting)),
                    ("waiting", .number(pool.waiting)),
                ])
            ),
            ("refusals", .array(refusals.map { $0.value(at: instant) })),
            ("last_seconds", value(of: seconds)),
        ])
    }

    private func value(of tenant: GateReport.TenantReport) -> JSONText.Value {
        .object([
            ("in_flight", .number(tenant.inFlight)), ("queued", .number(tenant.waiting)),
            ("wait", tenant.wait.map { value(of: $0) } ?? .null),
        ])
    }

    /// Oldest first.
    private func value(of seconds: [SecondsPast.Second]) -> JSONText.Value {
        func numbers(_ member: KeyPath<SecondsPast.Second, Int>) -> JSONText.Value {
            .array(seconds.map { .number($0[keyPath: member]) })
        }
        return .object([
            ("requests", numbers(\.requests)), ("in_flight", numbers(\.inFlight)), ("queued", numbers(\.waiting)),
            ("refused", numbers(\.refused)), ("throttled", numbers(\.throttled)),
        ])
    }

    /// Never the key.
    private func value(of key: GateReport.KeyReport) -> JSONText.Value {
        .object([
            ("name", .string(key.name)), ("state", .string(key.state)), ("in_flight", .number(key.inFlight)),
            ("paused_ms", key.pausedFor.map { .number($0.millisecondsRoundedUp) } ?? .null),
            ("returns_ms", key.returnsIn.map { .number($0.millisecondsRoundedUp) } ?? .null),
        ])
    }

    /// `null` where it is off.
    private var breaker: JSONText.Value {
        guard let breaker = report.breaker else { return .null }
        let state = !breaker.isOpen ? "closed" : breaker.opensIn == nil ? "probing" : "open"
        return .object([
            ("state", .string(state)),
            ("next_probe_ms", breaker.opensIn.map { .number($0.millisecondsRoundedUp) } ?? .null),
        ])
    }

    var address: String {
        "\(upstream.url.isTLS ? "https" : "http")://\(upstream.url.authority)\(upstream.url.path)"
    }

    private func value(of limit: Limit, _ report: GateReport.LimitReport) -> JSONText.Value {
        .object([
            ("name", .string(limit.name)), ("mode", .string(limit.mode.rawValue)),
            ("per", .array(limit.per.map { .string(dimensions.name(of: $0)) })), ("count", .number(report.count)),
            ("in_use", .array(report.cells.map { value(of: $0, limit) })),
        ])
    }

    private func value(of cell: GateReport.CellReport, _ limit: Limit) -> JSONText.Value {
        var members: [(String, JSONText.Value)] = []
        if !limit.per.isEmpty {
            members.append(
                ("for", .object(zip(limit.per, cell.values).map { (dimensions.name(of: $0), .string($1)) })))
        }
        if let most = cell.maxInFlight {
            members.append(("in_flight", bound(most, used: cell.inFlight)))
        }
        if let most = cell.maxDistinct {
            members.append(("distinct", bound(most, used: cell.underWay)))
        }
        for rate in cell.rates { members.append((rate.rate.label, value(of: rate))) }
        if cell.share < 1000 { members.append(("used_share_percent", .number(cell.share / 10))) }
        if let pause = cell.pausedFor { members.append(("paused_ms", .number(pause.millisecondsRoundedUp))) }
        members.append(("queued", .number(cell.waiting)))
        members.append(("next_free_ms", cell.nextFree.map { .number($0.millisecondsRoundedUp) } ?? .null))
        return .object(members)
    }

    private func value(of rate: GateReport.RateReport) -> JSONText.Value {
        var members = members(rate.rate.quota, used: rate.used)
        members.append(("enforced_window_ms", rate.enforcedWindow.map { .number($0.millisecondsRoundedUp) } ?? .null))
        if let lowered = rate.lowered { members.append(("provider_allows", .number(lowered))) }
        return .object(members)
    }

    private func bound(_ value: Int, used: Int) -> JSONText.Value {
        .object(members(value, used: used))
    }

    private func members(_ value: Int, used: Int) -> [(String, JSONText.Value)] {
        [("value", .number(value)), ("used", .number(used)), ("remaining", .number(max(0, value - used)))]
    }
}
