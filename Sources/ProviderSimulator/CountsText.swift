/// The counts as the simulator shows them.
extension SimulatorCounts {
    /// Prometheus text format 0.0.4.
    var prometheus: String {
        var text = ""
        func family(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: Int)]) {
            text += "# HELP simulator_\(name) \(help)\n# TYPE simulator_\(name) \(type)\n"
            for sample in samples { text += "simulator_\(name)\(sample.labels) \(sample.value)\n" }
        }
        family("active_requests", "gauge", "Requests seen and not yet answered in full.", [("", active)])
        family("active_requests_peak", "gauge", "The most active requests at one time.", [("", peak)])
        family("connections", "gauge", "Open connections.", [("", connections)])
        family(
            "requests_total", "counter", "Finished requests by status, none where the connection ended before a head.",
            requests.sorted { $0.key < $1.key }.map {
                ("{status=\"\($0.key == 0 ? "none" : "\($0.key)")\"}", $0.value)
            })
        family(
            "violations_total", "counter", "Requests that arrived when a limit did not allow them.",
            // A sample even without limits, so that a query finds a number.
            violations.isEmpty ? [("{rule=\"\"}", 0)] : Self.byRule(violations))
        if !windowTokensPeak.isEmpty {
            family(
                "window_tokens_peak", "gauge", "The most tokens that arrived within one window, refused ones included.",
                Self.byRule(windowTokensPeak))
        }
        family("cancelled_total", "counter", "Requests whose caller left before the end.", [("", cancelled)])
        return text
    }

    private static func byRule(_ values: [String: Int]) -> [(labels: String, value: Int)] {
        values.sorted { $0.key < $1.key }.map { rule, value in
            // A model's name comes from the user and may hold anything.
            let escaped = rule.flatMap { character in
                switch character {
                case "\\": "\\\\"
                case "\"": "\\\""
                case "\n": "\\n"
                default: String(character)
                }
            }
            return ("{rule=\"\(String(escaped))\"}", value)
        }
    }

    var json: String {
        let statuses = requests.sorted { $0.key < $1.key }.map { status, count in
            "\"\(status == 0 ? "none" : "\(status)")\":\(count)"
        }
        func byRule(_ values: [String: Int]) -> String {
            "{\(values.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\($0.value)" }.joined(separator: ","))}"
        }
        return object([
            "active": "\(active)", "peak": "\(peak)", "accepted": "\(accepted)", "connections": "\(connections)",
            "cancelled": "\(cancelled)", "requests": "{\(statuses.joined(separator: ","))}",
            "violations": byRule(violations), "violations_total": "\(totalViolations)",
            "window_tokens_peak": byRule(windowTokensPeak),
        ])
    }
}

extension SimulatorSettings {
    var json: String {
        object([
            "limits": "[\(limits.map { quoted($0.description) }.joined(separator: ","))]",
            "refused_requests_count": quoted(refusedRequests.rawValue), "latency": quoted("\(latency)"),
            "tokens_per_second": tokensPerSecond.map { "\($0)" } ?? "null",
            "output_tokens": outputTokens.map { "\($0)" } ?? "null", "jitter": "\(jitter)", "seed": "\(seed)",
            "tls": tls == nil ? "false" : "true",
        ])
    }
}

extension FaultRule {
    /// Reads the body of `POST /_simulator/faults`: `{"faults": ["status=503@next=5", …]}`, where each may also be
    /// an object of `fault` and one of `next` (a number), `probability` (a number) or `for` (a duration).
    static func read(_ body: [UInt8]) throws(SimulatorTextError) -> [FaultRule] {
        guard let items = JSONValue(body)?["faults"]?.items else {
            throw SimulatorTextError("the body is to be an object with a list \"faults\"")
        }
        var rules: [FaultRule] = []
        for item in items { rules.append(try read(item)) }
        return rules
    }

    private static func read(_ item: JSONValue) throws(SimulatorTextError) -> FaultRule {
        if let text = item.text { return try FaultRule(text) }
        guard let fault = item["fault"]?.text else {
            throw SimulatorTextError("a fault is a text or an object with \"fault\"")
        }
        if let count = item["next"] { return try FaultRule("\(fault)@next=\(count.integer ?? 0)") }
        if case .number(let share)? = item["probability"] { return try FaultRule("\(fault)@p=\(share)") }
        if let length = item["for"] { return try FaultRule("\(fault)@for=\(length.text ?? "")") }
        return try FaultRule(fault)
    }
}
