import ProviderSimulator

/// What the applications of a demonstration send: tenants, their jobs and how many calls each job makes.
struct Workload: Hashable, Sendable {
    var tenants: [Tenant]
    /// In the order in which they begin.
    var jobs: [Job]

    struct Tenant: Hashable, Sendable {
        var name: String
        /// The value of `X-Priority`; `nil` sends none.
        var priority: String?
        var calls: Int
    }

    /// All calls of a job are made at once; who may go and who waits is not its business.
    struct Job: Hashable, Sendable {
        var name: String
        /// Place in ``Workload/tenants``.
        var tenant: Int
        var calls: Int
        /// Seconds after the start.
        var beginsAt: Double
    }

    var calls: Int { jobs.reduce(0) { $0 + $1.calls } }
}

extension Workload {
    /// Tenants of the document scenario, by how many documents each of them uploads.
    static let appetites = [("acme", 10), ("globex", 8), ("initech", 7), ("umbrella", 6), ("hooli", 5)]

    /// Documents of 5 to 50 pages, uploaded within the first seconds; each tenant's first one at the start.
    static func pages(seed: UInt64) -> Workload {
        var random = SeededRandom(seed: seed)
        var jobs: [Job] = []
        for (tenant, (_, count)) in appetites.enumerated() {
            for number in 1...count {
                let pages = Int.random(in: 5...50, using: &random)
                let moment = random.fraction() * (number == 1 ? 0.3 : 6)
                jobs.append(Job(name: "pdf-\(number)", tenant: tenant, calls: pages, beginsAt: moment))
            }
        }
        return Workload(names: appetites.map { ($0.0, nil) }, jobs: jobs)
    }

    /// One batch with all but a few of the queries, and people who ask one question now and then beside it.
    static func batch(queries: Int, perMinute quota: Int, seed: UInt64) -> Workload {
        var random = SeededRandom(seed: seed)
        let questions = queries / 25
        var jobs = [Job(name: "nightly-run", tenant: 0, calls: queries - questions, beginsAt: 0)]
        let length = Double(queries) / Double(quota) * 60
        for number in 0..<questions {
            let moment = (Double(number) + random.fraction()) / Double(questions) * length * 0.9
            jobs.append(Job(name: "question-\(number + 1)", tenant: 1, calls: 1, beginsAt: moment))
        }
        return Workload(names: [("batch", "low"), ("people", "high")], jobs: jobs)
    }

    private init(names: [(String, String?)], jobs: [Job]) {
        tenants = names.enumerated().map { place, name in
            let calls = jobs.reduce(0) { $0 + ($1.tenant == place ? $1.calls : 0) }
            return Tenant(name: name.0, priority: name.1, calls: calls)
        }
        self.jobs = jobs.sorted { ($0.beginsAt, $0.tenant, $0.name) < ($1.beginsAt, $1.tenant, $1.name) }
    }
}
