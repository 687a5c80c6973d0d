import Admission

/// What happens after an attempt: `retry`, `breaker`, `adaptive`.
extension Field {
    func retryRules() -> RetryRules {
        var rules = RetryRules()
        let keys = ["attempts", "backoff", "budget", "unsafe", "max_body", "max_retry_after"]
        guard let section = section(keys) else { return rules }
        if let attempts = section["attempts"]?.integer(1...100) { rules.attempts = attempts }
        if let backoff = section["backoff"]?.section(["base", "max"]) {
            let range = Interval.milliseconds(1) ... .hours(1)
            if let base = backoff["base"]?.duration(range) { rules.backoffBase = base }
            if let max = backoff["max"]?.duration(range) { rules.backoffMax = max }
            if rules.backoffBase > rules.backoffMax {
                let (base, max) = (Units.text(rules.backoffBase), Units.text(rules.backoffMax))
                backoff.field.mistake("the backoff's base (\(base)) is longer than its max (\(max))")
            }
        }
        if let budget = section["budget"]?.retryBudget() { rules.budget = budget }
        if let unsafe = section["unsafe"]?.flag() { rules.unsafe = unsafe }
        if let maxBody = section["max_body"]?.size(0...(1 << 30)) { rules.maxBody = maxBody }
        if let longest = section["max_retry_after"]?.duration(.zero ... .days(1)) { rules.maxRetryAfter = longest }
        return rules
    }

    /// `10%`, or a share and a least number of repetitions a minute.
    private func retryBudget() -> RetryRules.Budget? {
        var budget = RetryRules.Budget()
        guard isMapping else {
            return percentage(0...100).map { RetryRules.Budget(percent: $0, leastPerMinute: budget.leastPerMinute) }
        }
        guard let section = section(["share", "least"]) else { return nil }
        if let share = section["share"]?.percentage(0...100) { budget.percent = share }
        if let least = section["least"] {
            let expected = "a rate per minute such as 10/min"
            guard let text = least.scalar(expected: expected)?.text else { return nil }
            guard let (count, window) = Units.rate(text), window == .minutes(1), count <= 1_000_000 else {
                least.mistake(expected: expected)
                return nil
            }
            budget.leastPerMinute = count
        }
        return budget
    }

    /// `off`, or the breaker's numbers.
    func breakerRules() -> BreakerRules? {
        var rules = BreakerRules()
        guard isMapping else {
            if case .scalar(let scalar) = node, scalar.string == "off" { return nil }
            mistake(expected: "off or a mapping")
            return rules
        }
        let keys = ["failures", "ratio", "of_at_least", "within", "open_for"]
        guard let section = section(keys) else { return rules }
        if let failures = section["failures"]?.integer(1...1_000_000) { rules.failures = failures }
        if let ratio = section["ratio"]?.percentage(1...100) { rules.percent = ratio }
        if let least = section["of_at_least"]?.integer(1...1_000_000) { rules.ofAtLeast = least }
        if let within = section["within"]?.duration(.seconds(1) ... .hours(1)) { rules.within = within }
        if let openFor = section["open_for"]?.duration(.milliseconds(100) ... .hours(1)) { rules.openFor = openFor }
        return rules
    }

    func adaptiveRules() -> AdaptiveRules? {
        guard let section = section(["min", "max"]) else { return nil }
        let min = section.required("min")?.integer(1...1_000_000)
        let max = section.required("max")?.integer(1...1_000_000)
        guard let min, let max else { return nil }
        guard min <= max else {
            mistake("`adaptive` has a min (\(min)) above its max (\(max))")
            return nil
        }
        return AdaptiveRules(min: min, max: max)
    }
}
