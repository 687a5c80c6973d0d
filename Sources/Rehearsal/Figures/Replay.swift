import Admission

/// Recorded traffic, sent through one gate to a provider that keeps to what it allows.
package struct Replay: Sendable {
    private let traces: [Trace]
    private let requests: Int?
    private let tokens: Int?
    private let inFlight: Int?
    private let timeout: Interval

    /// Each trace is a tenant; `nil` where nothing is limited.
    package init(traces: [Trace], requests: Int?, tokens: Int?, inFlight: Int?, timeout: Interval) {
        self.traces = traces
        self.requests = requests
        self.tokens = tokens
        self.inFlight = inFlight
        self.timeout = timeout
    }

    package func figures(seed: UInt64) -> [Figure] {
        let counterpart = Provider(
            rates: requests.map { [RateEnforcement(.slidingLog, perMinute: $0)] } ?? [],
            tokens: TokenCount(.atArrival, limit: tokens ?? .max, countsFrom: Rehearsal.start))
        var scene = Scene(rules: rules, callers: callers, counterpart: counterpart, seed: seed)
        let length = traces.compactMap { $0.entries.last?.at }.max() ?? .zero
        // Whatever was asked last has been answered or refused by then.
        scene.run(for: length + timeout + .minutes(10))
        return traffic(scene.requests, length) + waits(scene.requests) + counts(scene)
    }

    /// Counts both, refuses nothing.
    private struct Provider: SceneCounterpart {
        var rates: [RateEnforcement]
        var tokens: TokenCount
        var violations = 0

        mutating func receive(
            request: Int, _ identity: Identity, _ size: SceneSize?, at instant: Instant
        ) -> SceneReply {
            for index in rates.indices where !rates[index].admits(at: instant) { violations += 1 }
            return tokens.receive(request: request, identity, size, at: instant)
        }
    }

    private var rules: GateRules {
        let rates =
            (requests.map { [Limit.Rate($0, per: .minutes(1))] } ?? [])
            + (tokens.map { [Limit.Rate($0, per: .minutes(1), of: .tokens)] } ?? [])
        let terms = Limit.Terms(inFlight: inFlight, rates: rates)
        let limits = rates.isEmpty && inFlight == nil ? [] : [Limit(name: "account", terms: terms)]
        return GateRules(
            limits: limits, pacing: .auto(.minutes(1)),
            queue: QueueRules(maxRequests: 1_000_000, maxRequestsPerTenant: 1_000_000, timeout: timeout))
    }

    /// An answer begins after 300 ms and has 50 tokens a second, as hosted models have.
    private var callers: [SceneCaller] {
        traces.enumerated().map { index, trace in
            var caller = SceneCaller(
                Identity(tenant: "trace \(index + 1)", model: "model"),
                .script(trace.entries.map { Rehearsal.start + $0.at }))
            caller.sizes = trace.entries.map { SceneSize(claim: TokenClaim(input: $0.tokens.input), used: $0.tokens) }
            caller.perToken = .milliseconds(20)
            caller.hold = .milliseconds(300)...(.milliseconds(300))
            return caller
        }
    }

    // MARK: Figures

    private func traffic(_ requests: [SceneRequest], _ length: Interval) -> [Figure] {
        let minutes = Double(length.nanoseconds) / 6e10
        let served = requests.count { $0.outcome == .served }
        return [
            Figure("requests", Double(requests.count)),
            Figure("a minute", Double(requests.count) / max(1, minutes)),
            Figure("served", Double(served)),
            Figure("refused", Double(requests.count - served)),
        ]
    }

    private func waits(_ requests: [SceneRequest]) -> [Figure] {
        let waits = requests.filter { $0.attempts > 0 }.map { Double(($0.sentAt - $0.submittedAt).nanoseconds) / 1e9 }
        return [50, 90, 99, 100].map { Figure("wait, p\($0)", percentile($0, of: waits), "s") }
    }

    private func counts(_ scene: Scene<Provider>) -> [Figure] {
        var figures = [
            Figure(
                "under way at the provider, at most", Double(scene.peak),
                target: inFlight.map { .atMost(Double($0)) } ?? .none)
        ]
        if requests != nil {
            figures.append(
                Figure("beyond the provider's rate", Double(scene.counterpart.violations), target: .atMost(0)))
        }
        let peak = Double(scene.counterpart.tokens.peak)
        figures.append(Figure("tokens in the fullest minute", peak))
        if let tokens { figures.append(Figure("of the limit", peak / Double(tokens) * 100, "%")) }
        return figures
    }
}
