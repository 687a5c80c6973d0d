@testable import Admission

/// A gate driven by hand: answers as short words, decisions by the name of the ask.
struct Bench {
    var gate: Gate
    var names: [Ticket: String] = [:]
    var permits: [String: Permit] = [:]
    var refusals: [String: GateRefusal] = [:]

    init(
        _ limits: [Limit], pacing: Pacing = .window(.seconds(1)), queue: QueueRules = QueueRules(),
        fairness: FairnessRules = FairnessRules()
    ) {
        self.init(GateRules(limits: limits, pacing: pacing, queue: queue, fairness: fairness))
    }

    init(_ rules: GateRules) {
        gate = Gate(rules: rules, now: .start)
    }

    /// `+` admitted, `…` waiting, `-` refused.
    @discardableResult
    mutating func ask(
        _ name: String, tenant: String = "t", job: String = "", model: String = "", priority: Priority = .normal,
        deadline: Instant = .never, tokens: TokenClaim? = nil, at now: Instant = .start
    ) -> Character {
        let identity = Identity(tenant: tenant, job: job, priority: priority, model: model)
        defer { collect() }
        switch gate.submit(Ask(identity: identity, deadline: deadline, tokens: tokens), now: now) {
        case .admitted(let permit):
            permits[name] = permit
            return "+"
        case .waiting(let ticket, _):
            names[ticket] = name
            return "…"
        case .refused(let refusal):
            refusals[name] = refusal
            return "-"
        }
    }

    @discardableResult
    mutating func settle(
        _ name: String, _ verdict: Verdict = .answered, usage: Tokens? = nil, at now: Instant = .start
    ) -> [String] {
        guard let permit = permits.removeValue(forKey: name) else { return ["no permit for \(name)"] }
        gate.settle(permit, verdict, usage: usage, now: now)
        return collect()
    }

    mutating func withdraw(_ name: String, at now: Instant = .start) -> [String] {
        guard let permit = permits.removeValue(forKey: name) else { return ["no permit for \(name)"] }
        gate.withdraw(permit, now: now)
        return collect()
    }

    /// `?` where the budget has no room for it; the permit is still held then.
    mutating func retry(
        _ name: String, _ verdict: Verdict = .answered, isFree: Bool = true, at instant: Instant,
        deadline: Instant = .never, now: Instant
    ) -> Character {
        guard let permit = permits.removeValue(forKey: name) else { return "?" }
        defer { collect() }
        switch gate.retry(permit, verdict, isFree: isFree, at: instant, deadline: deadline, now: now) {
        case nil:
            permits[name] = permit
            return "?"
        case .admitted: return "+"
        case .waiting(let ticket, _):
            names[ticket] = name
            return "…"
        case .refused(let refusal):
            refusals[name] = refusal
            return "-"
        }
    }

    /// The provider answers with a 429 of the rate kind.
    mutating func throttle(_ name: String, comeBack: Interval? = nil, at now: Instant) {
        guard let permit = permits[name] else { return }
        gate.throttled(permit, comeBack: comeBack, now: now)
    }

    mutating func cancel(_ name: String, at now: Instant = .start) -> [String] {
        for (ticket, holder) in names where holder == name {
            gate.cancel(ticket, now: now)
            names[ticket] = nil
        }
        return collect()
    }

    mutating func advance(to instant: Instant) -> [String] {
        gate.advance(to: instant)
        return collect()
    }

    /// Names of those granted since.
    @discardableResult
    mutating func collect() -> [String] {
        gate.takeDecisions().compactMap { decision in
            switch decision {
            case .granted(let ticket, let permit):
                let name = names.removeValue(forKey: ticket) ?? "?"
                permits[name] = permit
                return name
            case .refused(let ticket, let refusal):
                refusals[names.removeValue(forKey: ticket) ?? "?"] = refusal
                return nil
            }
        }
    }
}

func slots(_ count: Int, per: [Dimension] = [], name: String = "slots") -> Limit {
    Limit(name: name, per: per, terms: Limit.Terms(inFlight: count))
}

func rate(_ quota: Int, per window: Interval = .minutes(1), match: [Limit.Match] = []) -> Limit {
    Limit(name: "rate", match: match, terms: Limit.Terms(rates: [Limit.Rate(quota, per: window)]))
}

/// So many tokens a minute, of all models, and spread over a minute.
func tokens(_ quota: Int, of unit: Limit.Unit = .tokens, per: [Dimension] = [], mode: Limit.Mode = .enforce) -> Limit {
    Limit(
        name: "tokens", per: per, terms: Limit.Terms(rates: [Limit.Rate(quota, per: .minutes(1), of: unit)]), mode: mode
    )
}
