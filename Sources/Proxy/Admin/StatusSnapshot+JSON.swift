import Admission
import Policy
import Providers

extension StatusSnapshot {
    /// `/status`: one object, upstreams by name, lengths of time in seconds or milliseconds as the member's name says.
    var json: [UInt8] {
        let value = JSONText(
            .object([
                ("version", .string(version)), ("ready", .boolean(isReady)), ("draining", .boolean(isDraining)),
                ("connections", .number(connections)),
                ("upstreams", .object(upstreams.map { ($0.upstream.name, $0.value) })),
            ]))
        return value.bytes + [UInt8(ascii: "\n")]
    }
}

extension StatusSnapshot.UpstreamStatus {
    fileprivate var value: JSONText.Value {
        .object([
            ("url", .string(address)), ("provider", .string(upstream.provider.rawValue)),
            ("in_flight", .number(report.inFlight)), ("queued", .number(report.waiting)),
            ("paused_ms", report.pausedFor.map { .number($0.millisecondsRoundedUp) } ?? .null),
            (
                "limits",
                .array(zip(upstream.gate.limits, report.limits).map { value(of: $0, $1) })
            ),
            (
                "tenants",
                .object(
                    report.tenants.map {
                        ($0.name, .object([("in_flight", .number($0.inFlight)), ("queued", .number($0.waiting))]))
                    })
            ),
            (
                "pool",
                .object([
                    ("protocol", .string(pool.isHTTP2 ? "h2" : "h1")), ("idle", .number(pool.idle)),
                    ("active", .number(pool.active)), ("connecting", .number(pool.connecting)),
                    ("waiting", .number(pool.waiting)),
                ])
            ),
        ])
    }

    var address: String {
        "\(upstream.url.isTLS ? "https" : "http")://\(upstream.url.authority)\(upstream.url.path)"
    }

    private func value(of limit: Limit, _ report: GateReport.LimitReport) -> JSONText.Value {
        .object([
            ("name", .string(limit.name)), ("mode", .string(limit.mode.rawValue)),
            ("per", .array(limit.per.map { .string(dimensions.name(of: $0)) })),
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
        for rate in cell.rates { members.append((rate.rate.label, bound(rate.rate.quota, used: rate.used))) }
        members.append(("queued", .number(cell.waiting)))
        members.append(("next_free_ms", cell.nextFree.map { .number($0.millisecondsRoundedUp) } ?? .null))
        return .object(members)
    }

    private func bound(_ value: Int, used: Int) -> JSONText.Value {
        .object([("value", .number(value)), ("used", .number(used)), ("remaining", .number(max(0, value - used)))])
    }
}
