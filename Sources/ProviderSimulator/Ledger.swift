/// The books of a simulator: limits, faults and counts, one value that changes in one step per event.
///
/// Time is an argument, nanoseconds since the simulator's start.
struct Ledger: Sendable {
    private var enforcement: Enforcement
    private var faults: FaultPlan
    private var random: SeededRandom
    private var watch: TokenWatch
    private let recordsStarts: Bool
    private(set) var counts = SimulatorCounts()

    init(settings: SimulatorSettings) {
        enforcement = Enforcement(rules: settings.limits, refused: settings.refusedRequests)
        faults = FaultPlan(settings.faults, now: 0)
        random = SeededRandom(seed: settings.seed)
        recordsStarts = settings.recordsStarts
        watch = TokenWatch(settings.limits)
        counts = fresh
    }

    /// A request's head has been read. It is active from here on, refused or not, until ``leave(_:status:)``.
    mutating func arrive(key: String, now: Int64) -> Arrival {
        counts.active += 1
        counts.peak = max(counts.peak, counts.active)
        return enter(enforcement.arrive(key: key, now: now), key: key, model: nil, now: now)
    }

    /// The whole request has come that ``arrive(key:now:)`` left undecided.
    mutating func decide(_ arrival: Arrival, weight: Weight, now: Int64) -> Arrival {
        guard case .undecided = arrival.verdict, let key = arrival.heldUnder else {
            preconditionFailure("a request is decided once")
        }
        watch.see(weight, key: key, now: now)
        counts.windowTokensPeak = watch.peaks
        let verdict = enforcement.decide(key: key, weight: weight, now: now)
        return enter(verdict, key: key, model: weight.model, now: now)
    }

    private mutating func enter(_ verdict: Verdict, key: String, model: String?, now: Int64) -> Arrival {
        switch verdict {
        case .undecided:
            return Arrival(verdict: verdict, fault: nil, heldUnder: key, seed: 0)
        case .accepted:
            counts.accepted += 1
            if recordsStarts { counts.starts.append(now) }
            let fault = faults.draw(now: now, using: &random)
            return Arrival(verdict: verdict, fault: fault, heldUnder: key, model: model, seed: random.next())
        case .refused(let refusal):
            counts.violations[refusal.rule.description, default: 0] += 1
            return Arrival(verdict: verdict, fault: nil, heldUnder: nil, seed: 0)
        }
    }

    /// The request's last byte is about to be written, or its connection or stream is gone.
    ///
    /// - Parameter status: of the head that was written, `nil` where none was.
    mutating func leave(_ arrival: Arrival, status: Int?, cancelled: Bool) {
        precondition(counts.active > 0, "a request leaves once")
        counts.active -= 1
        counts.requests[status ?? 0, default: 0] += 1
        if cancelled { counts.cancelled += 1 }
        if let key = arrival.heldUnder { enforcement.leave(key: key, model: arrival.model) }
    }

    mutating func connect() {
        counts.connections += 1
    }

    mutating func disconnect() {
        counts.connections -= 1
    }

    mutating func setFaults(_ rules: [FaultRule], now: Int64) {
        faults = FaultPlan(rules, now: now)
    }

    func faultRules(now: Int64) -> [FaultRule] {
        faults.rules(now: now)
    }

    /// Counts begin anew; what is under way and what the limits have seen stays.
    mutating func resetCounts() {
        watch.resetPeaks()
        var fresh = fresh
        fresh.active = counts.active
        fresh.peak = counts.active
        fresh.connections = counts.connections
        counts = fresh
    }

    /// Each limit has its number from the start, so that one that is missing is a mistake of who asks.
    private var fresh: SimulatorCounts {
        var counts = SimulatorCounts()
        for rule in enforcement.rules { counts.violations[rule.description] = 0 }
        counts.windowTokensPeak = watch.peaks
        return counts
    }
}

/// What the books say to a request that has arrived; given back when it leaves.
struct Arrival: Sendable {
    var verdict: Verdict
    var fault: Fault?
    /// The key under which places in flight are held, `nil` where none are.
    var heldUnder: String?
    /// The model whose places in flight are held too.
    var model: String?
    /// Decides everything random about the answer.
    var seed: UInt64
}

/// What a simulator has counted since its start or the last reset.
package struct SimulatorCounts: Hashable, Sendable {
    /// Requests whose head has been read and whose last byte has not been written, refused ones included.
    package var active = 0
    package var peak = 0
    /// Requests that the limits allowed.
    package var accepted = 0
    /// Finished requests by the status written; 0 where the connection ended before a head.
    package var requests: [Int: Int] = [:]
    /// Requests that arrived when a limit did not allow them, by the limit's description.
    package var violations: [String: Int] = [:]
    /// The most tokens that arrived within any one window of a limit in tokens, refused ones included, by the limit's
    /// description; for a limit per key, of any one key. A window is any stretch of the limit's length; where the limit
    /// has fixed windows, one of those.
    package var windowTokensPeak: [String: Int] = [:]
    package var connections = 0
    /// Requests whose caller left before the answer was complete.
    package var cancelled = 0
    /// When the accepted requests arrived, nanoseconds since the start; only with `recordsStarts`.
    package var starts: [Int64] = []

    package var totalViolations: Int { violations.values.reduce(0, +) }
    package var totalRequests: Int { requests.values.reduce(0, +) }
}
