import Admission

/// Turns the YAML document into one validated policy, or says everything that is wrong with it.
///
/// The size of the document and the number of its nodes are bounded, and no message repeats a secret.
package struct PolicyLoader {
    /// How messages call the file.
    package var file: String
    package var secrets: SecretSource
    /// What the process settings put in the place of the file's `listen` and `admin`; `nil` leaves the file's.
    package var listen: [Listener]?
    package var admin: Listener?
    /// Names of its own that the policy in force has, in their order: they keep their dimensions, because requests that
    /// are under way know them by these.
    package var knownNames: [String] = []

    package init(file: String, secrets: SecretSource, listen: [Listener]? = nil, admin: Listener? = nil) {
        self.file = file
        self.secrets = secrets
        self.listen = listen
        self.admin = admin
    }

    /// A policy and what should be said about it nevertheless, in the order of the file.
    package struct Loaded: Sendable {
        package var policy: Policy
        package var warnings: [Diagnostic]
    }

    private static let keys = [
        "listen", "admin", "forward_proxy", "workers", "log", "tracing", "identity", "upstreams", "cluster", "guard",
    ]

    package func load(_ text: String) throws(InvalidPolicy) -> Loaded {
        try load(Array(text.utf8))
    }

    package func load(_ bytes: [UInt8]) throws(InvalidPolicy) -> Loaded {
        let findings = Findings(file: file)
        let policy = Document(bytes, findings: findings).flatMap { read($0, findings: findings) }
        guard let policy, !findings.hasMistakes else { throw InvalidPolicy(diagnostics: findings.diagnostics) }
        return Loaded(policy: policy, warnings: findings.diagnostics)
    }

    private func read(_ document: Document, findings: Findings) -> Policy? {
        let reading = Reading(findings: findings, duplicates: document.duplicates, secrets: secrets)
        let root = Field(key: "", keyPosition: .start, node: document.root, reading: reading)
        guard let section = root.section(Self.keys) else { return nil }
        let identity = (section["identity"]?.identityRules() ?? .standard).keeping(knownNames)
        let dimensions = Dimensions(identity)
        let upstreams = section.required("upstreams")?.upstreams(in: dimensions) ?? []
        let cluster = section["cluster"]?.clusterRules(upstreams)
        let fileListen = section["listen"]?.listeners() ?? []
        let fileAdmin = section["admin"]?.admin() ?? (listener: nil, allowsChanges: false)
        let policy = Policy(
            listen: listen ?? (fileListen.isEmpty ? [.standard] : fileListen.map(\.listener)),
            admin: admin ?? fileAdmin.listener, adminAllowsChanges: fileAdmin.allowsChanges,
            forwardProxy: section["forward_proxy"]?.flag() ?? true,
            workers: section["workers"]?.integer(1...1024), log: section["log"]?.logRules() ?? LogRules(),
            tracing: section["tracing"]?.tracingRules() ?? TracingRules(),
            identity: identity, upstreams: upstreams.map { $0.upstream.sharing(cluster) }, cluster: cluster,
            proxyGuard: section["guard"]?.guardRules() ?? GuardRules())
        Clashes(findings: findings, upstreams: upstreams).check(
            bound: bound(policy, section: section, filePositions: fileListen.map(\.position)))
        // Where something is wrong, a limit may look idle or a name unused only because of that.
        if !findings.hasMistakes { warn(about: policy, section, upstreams, dimensions) }
        return policy
    }

    /// What can be used and is most likely not meant.
    private func warn(about policy: Policy, _ section: Section, _ upstreams: [ReadUpstream], _ dimensions: Dimensions) {
        let values = PossibleValues(policy.identity)
        for upstream in upstreams {
            IdleLimits(upstream, dimensions, values).check()
            UnmetNames(upstream, dimensions, values).check()
            IdleSettings(upstream, dimensions, workers: policy.workers).check()
            ExposedKeys.check(upstream)
            if policy.cluster != nil, upstream.limits.contains(where: { !$0.limit.keys.isEmpty }) {
                upstream.section["credentials"]?.warnOfKey("limits of keys hold in each replica by itself")
            }
        }
        guard let identity = section["identity"] else { return }
        UnusedNames(policy).check(identity)
        ExposedKeys.check(identity: identity)
    }

    /// The addresses of the whole proxy with the places to point at when they clash.
    private func bound(_ policy: Policy, section: Section, filePositions: [Position]) -> [Clashes.Bound] {
        var bound = policy.listen.enumerated().map { index, listener in
            let isOfFile = listen == nil && filePositions.indices.contains(index)
            return Clashes.Bound(
                listener.address, key: "listen",
                position: isOfFile ? filePositions[index] : section["listen"]?.position ?? .start)
        }
        if let admin = policy.admin {
            bound.append(Clashes.Bound(admin.address, key: "admin", position: section["admin"]?.position ?? .start))
        }
        return bound
    }
}
