import Admission

/// Finds settings of an upstream that nothing can come of, because another one takes away what they are about.
struct IdleSettings {
    private let read: ReadUpstream
    private let dimensions: Dimensions
    private let workers: Int?

    /// - Parameter workers: as far as the file says.
    init(_ upstream: ReadUpstream, _ dimensions: Dimensions, workers: Int?) {
        read = upstream
        self.dimensions = dimensions
        self.workers = workers
    }

    func check() {
        checkRetry()
        checkPacing()
        checkQueue()
        checkConnections()
        if !read.upstream.url.isTLS { read.section["tls"]?.warnOfKey("`tls` never matters: the url is http") }
    }

    private func checkRetry() {
        guard read.upstream.retry.attempts == 1 else { return }
        for entry in read.section["retry"]?.entries() ?? [] where ["backoff", "budget", "unsafe"].contains(entry.key) {
            entry.warnOfKey("`\(entry.key)` never matters: `attempts` is 1")
        }
    }

    private func checkPacing() {
        let terms = read.upstream.gate.limits.flatMap { [$0.terms] + $0.overrides.values }
        guard terms.allSatisfy({ $0.rates.isEmpty }) else { return }
        read.section["pacing"]?.warnOfKey("`pacing` never matters: no limit has a rate")
    }

    /// The bound is one for each value on the outermost level of the line.
    private func checkQueue() {
        let gate = read.upstream.gate
        guard let outermost = gate.fairness.levels.first, outermost != .tenant,
            gate.queue.maxRequestsPerTenant < gate.queue.maxRequests
        else { return }
        let entries = read.section["queue"]?.entries() ?? []
        let field = entries.first { $0.key == "max_requests_per_tenant" } ?? entries.first { $0.key == "fair_by" }
        let name = dimensions.name(of: outermost)
        field?.warnOfKey(
            "`max_requests_per_tenant` (\(gate.queue.maxRequestsPerTenant)) bounds each \(name), not each tenant: "
                + "`fair_by` begins with `\(name)`")
    }

    /// Each event loop has connections of its own.
    private func checkConnections() {
        let max = read.upstream.connections.max
        guard let workers, workers > max else { return }
        let field = read.section["connections"]?.entries()?.first { $0.key == "max" }
        field?.warning("`max: \(max)` is not kept: each of the \(workers) `workers` opens at least one connection")
    }
}

extension Field {
    func warnOfKey(_ message: String) {
        reading.findings.warning(message, at: keyPosition)
    }
}
