/// What is about the process as a whole: `log`, `tracing`, `guard`.
extension Field {
    func logRules() -> LogRules {
        guard let section = section(["level", "format"]) else { return LogRules() }
        return LogRules(
            level: section["level"]?.choice(LogRules.Level.self),
            format: section["format"]?.choice(LogRules.Format.self))
    }

    func tracingRules() -> TracingRules {
        guard let section = section(["spans"]) else { return TracingRules() }
        return TracingRules(spans: section["spans"]?.choice(TracingRules.Spans.self) ?? .off)
    }

    func guardRules() -> GuardRules {
        var rules = GuardRules()
        guard let section = section(["max_connections", "max_memory", "max_header_bytes"]) else { return rules }
        if let max = section["max_connections"]?.integer(1...1_000_000) { rules.maxConnections = max }
        if let max = section["max_memory"]?.memory() { rules.maxMemory = max }
        if let max = section["max_header_bytes"]?.size((1 << 10)...(1 << 20)) { rules.maxHeaderBytes = max }
        return rules
    }

    private func memory() -> GuardRules.Memory? {
        let expected = "a percentage from 1% to 100% or a size from 16MiB, such as 512MiB"
        guard let text = scalar(expected: expected)?.text else { return nil }
        if let percent = Units.percentage(text), (1...100).contains(percent) { return .percent(percent) }
        if let bytes = Units.size(text), bytes >= 16 << 20 { return .bytes(bytes) }
        mistake(expected: expected)
        return nil
    }
}
