import Admission

/// A gate in a standing situation, in which one decision after another can be made and its cost be measured.
///
/// A decision is one ask, the end of one attempt, and what became due for others by it: as much as one request costs
/// the gate in its whole life.
package struct GateBenchmark {
    package enum Situation: String, CaseIterable, Sendable {
        /// 100 000 wait, of 100 tenants, each with a job of its own.
        case jobs
        /// 100 000 wait, of 100 tenants.
        case tenants
        /// Every ask is admitted at once.
        case idle
        /// 100 000 wait, of 100 tenants, for slots and for tokens; every attempt's usage is told.
        case tokens
        /// 10 000 wait in 1 000 flows that are parked on the limits of ten models.
        case models

        package var waiting: Int {
            switch self {
            case .idle: 0
            case .models: 10_000
            case .tenants, .jobs, .tokens: 100_000
            }
        }
    }

    package let situation: Situation
    private var gate: Gate
    private var now = Rehearsal.start
    private var identities: [Identity]
    private var next = 0
    private var underWay: [Permit] = []
    /// The one that ends next.
    private var oldest = 0
    private var tickets: [Ticket] = []

    /// Between two decisions: 50 000 a second, half of what the rates allow.
    private static let pace = Interval.microseconds(20)
    private static let tenants = 100

    package init(_ situation: Situation) {
        self.situation = situation
        gate = Gate(rules: Self.rules(situation), now: now)
        identities = Self.identities(situation)
    }

    private static func rules(_ situation: Situation) -> GateRules {
        let minute = Interval.minutes(1)
        var account = Limit.Terms(inFlight: 16, rates: [Limit.Rate(6_000_000, per: minute)])
        if situation == .tokens { account.rates.append(Limit.Rate(6_000_000_000, per: minute, of: .tokens)) }
        if situation == .models { account.inFlight = nil }
        var limits = [Limit(name: "account", terms: account)]
        if situation == .models {
            limits.append(Limit(name: "model", per: [.model], terms: Limit.Terms(inFlight: 4)))
        } else {
            limits.append(Limit(name: "tenant", per: [.tenant], terms: Limit.Terms(inFlight: 4)))
        }
        return GateRules(
            limits: limits, pacing: .window(.seconds(1)),
            queue: QueueRules(maxRequests: 1_000_000, maxRequestsPerTenant: 1_000_000, timeout: .hours(10)))
    }

    /// Who asks in turn. Names of at most 15 bytes, which Swift keeps without an allocation.
    private static func identities(_ situation: Situation) -> [Identity] {
        switch situation {
        case .idle, .tenants, .tokens: (0..<tenants).map { Identity(tenant: "tenant-\($0)", model: "model") }
        case .jobs:
            // More than wait at one time: who comes next has nobody of its own in line.
            (0..<2 * situation.waiting).map { Identity(tenant: "tenant-\($0 % tenants)", job: "job-\($0)") }
        case .models:
            (0..<1000).map { Identity(tenant: "tenant-\($0 % tenants)", job: "job-\($0)", model: "model-\($0 % 10)") }
        }
    }

    /// Fills the line.
    package mutating func fill() {
        while gate.waiting < situation.waiting { submit() }
    }

    /// So many decisions.
    package mutating func decide(_ count: Int) {
        for _ in 0..<count {
            now = now + Self.pace
            submit()
            settle()
        }
    }

    /// Cancels so many of those that wait, here and there in the line.
    package mutating func cancel(_ count: Int) {
        for ticket in tickets.suffix(count) { gate.cancel(ticket, now: now) }
        tickets.removeLast(min(count, tickets.count))
    }

    /// Lets so many more wait, which can be cancelled.
    package mutating func prepareCancels(_ count: Int, random: inout SplitMix64) {
        for _ in 0..<count {
            if case .waiting(let ticket, _) = gate.submit(ask(), now: now) { tickets.append(ticket) }
        }
        tickets.shuffle(using: &random)
    }

    private mutating func ask() -> Ask {
        defer { next = next + 1 < identities.count ? next + 1 : 0 }
        let tokens = situation == .tokens ? TokenClaim(input: 1000, outputBound: 500) : nil
        return Ask(identity: identities[next], tokens: tokens)
    }

    private mutating func submit() {
        if case .admitted(let permit) = gate.submit(ask(), now: now) { underWay.append(permit) }
        takeGrants()
    }

    private mutating func settle() {
        guard oldest < underWay.count else { return }
        let usage = situation == .tokens ? Tokens(input: 1100, output: 80 + oldest % 64) : nil
        gate.settle(underWay[oldest], usage: usage, now: now)
        oldest += 1
        if oldest == 1 << 16 {
            underWay.removeFirst(oldest)
            oldest = 0
        }
        takeGrants()
    }

    private mutating func takeGrants() {
        for decision in gate.takeDecisions() {
            if case .granted(_, let permit) = decision { underWay.append(permit) }
        }
    }

    /// Asks waiting and attempts under way: a benchmark in which nothing moves proves nothing.
    package var standing: (waiting: Int, inFlight: Int) { (gate.waiting, gate.inFlight) }
}
