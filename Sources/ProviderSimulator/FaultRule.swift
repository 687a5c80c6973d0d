/// A fault and which requests it meets.
package struct FaultRule: Hashable, Sendable {
    package var fault: Fault
    package var extent: Extent

    package init(_ fault: Fault, _ extent: Extent = .always) {
        self.fault = fault
        self.extent = extent
    }

    package enum Extent: Hashable, Sendable {
        case always
        /// The next so many requests.
        case next(Int)
        /// All requests for so many nanoseconds, from the moment the rule is set.
        case lasting(Int64)
        /// Each request with this probability, 0 to 1.
        case probability(Double)
    }

    /// Reads a fault and, after `@`, whom it meets: `status=503@next=5`, `status=429;retry-after=2@for=30s`,
    /// `reset-before-head@p=0.1`.
    package init(_ text: String) throws(SimulatorTextError) {
        let (fault, extent) = text.splitOnce("@")
        self.init(try Fault(String(fault)))
        guard let extent else { return }
        let (name, value) = extent.splitOnce("=")
        let given = value ?? ""
        if name == "next", let count = Int(given), count >= 1 {
            self.extent = .next(count)
        } else if name == "for", let length = DurationText.parse(given) {
            self.extent = .lasting(length)
        } else if name == "p", let probability = Double(given), (0...1).contains(probability) {
            self.extent = .probability(probability)
        } else {
            throw SimulatorTextError("fault \"\(text)\" needs next=COUNT, for=TIME or p=0..1 after \"@\"")
        }
    }
}

extension FaultRule: CustomStringConvertible {
    /// The form that ``init(_:)`` reads.
    package var description: String {
        switch extent {
        case .always: "\(fault)"
        case .next(let count): "\(fault)@next=\(count)"
        case .lasting(let length): "\(fault)@for=\(DurationText.short(length))"
        case .probability(let probability): "\(fault)@p=\(probability)"
        }
    }
}

/// The fault rules in force and how much of each is left.
struct FaultPlan: Sendable {
    private var entries: [Entry]

    private struct Entry: Sendable {
        var rule: FaultRule
        var end: Int64
    }

    init(_ rules: [FaultRule], now: Int64) {
        entries = rules.map { rule in
            guard case .lasting(let length) = rule.extent else { return Entry(rule: rule, end: .max) }
            let (end, overflow) = now.addingReportingOverflow(length)
            return Entry(rule: rule, end: overflow ? .max : end)
        }
    }

    /// The rules that can still meet a request, with the counts and times that are left.
    func rules(now: Int64) -> [FaultRule] {
        entries.filter { $0.end > now }.map { entry in
            guard case .lasting = entry.rule.extent else { return entry.rule }
            return FaultRule(entry.rule.fault, .lasting(entry.end - now))
        }
    }

    /// The fault for the request that comes now: the first rule that meets it.
    mutating func draw(now: Int64, using random: inout SeededRandom) -> Fault? {
        entries.removeAll { $0.end <= now }
        for place in entries.indices {
            let rule = entries[place].rule
            switch rule.extent {
            case .always, .lasting:
                return rule.fault
            case .probability(let probability):
                if random.fraction() < probability { return rule.fault }
            case .next(let count):
                if count > 1 {
                    entries[place].rule.extent = .next(count - 1)
                } else {
                    entries.remove(at: place)
                }
                return rule.fault
            }
        }
        return nil
    }
}
