import Admission
import Providers

/// An upstream with the places where its parts stand, for the checks that look at several upstreams.
struct ReadUpstream {
    var upstream: Upstream
    let section: Section
    let limits: [ReadLimit]
    /// Where its own listeners stand, in the order of ``Upstream/listen``.
    let listenPositions: [Position]

    /// Where a key's value stands, else where the upstream begins.
    func position(of key: String) -> Position {
        section[key]?.position ?? section.field.keyPosition
    }
}

extension Field {
    private static let upstreamKeys = [
        "url", "provider", "hosts", "prefix", "default", "listen", "credential", "credentials", "limits", "pacing",
        "queue", "retry", "adaptive", "breaker", "connections", "timeouts", "proxy", "tls", "private", "answers",
        "model_header",
    ]

    /// Name → upstream; at least one.
    func upstreams(in dimensions: Dimensions) -> [ReadUpstream] {
        guard let entries = entries() else { return [] }
        if entries.isEmpty { mistake("`upstreams` is empty; it needs at least one upstream") }
        var upstreams = entries.compactMap { $0.upstream(in: dimensions) }
        if entries.count == 1, upstreams.count == 1, upstreams[0].section["default"] == nil {
            upstreams[0].upstream.isDefault = true
        }
        return upstreams
    }

    private func upstream(in dimensions: Dimensions) -> ReadUpstream? {
        if !key.isPlainName {
            let message =
                "`\(key)` is no name for an upstream: letters, digits, dots, dashes and underscores, at most 64"
            reading.findings.mistake(message, at: keyPosition)
        }
        guard let section = section(Self.upstreamKeys) else { return nil }
        let url = section.required("url")?.upstreamURL()
        let provider = section["provider"]?.choice(Provider.self) ?? Provider(host: url?.host ?? "")
        let listen = section["listen"]?.listeners() ?? []
        let read = section["credentials"]?.credentials(in: dimensions) ?? ReadCredentials()
        let limits = read.limits(besides: section["limits"]?.limits(in: dimensions) ?? [])
        if section["credential"] != nil, let several = section["credentials"] {
            let message = "`credential` and `credentials` can't stand together: one key, or a list of keys"
            reading.findings.mistake(message, at: several.keyPosition)
        }
        let pacing = section["pacing"]?.pacingSetting() ?? .auto
        let (queue, fairness) = section["queue"]?.queueRules(in: dimensions) ?? (QueueRules(), FairnessRules())
        let retry = section["retry"]?.retryRules() ?? RetryRules()
        let gate = GateRules(
            limits: limits.map(\.limit), pacing: Pacing(pacing, of: provider), queue: queue, fairness: fairness,
            retryBudget: retry.budget, breaker: section["breaker"].map { $0.breakerRules() } ?? BreakerRules(),
            adaptive: section["adaptive"]?.adaptiveRules(), tokenCounting: provider.tokenCounting,
            dayZone: provider.dayZone, keys: read.credentials.map(\.name))
        var overrides = section["answers"]?.profileOverrides() ?? ProfileOverrides()
        overrides.modelField = section["model_header"]?.headerName()
        let upstream = Upstream(
            name: key, url: url ?? .missing, provider: provider, hosts: section.hosts(besides: url),
            prefix: section["prefix"]?.prefix() ?? "/\(key)", isDefault: section["default"]?.flag() ?? false,
            listen: listen.map(\.listener), credential: section["credential"]?.secret(),
            credentials: read.credentials, gate: gate, pacing: pacing, retry: retry,
            connections: section["connections"]?.connectionRules(to: url) ?? ConnectionRules(),
            timeouts: section["timeouts"]?.timeoutRules() ?? TimeoutRules(), proxy: section["proxy"]?.upstreamProxy(),
            trustedCertificatesPath: section["tls"]?.trustedCertificatesPath(),
            isPrivate: section["private"]?.flag() ?? false, overrides: overrides)
        return ReadUpstream(
            upstream: upstream, section: section, limits: limits, listenPositions: listen.map(\.position))
    }

    private func upstreamURL() -> UpstreamURL? {
        guard let text = string() else { return nil }
        do {
            return try UpstreamURL(parsing: text)
        } catch {
            mistake("`\(key)` \(error.reason)")
            return nil
        }
    }

    private func prefix() -> String? {
        guard let text = string() else { return nil }
        if text == "/" {
            mistake("`prefix` must have a name behind the slash; an upstream that takes everything is `default: true`")
            return nil
        }
        guard text.isPlainPath, !text.withoutFinalSlashes.isEmpty else {
            mistake(expected: "a path such as /openai")
            return nil
        }
        return text.withoutFinalSlashes
    }

    /// A secret, because URLs of proxies often carry a password; one without may stand in the file.
    private func upstreamProxy() -> UpstreamProxy? {
        if !isMapping, let text = node.scalar?.string, text.contains("://"), !text.contains("@") {
            return UpstreamProxy(source: nil, url: proxyURL(text, named: "`\(key)`"))
        }
        guard let secret = secret() else { return nil }
        let url = secret.value.flatMap { proxyURL($0, named: "the secret in \(secret.source.text)") }
        return UpstreamProxy(source: secret.source, url: url)
    }

    private func proxyURL(_ text: String, named name: String) -> ProxyURL? {
        do {
            return try ProxyURL(parsing: text)
        } catch {
            mistake("\(name) \(error.reason)")
            return nil
        }
    }

    private func trustedCertificatesPath() -> String? {
        section(["ca"])?.required("ca")?.path()
    }
}

extension Section {
    /// The url's host, then the further names.
    fileprivate func hosts(besides url: UpstreamURL?) -> [String] {
        var hosts = url.map { [$0.host] } ?? []
        for item in self["hosts"]?.items() ?? [] {
            guard let text = item.string() else { continue }
            if let host = HostName.normalized(text[...]) {
                if !hosts.contains(host) { hosts.append(host) }
            } else {
                item.mistake(expected: "a list of host names, without scheme, port or path")
            }
        }
        return hosts
    }
}

extension UpstreamURL {
    /// Stands in for a URL that could not be read; the policy is invalid then and nobody sees it.
    fileprivate static let missing = UpstreamURL(isTLS: false, host: "", port: 0, path: "", authority: "")
}

extension Pacing {
    package init(_ setting: PacingSetting, of provider: Provider) {
        switch setting {
        case .auto: self = .auto(provider.enforcedWindow)
        case .even: self = .window(.seconds(1))
        case .burst: self = .burst
        case .window(let window): self = .window(window)
        }
    }
}
