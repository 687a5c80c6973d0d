extension Policy {
    /// All that holds, defaults included, as a file that says so; secrets are `***`.
    package var yaml: String {
        settings.yaml().joined(separator: "\n") + "\n"
    }

    /// The same as a value.
    var settings: Setting {
        let dimensions = Dimensions(identity)
        var entries: [Setting.Entry] = [.init("listen", .list(listen.map(\.setting)))]
        if let admin { entries.append(.init("admin", setting(ofAdmin: admin))) }
        entries.append(.init("forward_proxy", .flag(forwardProxy)))
        if let workers { entries.append(.init("workers", .number(workers))) }
        entries.append(.init("log", log.setting))
        entries.append(.init("tracing", .mapping([.init("spans", .text(tracing.spans.rawValue))])))
        entries.append(.init("identity", identity.setting))
        entries.append(
            .init("upstreams", .mapping(upstreams.map { .init($0.name, $0.setting(dimensions)) })))
        if let cluster { entries.append(.init("cluster", cluster.setting)) }
        entries.append(.init("guard", proxyGuard.setting))
        return .mapping(entries)
    }

    private func setting(ofAdmin admin: Listener) -> Setting {
        var entries: [Setting.Entry] = [.init("address", .text(admin.address.description))]
        if let tls = admin.tls { entries.append(.init("tls", tls.setting)) }
        return .mapping(entries + [.init("allow_changes", .flag(adminAllowsChanges))])
    }
}

extension Listener {
    var setting: Setting {
        guard let tls else { return .text(address.description) }
        return .mapping([.init("address", .text(address.description)), .init("tls", tls.setting)])
    }
}

extension Listener.Certificate {
    fileprivate var setting: Setting {
        .mapping([.init("cert", .text(certificatePath)), .init("key", .text(keyPath))])
    }
}

extension LogRules {
    fileprivate var setting: Setting {
        var entries: [Setting.Entry] = []
        if let level { entries.append(.init("level", .text(level.rawValue))) }
        if let format { entries.append(.init("format", .text(format.rawValue))) }
        return .mapping(entries)
    }
}

extension GuardRules {
    fileprivate var setting: Setting {
        let memory =
            switch maxMemory {
            case .percent(let percent): "\(percent)%"
            case .bytes(let bytes): Units.text(bytes: bytes)
            }
        return .mapping([
            .init("max_connections", .number(maxConnections)), .init("max_memory", .text(memory)),
            .init("max_header_bytes", .text(Units.text(bytes: maxHeaderBytes))),
        ])
    }
}

extension ClusterRules {
    fileprivate var setting: Setting {
        .mapping([
            .init("redis", redis.setting), .init("limits", .list(limits.map(Setting.text))),
            .init("when_unavailable", .text(whenUnavailable.rawValue)),
        ])
    }
}

extension RedisRules {
    fileprivate var setting: Setting {
        let urls = seeds.map { Setting.text(url(of: $0)) }
        var entries: [Setting.Entry] = [.init("url", urls.count == 1 ? urls[0] : .list(urls))]
        if let user { entries.append(.init("user", .text(user))) }
        if let password { entries.append(.init("password", password.setting)) }
        if let sentinel { entries.append(.init("sentinel", .text(sentinel))) }
        if let path = trustedCertificatesPath { entries.append(.init("tls", .mapping([.init("ca", .text(path))]))) }
        return .mapping(entries)
    }

    private func url(of seed: Address) -> String {
        switch seed {
        case .unix(let path): return "unix:\(path)"
        case .host(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return "\(isTLS ? "rediss" : "redis")://\(name):\(port)" + (database > 0 ? "/\(database)" : "")
        }
    }
}

extension IdentityRules {
    fileprivate var setting: Setting {
        let named = others.filter { !$0.name.isEmpty }.map { ($0.name, $0.sources) }
        let all = [("tenant", tenant), ("job", job), ("priority", priority)] + named
        return .mapping(all.map { name, sources in .init(name, .list(sources.map(\.setting))) })
    }
}

extension IdentityRules.Source {
    fileprivate var setting: Setting {
        switch self {
        case .header(let name, let forward):
            .mapping([.init("header", .text(name))] + (forward ? [.init("forward", .flag(true))] : []))
        case .proxyUser: .text("proxy_user")
        case .baggage(let member): .mapping([.init("baggage", .text(member))])
        case .credential: .text("credential")
        case .fixed(let value): .mapping([.init("default", .text(value))])
        }
    }
}
