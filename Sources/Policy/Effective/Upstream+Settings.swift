import Admission

extension Upstream {
    func setting(_ dimensions: Dimensions) -> Setting {
        var entries: [Setting.Entry] = [
            .init("url", .text(url.text)), .init("provider", .text(provider.rawValue)),
            .init("hosts", .list(hosts.map(Setting.text))), .init("prefix", .text(prefix)),
            .init("default", .flag(isDefault)),
        ]
        if !listen.isEmpty { entries.append(.init("listen", .list(listen.map(\.setting)))) }
        if let credential { entries.append(.init("credential", credential.setting)) }
        if !credentials.isEmpty { entries.append(.init("credentials", .named(credentialEntries(dimensions)))) }
        let limits = gate.limits.filter { gate.owner(of: $0) == nil }
        entries += [
            .init("limits", .named(limits.map { .init($0.name, $0.setting(dimensions, keys: gate.keys)) })),
            .init("pacing", .text(pacing.text)), .init("queue", queueSetting(dimensions)),
            .init("retry", retry.setting),
        ]
        if let adaptive = gate.adaptive {
            entries.append(
                .init("adaptive", .mapping([.init("min", .number(adaptive.min)), .init("max", .number(adaptive.max))])))
        }
        entries += [
            .init("breaker", gate.breaker?.setting ?? .text("off")), .init("connections", connections.setting),
            .init("timeouts", timeouts.setting),
        ]
        if let proxy { entries.append(.init("proxy", proxy.setting)) }
        if let path = trustedCertificatesPath { entries.append(.init("tls", .mapping([.init("ca", .text(path))]))) }
        return .mapping(entries + overrides.settings + [.init("private", .flag(isPrivate))])
    }

    /// Each key with the limits that are its own.
    private func credentialEntries(_ dimensions: Dimensions) -> [Setting.Entry] {
        credentials.enumerated().map { place, credential in
            let own = gate.limits.filter { gate.owner(of: $0) == place }.map { limit in
                let name = String(limit.name.dropFirst(credential.name.count + 1))
                return Setting.Entry(name, limit.setting(dimensions, keys: nil))
            }
            let limits = own.isEmpty ? [] : [Setting.Entry("limits", .named(own))]
            return .init(credential.name, .mapping([.init("key", credential.key.setting)] + limits))
        }
    }

    private func queueSetting(_ dimensions: Dimensions) -> Setting {
        let weights = gate.fairness.weights.map { dimension, shares in
            Setting.Entry(
                dimensions.name(of: dimension),
                .mapping(shares.map { .init($0.key, .number($0.value)) }.sorted { $0.key < $1.key }))
        }
        return .mapping([
            .init("max_requests", .number(gate.queue.maxRequests)),
            .init("max_requests_per_tenant", .number(gate.queue.maxRequestsPerTenant)),
            .init("timeout", .length(gate.queue.timeout)),
            .init("fair_by", .list(gate.fairness.levels.map { .text(dimensions.name(of: $0)) })),
            .init("weights", .mapping(weights.sorted { $0.key < $1.key })),
        ])
    }
}

extension Setting {
    fileprivate static func length(_ interval: Interval) -> Setting { .text(Units.text(interval)) }
}

extension Secret {
    var setting: Setting { .secret(self, source: source.inWords) }
}

extension Secret.Source {
    /// Where the secret is, never what it is.
    var inWords: String {
        switch self {
        case .environment(let name): "from the environment, \(name)"
        case .file(let path): "from the file \(path)"
        }
    }
}

extension UpstreamProxy {
    /// A URL that stands in the file carries no password.
    fileprivate var setting: Setting {
        guard let source else {
            return .text(url.map { "http://\(Listener.Address.tcp(host: $0.host, port: $0.port))" } ?? "")
        }
        // Two URLs differ where anything about them does, so the whole of it stands for the secret's value.
        let value = url.map { "\($0.host) \($0.port) \($0.credentials ?? "")" }
        return .secret(Secret(source: source, value: value), source: source.inWords)
    }
}

extension PacingSetting {
    fileprivate var text: String {
        switch self {
        case .auto: "auto"
        case .even: "even"
        case .burst: "burst"
        case .window(let window): Units.text(window)
        }
    }
}

// MARK: - Limits

extension GateRules {
    /// The place of the key whose own a limit is: its name stands before the limit's.
    fileprivate func owner(of limit: Limit) -> Int? {
        guard limit.keys.count == 1, let key = limit.keys.first else { return nil }
        return limit.name.hasPrefix(keys[key] + "/") ? key : nil
    }
}

extension Limit {
    /// - Parameter keys: the names of the upstream's; `nil` for a limit of one key, which stands with it.
    fileprivate func setting(_ dimensions: Dimensions, keys names: [String]?) -> Setting {
        var entries: [Setting.Entry] = []
        var conditions = match.map { condition in
            Setting.Entry(
                dimensions.name(of: condition.dimension), .oneOrMore(condition.patterns.map { .text($0.pattern) }))
        }
        if let names, !keys.isEmpty {
            conditions.append(
                .init(dimensions.name(of: .credential), .oneOrMore(keys.map { .text(names[$0]) })))
        }
        if !conditions.isEmpty { entries.append(.init("match", .mapping(conditions))) }
        if !per.isEmpty { entries.append(.init("per", .oneOrMore(per.map { .text(dimensions.name(of: $0)) }))) }
        entries += terms.entries
        if let distinct = terms.distinct {
            let names = distinct.of.map { Setting.text(dimensions.name(of: $0)) }
            entries.append(.init("distinct", .oneOrMore(names)))
        }
        if !overrides.isEmpty {
            let all = overrides.map { Setting.Entry($0.key, .mapping($0.value.entries)) }.sorted { $0.key < $1.key }
            entries.append(.init("overrides", .mapping(all)))
        }
        return .mapping(names == nil ? entries : entries + [.init("mode", .text(mode.rawValue))])
    }
}

extension Limit.Terms {
    fileprivate var entries: [Setting.Entry] {
        var entries: [Setting.Entry] = []
        if let inFlight { entries.append(.init("in_flight", .number(inFlight))) }
        for unit in [Limit.Unit.requests, .tokens, .inputTokens, .outputTokens] {
            let rates = rates.filter { $0.unit == unit }.map { Setting.text(Units.text($0)) }
            if !rates.isEmpty { entries.append(.init(unit.rawValue, .oneOrMore(rates))) }
        }
        if let distinct { entries.append(.init("at_most", .number(distinct.atMost))) }
        return entries
    }
}

// MARK: - Other rules

extension RetryRules {
    fileprivate var setting: Setting {
        .mapping([
            .init("attempts", .number(attempts)),
            .init("backoff", .mapping([.init("base", .length(backoffBase)), .init("max", .length(backoffMax))])),
            .init(
                "budget",
                .mapping([
                    .init("share", .text("\(budget.percent)%")), .init("least", .text("\(budget.leastPerMinute)/min")),
                ])),
            .init("unsafe", .flag(unsafe)), .init("max_body", .text(Units.text(bytes: maxBody))),
            .init("max_retry_after", .length(maxRetryAfter)),
        ])
    }
}

extension BreakerRules {
    fileprivate var setting: Setting {
        .mapping([
            .init("failures", .number(failures)), .init("ratio", .text("\(percent)%")),
            .init("of_at_least", .number(ofAtLeast)), .init("within", .length(within)),
            .init("open_for", .length(openFor)),
        ])
    }
}

extension ConnectionRules {
    fileprivate var setting: Setting {
        .mapping([
            .init("max", .number(max)), .init("protocol", .text(httpVersion.rawValue)), .init("idle", .length(idle)),
        ])
    }
}

extension TimeoutRules {
    fileprivate var setting: Setting {
        .mapping([
            .init("connect", .length(connect)), .init("first_byte", .length(firstByte)), .init("idle", .length(idle)),
            .init("total", .length(total)),
        ])
    }
}
