import Admission

extension Field {
    /// - Parameter limits: `upstream/limit` names of all limits there are.
    func clusterRules(limits known: [String]) -> ClusterRules? {
        guard let section = section(["redis", "limits", "when_unavailable"]) else { return nil }
        let whenUnavailable = section["when_unavailable"]?.choice(ClusterRules.WhenUnavailable.self) ?? .share
        var limits: [String] = []
        for item in section["limits"]?.items() ?? [] {
            guard let name = item.string() else { continue }
            if !known.contains(name) {
                item.mistake("there is no limit `\(name)`\(Nearest.hint(name, in: known))")
            } else if limits.contains(name) {
                item.mistake("`limits` names `\(name)` twice")
            } else {
                limits.append(name)
            }
        }
        guard let redis = section.required("redis")?.section(["url", "password"]) else { return nil }
        let password = redis["password"]?.secret()
        guard let url = redis.required("url")?.redisURL() else { return nil }
        return ClusterRules(redisURL: url, password: password, limits: limits, whenUnavailable: whenUnavailable)
    }

    /// `redis://host:port` or, with TLS, `rediss://host:port`; the port is 6379 where none stands.
    private func redisURL() -> String? {
        guard let text = string() else { return nil }
        guard let scheme = ["redis://", "rediss://"].first(where: text.hasPrefix) else {
            mistake("`url` must begin with redis:// or rediss://")
            return nil
        }
        let authority = text.dropFirst(scheme.count).prefix { $0 != "/" }
        if authority.contains("@") {
            mistake("`url` must not carry credentials; give them with `password`")
            return nil
        }
        let isAlone = ["", "/"].contains(text.dropFirst(scheme.count + authority.count))
        guard isAlone, let (host, port) = HostName.split(authority), HostName.normalized(host) != nil,
            port.map({ HostName.port($0) != nil }) ?? true
        else {
            mistake("`url` must be redis://host:port and nothing else")
            return nil
        }
        return text
    }
}
