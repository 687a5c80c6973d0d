import Admission
import Rehearsal
import Testing

@Suite("Worlds with several keys")
struct KeyWorldTests {
    private static let quotas = [600, 300, 120]

    /// Everybody wants more than the three keys allow together; the provider counts each key in seven ways.
    private static func scenario(seed: UInt64) -> Scenario {
        var random = SplitMix64(seed: seed)
        let limits = quotas.enumerated().map { key, quota in
            Limit(name: "k\(key)/own", terms: Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1))]), keys: [key])
        }
        let rules = GateRules(limits: limits, pacing: .window(.seconds(1)), keys: quotas.indices.map { "k\($0)" })
        let callers = ["a", "b"].map { Caller(Identity(tenant: $0), .backlogged(40)) }
        var upstream = Upstream(throttles: true, jitter: .milliseconds(5))
        upstream.keys = quotas.map { KeyAccount(rates: RateEnforcement.all(perMinute: $0, random: &random)) }
        return Scenario(rules: rules, callers: callers, upstream: upstream)
    }

    @Test("at least 99 % of each key's limit is used, and the provider finds none broken", arguments: [UInt64(1), 2])
    func saturated(seed: UInt64) {
        var rehearsal = Rehearsal(Self.scenario(seed: seed), seed: seed)
        rehearsal.run(for: .minutes(5))
        let findings = rehearsal.findings
        #expect(findings.complaints.isEmpty && findings.throttled == 0, "seed \(seed): \(findings.violations)")
        for (key, quota) in Self.quotas.enumerated() {
            let used = Double(findings.sendsPerKey[key] ?? 0) / Double(quota * 5)
            #expect(used >= 0.99, "seed \(seed): \(used) of key \(key)")
        }
        #expect(findings.fairness(weights: ["a": 1, "b": 1]) > 0.999)
    }

    @Test("a key that is turned away costs a few attempts and no request", arguments: [UInt64(1), 2])
    func turnedAway(seed: UInt64) {
        var scenario = Self.scenario(seed: seed)
        scenario.upstream.keys[0].isRefused = Upstream.Outage(every: .minutes(5), length: .minutes(3))
        var rehearsal = Rehearsal(scenario, seed: seed)
        rehearsal.run(for: .minutes(5))
        let findings = rehearsal.findings
        #expect(findings.complaints.isEmpty && findings.failed == 0, "seed \(seed)")
        // Those under way when it begins, and one for each trial.
        #expect((1...10).contains(findings.turnedAway), "seed \(seed): \(findings.turnedAway)")
    }
}
