import Admission

extension Field {
    /// - Parameter upstreams: with the limits that there are; those that are shared are noted in their rules.
    func clusterRules(_ upstreams: [ReadUpstream]) -> ClusterRules? {
        guard let section = section(["redis", "limits", "when_unavailable"]) else { return nil }
        let whenUnavailable = section["when_unavailable"]?.choice(ClusterRules.WhenUnavailable.self) ?? .share
        let limits = section["limits"].map { $0.sharedLimits(upstreams) }
        guard let redis = section.required("redis")?.redisRules() else { return nil }
        return ClusterRules(redis: redis, limits: limits ?? [], whenUnavailable: whenUnavailable)
    }

    /// `upstream/limit` names.
    private func sharedLimits(_ upstreams: [ReadUpstream]) -> [String] {
        let known = upstreams.flatMap { read in
            read.limits.map { (name: "\(read.upstream.name)/\($0.limit.name)", limit: $0.limit) }
        }
        var limits: [String] = []
        for item in items() ?? [] {
            guard let name = item.string() else { continue }
            if let limit = known.first(where: { $0.name == name })?.limit {
                if limits.contains(name) { item.mistake("`limits` names `\(name)` twice") }
                if limit.terms.distinct != nil {
                    item.mistake("`\(name)` is `distinct`, and such a limit can't be shared")
                }
                if !limit.keys.isEmpty {
                    item.mistake("`\(name)` is a limit of a key, and such a limit can't be shared")
                }
                limits.append(name)
            } else {
                item.mistake("there is no limit `\(name)`\(Nearest.hint(name, in: known.map(\.name)))")
            }
        }
        return limits
    }

    private func redisRules() -> RedisRules? {
        let keys = ["url", "user", "password", "sentinel", "tls"]
        guard let section = section(keys) else { return nil }
        let (password, sentinel) = (section["password"]?.secret(), section["sentinel"]?.string())
        guard let url = section.required("url") else { return nil }
        let seeds = url.oneOrMore().compactMap { $0.redisSeed() }
        if let first = seeds.first, seeds.contains(where: { $0.isTLS != first.isTLS || $0.database != first.database })
        {
            url.mistake("the addresses of `url` must be alike but for host and port")
        }
        if section["user"] != nil, section["password"] == nil { section["user"]?.mistake("`user` needs `password`") }
        let ca = section["tls"].flatMap { $0.section(["ca"])?.required("ca")?.string() }
        if ca != nil, seeds.first?.isTLS == false { section["tls"]?.mistake("`tls` needs a rediss:// address") }
        guard let first = seeds.first else { return nil }
        return RedisRules(
            seeds: seeds.map(\.address), isTLS: first.isTLS, database: first.database, user: section["user"]?.string(),
            password: password, sentinel: sentinel, trustedCertificatesPath: ca)
    }

    private typealias Seed = (address: RedisRules.Address, isTLS: Bool, database: Int)

    /// `redis://host:port/database` or, with TLS, `rediss://…`, or `unix:/path`; port 6379 and database 0 where none
    /// stands.
    private func redisSeed() -> Seed? {
        guard let text = string() else { return nil }
        if text.hasPrefix("unix:/"), text.utf8.count < 108 { return (.unix(path: String(text.dropFirst(5))), false, 0) }
        guard let scheme = ["redis://", "rediss://"].first(where: text.hasPrefix) else {
            mistake("`url` must begin with redis://, rediss:// or unix:/")
            return nil
        }
        let authority = text.dropFirst(scheme.count).prefix { $0 != "/" }
        if authority.contains("@") {
            mistake("`url` must not carry credentials; give them with `user` and `password`")
            return nil
        }
        let path = text.dropFirst(scheme.count + authority.count).dropFirst()
        guard let (name, port) = HostName.split(authority), let host = HostName.normalized(name),
            let number = port.map({ HostName.port($0) }) ?? 6379, let database = path.isEmpty ? 0 : Units.number(path)
        else {
            mistake("`url` must be \(scheme)host:port, with /database behind it where that is not 0")
            return nil
        }
        return (.host(host, port: number), scheme == "rediss://", database)
    }
}

extension Upstream {
    /// The same with those of its limits marked that a cluster shares: the named ones, or all that are not per job.
    package func sharing(_ cluster: ClusterRules?) -> Upstream {
        var upstream = self
        upstream.gate.shared = nil
        guard let cluster else { return upstream }
        let shared = gate.limits.filter { limit in
            // Which key a request goes out with is each replica's own choice.
            if !limit.keys.isEmpty { return false }
            if !cluster.limits.isEmpty { return cluster.limits.contains("\(name)/\(limit.name)") }
            return !limit.per.contains(.job) && limit.terms.distinct == nil
        }
        if shared.isEmpty { return upstream }
        let whenAway: SharedRules.WhenAway =
            switch cluster.whenUnavailable {
            case .share: .part
            case .deny: .deny
            case .local: .local
            }
        upstream.gate.shared = SharedRules(limits: shared.map(\.name), whenAway: whenAway)
        return upstream
    }
}
