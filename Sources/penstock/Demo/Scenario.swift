import ProviderSimulator

/// A demonstration: what is sent, what holds, and how both are told to whoever watches.
struct Scenario: Sendable {
    var title: String
    /// What is happening, for somebody who has never seen this before; about four lines of 80 columns.
    var story: String
    /// The workload's own words, in the plural: pages of PDFs.
    var calls: String
    /// `nil` where a job is no thing of its own to show.
    var jobs: String?
    var workload: Workload
    var bounds: Bounds
    /// What the simulated provider enforces.
    var provider: SimulatorSettings
    private let policy: @Sendable (String) -> String

    /// The limits of the policy as numbers, to check what the provider saw against.
    struct Bounds: Hashable, Sendable {
        /// Of all tenants together.
        var inFlight: Int
        var perTenant: Int?
        var perJob: Int?
        var jobsAtOnce: Int?
        /// Calls per minute.
        var perMinute: Int?
    }

    /// The configuration file of the proxy. `address` is where the provider is.
    func policyText(address: String) -> String { policy(address) }

    /// Seed of everything that the simulated provider does by chance.
    private static func settings(_ rules: [LimitRule], seed: UInt64) -> SimulatorSettings {
        var settings = SimulatorSettings()
        settings.limits = rules
        settings.latency = .uniform(100_000_000...600_000_000)
        settings.seed = seed
        settings.keepsJournal = true
        return settings
    }
}

extension Scenario {
    /// PDFs are read page by page.
    static func pages(seed: UInt64) -> Scenario {
        let bounds = Bounds(inFlight: 16, perTenant: 4, perJob: 4, jobsAtOnce: 8)
        let workload = Workload.pages(seed: seed)
        let rules = [LimitRule(.inFlight(16)), LimitRule(.inFlight(4), scope: .key)]
        return Scenario(
            title: "penstock demo: pages of PDFs",
            story: """
                Five tenants upload \(workload.jobs.count) PDFs; each of the \(workload.calls) pages is one call to a \
                simulated provider, which refuses what is too much for it. The applications send all their calls \
                right away and know nothing of limits. Penstock, between them and the provider, lets go at most 16 \
                calls in all, 4 of a tenant, 4 of a PDF, 8 PDFs at a time. The others wait their turn.
                """,
            calls: "pages", jobs: "PDFs", workload: workload, bounds: bounds,
            provider: settings(rules, seed: seed)
        ) { address in
            """
            upstreams:
              openai:
                url: \(address)    # the simulated provider; yours: https://api.openai.com
                provider: openai
                limits:
                  - {name: account, in_flight: 16}
                  - {name: tenant, per: tenant, in_flight: 4}
                  - {name: job, per: [tenant, job], in_flight: 4}
                  - {name: jobs-at-once, at_most: 8, distinct: [tenant, job]}
                queue: {max_requests: 5000, max_requests_per_tenant: 1000, timeout: 10m}

            """
        }
    }

    /// A batch and people on one account with 500 calls a minute, in true minutes.
    static func batch(queries: Int, seed: UInt64) -> Scenario {
        let quota = 500
        let workload = Workload.batch(queries: queries, perMinute: quota, seed: seed)
        let seconds = queries * 60 / quota
        let rules = [
            LimitRule(.requests(quota, window: 60_000_000_000, .slidingLog)),
            // Penstock is told to pace evenly, 8 or 9 a second: the provider holds it to that, less a fifth of a second
            // that this machine may be late.
            LimitRule(.requests(10, window: 1_000_000_000, .slidingLog)),
            LimitRule(.inFlight(100)),
        ]
        return Scenario(
            title: "penstock demo: a batch under a rate",
            story: """
                A batch sends \(workload.tenants[0].calls) queries at once, and people ask \
                \(workload.tenants[1].calls) questions meanwhile. The simulated provider takes 500 calls in any \
                minute and 10 in any second and refuses the rest. Nothing is compressed: these are true minutes, so \
                this takes about \(seconds) s (--queries N for fewer). No query may be lost, and nobody who asks \
                should have to wait for the batch.
                """,
            calls: "queries", jobs: nil, workload: workload,
            bounds: Bounds(inFlight: 100, perMinute: quota), provider: settings(rules, seed: seed)
        ) { address in
            """
            upstreams:
              openai:
                url: \(address)    # the simulated provider; yours: https://api.openai.com
                provider: openai
                limits:
                  - {name: account, requests: 500/min, in_flight: 100}
                pacing: even
                queue: {max_requests: 20000, max_requests_per_tenant: 20000, timeout: 1h}

            """
        }
    }
}
