import Admission

extension Field {
    func queueRules(in dimensions: Dimensions) -> (QueueRules, FairnessRules) {
        var queue = QueueRules()
        guard
            let section = section(["max_requests", "max_requests_per_tenant", "timeout", "fair_by", "weights"])
        else { return (queue, FairnessRules()) }
        if let max = section["max_requests"]?.integer(0...1_000_000) { queue.maxRequests = max }
        if let field = section["max_requests_per_tenant"] {
            queue.maxRequestsPerTenant = field.integer(0...1_000_000) ?? queue.maxRequestsPerTenant
            if queue.maxRequestsPerTenant > queue.maxRequests {
                field.warning("`max_requests_per_tenant` never matters: `max_requests` is \(queue.maxRequests)")
            }
        } else {
            queue.maxRequestsPerTenant = min(queue.maxRequestsPerTenant, queue.maxRequests)
        }
        if let timeout = section["timeout"]?.duration(.zero ... .days(1)) { queue.timeout = timeout }
        return (queue, Self.fairness(of: section, in: dimensions))
    }

    private static func fairness(of section: Section, in dimensions: Dimensions) -> FairnessRules {
        var fairness = FairnessRules()
        if let field = section["fair_by"] { fairness.levels = field.dimensions(in: dimensions) }
        for level in section["weights"]?.entries() ?? [] {
            guard let dimension = level.keyDimension(in: dimensions) else { continue }
            if !fairness.levels.contains(dimension) {
                let message = "weights of `\(level.key)` never matter: it is not in `fair_by`"
                section.reading.findings.warning(message, at: level.keyPosition)
            }
            fairness.weights[dimension] = level.weights(isPriority: dimension == .priority)
        }
        return fairness
    }

    private func weights(isPriority: Bool) -> [String: Int] {
        var weights: [String: Int] = [:]
        for entry in entries() ?? [] {
            if isPriority { entry.checkKeyIsPriority() }
            weights[entry.key] = entry.integer(1...1000)
        }
        return weights
    }

    /// `even`, `burst`, `auto` or a duration.
    func pacingSetting() -> PacingSetting? {
        let expected = "even, burst, auto or a duration from 100ms to 1d"
        guard let text = scalar(expected: expected)?.text else { return nil }
        switch text {
        case "even": return .even
        case "burst": return .burst
        case "auto": return .auto
        default:
            guard let window = Units.duration(text), (.milliseconds(100) ... .days(1)).contains(window) else {
                mistake(expected: expected)
                return nil
            }
            return .window(window)
        }
    }
}
