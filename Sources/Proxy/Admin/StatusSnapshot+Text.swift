import Admission

extension StatusSnapshot {
    /// The same for a person with curl.
    var text: String {
        var lines = [
            "penstock \(version), \(isDraining ? "draining" : isReady ? "ready" : "not ready"), "
                + "\(connections) connections"
        ]
        for status in upstreams { lines += status.lines }
        lines.append("")
        lines.append("more: /status (JSON)  /metrics  /healthz  /livez  /readyz")
        return lines.joined(separator: "\n") + "\n"
    }
}

extension StatusSnapshot.UpstreamStatus {
    fileprivate var lines: [String] {
        var lines = ["", "\(upstream.name)  \(address)", "  in flight \(report.inFlight), queued \(report.waiting)"]
        if let pause = report.pausedFor {
            lines.append("  paused by the provider for another \(pause.secondsRoundedUp) s")
        }
        if let breaker = report.breaker, breaker.isOpen {
            lines.append("  left alone because it fails, next probe in \(breaker.opensIn?.secondsRoundedUp ?? 0) s")
        }
        if let limit = report.adaptiveLimit { lines.append("  at most \(limit) in flight for now") }
        for (limit, report) in zip(upstream.gate.limits, report.limits) {
            for cell in report.cells.prefix(20) {
                let whom = zip(limit.per, cell.values).map { "\(dimensions.name(of: $0)) \($1)" }
                let name = ([limit.name] + whom).joined(separator: ", ")
                lines.append("  \(name): \(terms(of: cell)), queued \(cell.waiting)")
            }
        }
        for key in report.keys {
            lines.append("  credential \(key.name): \(key.state), in flight \(key.inFlight)")
        }
        for tenant in report.tenants.prefix(20) {
            let wait = tenant.wait.map {
                ", the oldest since \($0.length.secondsRoundedUp) s, held back by \(words(for: $0.cause).reason)"
            }
            lines.append(
                "  tenant \(tenant.name): in flight \(tenant.inFlight), queued \(tenant.waiting)\(wait ?? "")")
        }
        for refusal in recent.report.refusals {
            lines.append("  refused \(refusal.kind.tenant) with \(refusal.kind.status): \(refusal.reason)")
        }
        return lines
    }

    private func terms(of cell: GateReport.CellReport) -> String {
        var terms: [String] = []
        if let most = cell.maxInFlight { terms.append("in flight \(cell.inFlight) of \(most)") }
        if let most = cell.maxDistinct { terms.append("under way \(cell.underWay) of \(most)") }
        for rate in cell.rates { terms.append("\(rate.rate.label) \(rate.used) of \(rate.rate.quota)") }
        return terms.joined(separator: ", ")
    }
}
