import Admission
import Providers

/// What `penstock check` prints: the effective limits of each upstream, with every default filled in. Plain text,
/// aligned, no secrets.
package struct CheckTable: CustomStringConvertible {
    package let policy: Policy
    private let dimensions: Dimensions

    package init(_ policy: Policy) {
        self.policy = policy
        dimensions = Dimensions(policy.identity)
    }

    package var description: String {
        let listening = policy.listen.map { "listen   \($0.address)" }
        let admin = policy.admin.map { ["admin    \($0.address)"] } ?? []
        let head = (listening + admin).joined(separator: "\n")
        return ([head] + policy.upstreams.map(text)).joined(separator: "\n\n") + "\n"
    }

    private func text(_ upstream: Upstream) -> String {
        var lines = ["upstream \(upstream.name)"]
        lines += Self.aligned(ways(to: upstream)).map { "  " + $0 }
        if upstream.gate.limits.isEmpty {
            lines.append("  no limits")
        } else {
            let head = ["limit", "applies to", "bound", "pacing", "mode"]
            lines.append("")
            lines += Self.aligned([head] + upstream.gate.limits.flatMap { rows($0, upstream.gate) }).map {
                "  " + $0
            }
            lines.append("")
        }
        lines += Self.aligned(rules(of: upstream)).map { "  " + $0 }
        return lines.joined(separator: "\n")
    }

    private func ways(to upstream: Upstream) -> [[String]] {
        var rows = [
            ["url", upstream.url.text],
            ["provider", upstream.provider.rawValue],
            ["hosts", upstream.hosts.joined(separator: ", ")],
            ["prefix", upstream.prefix + (upstream.isDefault ? ", and what no prefix matches" : "")],
        ]
        rows += upstream.listen.map { ["listen", $0.address.description] }
        if let credential = upstream.credential { rows.append(["credential", credential.source.place]) }
        rows += upstream.credentials.map { ["credential", "\($0.name), \($0.key.source.place)"] }
        if let proxy = upstream.proxy { rows.append(["proxy", proxy.place]) }
        if let path = upstream.trustedCertificatesPath { rows.append(["tls", "certificates of \(path)"]) }
        if upstream.overrides != ProfileOverrides() { rows.append(["answers", "read by rules of their own"]) }
        if upstream.isPrivate { rows.append(["private", "may resolve to a private address"]) }
        return rows
    }

    // MARK: - Limits

    /// One row for each bound; the limit's name stands in the first.
    private func rows(_ limit: Limit, _ gate: GateRules) -> [[String]] {
        let (pacing, scope) = (gate.pacing, scope(of: limit, keys: gate.keys))
        var rows = bounds(limit.terms, pacing).map { ["", scope, $0.bound, $0.pacing, limit.mode.rawValue] }
        for (value, terms) in limit.overrides.sorted(by: { $0.key < $1.key }) {
            let last = limit.per.last.map { dimensions.name(of: $0) } ?? ""
            rows += bounds(terms, pacing).map { ["", "\(last) = \(value)", $0.bound, $0.pacing, limit.mode.rawValue] }
        }
        if !rows.isEmpty { rows[0][0] = limit.name }
        return rows
    }

    private func scope(of limit: Limit, keys: [String]) -> String {
        let conditions = limit.match.map { condition in
            "\(dimensions.name(of: condition.dimension)) = \(condition.patterns.map(\.pattern).joined(separator: " | "))"
        }
        let each = limit.per.isEmpty ? [] : ["each \(names(limit.per))"]
        let own = limit.keys.map { keys[$0] }.joined(separator: " | ")
        let words = each + (own.isEmpty ? [] : ["credential = \(own)"]) + conditions
        return words.isEmpty ? "all" : words.joined(separator: ", ")
    }

    /// What terms bound, one after the other, and how sends under each follow one another.
    package func bounds(_ terms: Limit.Terms, _ pacing: Pacing) -> [(bound: String, pacing: String)] {
        var bounds: [(String, String)] = []
        if let inFlight = terms.inFlight { bounds.append(("\(inFlight) in flight", "-")) }
        for rate in terms.rates {
            let unit = rate.unit.rawValue.replacing("_", with: " ")
            bounds.append(("\(rate.quota) \(unit)/\(Units.word(for: rate.window))", Self.pacing(of: rate, pacing)))
        }
        if let distinct = terms.distinct {
            bounds.append(("\(distinct.atMost) different \(names(distinct.of)) at a time", "-"))
        }
        return bounds
    }

    private static func pacing(of rate: Limit.Rate, _ pacing: Pacing) -> String {
        let (spacing, burst) = rate.paced(pacing)
        return spacing > .zero ? "1 per \(rounded(spacing)), burst \(burst)" : "all at once"
    }

    /// Three significant digits or so: enough to compare, short enough to read.
    private static func rounded(_ interval: Interval) -> String {
        let microseconds = interval.nanoseconds / 1_000
        switch microseconds {
        case ..<1_000: return "\(microseconds) us"
        case ..<10_000: return "\(microseconds / 1_000).\(microseconds / 100 % 10) ms"
        case ..<10_000_000: return "\(microseconds / 1_000) ms"
        default: return "\(microseconds / 1_000_000) s"
        }
    }

    package func names(_ some: [Dimension]) -> String {
        some.map { dimensions.name(of: $0) }.joined(separator: " + ")
    }

    // MARK: - Other rules

    private func rules(of upstream: Upstream) -> [[String]] {
        let queue = upstream.gate.queue
        let connections = upstream.connections
        return [
            ["pacing", upstream.pacing.text(windowOf: upstream.gate.pacing)],
            [
                "queue",
                "\(queue.maxRequests) requests, \(queue.maxRequestsPerTenant) per tenant, "
                    + "wait up to \(Units.text(queue.timeout)), fair by "
                    + upstream.gate.fairness.levels.map { dimensions.name(of: $0) }.joined(separator: " > "),
            ],
            ["weights", weights(upstream.gate.fairness)],
            ["timeouts", upstream.timeouts.text],
            ["retry", upstream.retry.text],
            ["breaker", upstream.gate.breaker?.text ?? "off"],
            ["adaptive", upstream.gate.adaptive.map { "from \($0.min) to \($0.max) in flight" } ?? "off"],
            [
                "connections",
                "\(connections.max), protocol \(connections.httpVersion.rawValue), "
                    + "idle \(Units.text(connections.idle))",
            ],
        ]
    }

    private func weights(_ fairness: FairnessRules) -> String {
        let levels = fairness.levels.compactMap { level -> String? in
            guard let weights = fairness.weights[level], !weights.isEmpty else { return nil }
            let shares = weights.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
            return "\(dimensions.name(of: level)): \(shares.joined(separator: ", "))"
        }
        return levels.isEmpty ? "all 1" : levels.joined(separator: "; ")
    }

    /// Pads every column but the last to its widest cell.
    package static func aligned(_ rows: [[String]]) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return cells.joined(separator: "  ")
        }
    }
}

extension Secret.Source {
    /// Where the secret is, never what it is.
    package var place: String {
        switch self {
        case .environment(let name): "from the environment, \(name)"
        case .file(let path): "from the file \(path)"
        }
    }
}

extension UpstreamProxy {
    fileprivate var place: String {
        if let source { return source.place }
        return url.map { "http://\($0.host.contains(":") ? "[\($0.host)]" : $0.host):\($0.port)" } ?? ""
    }
}

extension PacingSetting {
    fileprivate func text(windowOf pacing: Pacing) -> String {
        switch self {
        case .auto: if case .auto(let window) = pacing { "auto, at first \(Units.text(window))" } else { "auto" }
        case .even: "even"
        case .burst: "burst"
        case .window(let window): Units.text(window)
        }
    }
}

extension TimeoutRules {
    package var text: String {
        "connect \(Units.text(connect)), first byte \(Units.text(firstByte)), idle \(Units.text(idle)), "
            + "total \(Units.text(total))"
    }
}

extension RetryRules {
    package var text: String {
        "\(attempts) attempts, backoff \(Units.text(backoffBase)) to \(Units.text(backoffMax)), "
            + "budget \(budget.percent)% and at least \(budget.leastPerMinute)/min, "
            + "bodies up to \(Units.text(bytes: maxBody)), hints up to \(Units.text(maxRetryAfter))"
            + (unsafe ? ", unsafe" : "")
    }
}

extension BreakerRules {
    fileprivate var text: String {
        "\(failures) failures in a row, or \(percent)% of at least \(ofAtLeast) within \(Units.text(within)); "
            + "open for \(Units.text(openFor))"
    }
}
